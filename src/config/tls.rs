//! Whose certificates are believed besides those that the platform believes.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};

use super::given::{Given, Text, unusable};
use super::named_file::{self, unusable_file};
use super::values;
use crate::error::{Error, Result};

const FILE: &str = "certificate-authority";
const DATA: &str = "certificate-authority-data";

/// The most that is read of a file, in bytes. Debian's list of all public authorities has 220,000.
const LARGEST: usize = 1024 * 1024;

/// How the provider's certificate is verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Authorities that are believed besides the platform's. Nothing of them is read before the HTTP client is built.
    pub authorities: Vec<Authority>,
    /// Believes every certificate.
    pub skips_verification: bool,
    /// How an error calls the settings for files and for data.
    labels: [String; 2],
    /// The authorities of the policy, and how an error calls its key.
    extra: Option<(String, Vec<Authority>)>,
}

/// Where certificates of authorities come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authority {
    /// A file in PEM.
    File(PathBuf),
    /// PEM in base64, as in a kubeconfig.
    Data(String),
}

impl Tls {
    /// With the policy's files, and how an error calls its key.
    pub(super) fn parse(given: &Given, extra: Option<(String, &[String])>) -> Result<Self> {
        let (files, data) = (given.texts(FILE), given.texts(DATA));
        let label = |texts: &[Text<'_>]| texts.first().map(Text::label).unwrap_or_default();
        let labels = [label(&files), label(&data)];
        let files = files.iter().flat_map(|file| std::env::split_paths(file.text).map(|path| (*file, path)));
        let files = files.filter(|(_, path)| !path.as_os_str().is_empty());
        let files = files.map(|(file, path)| values::path(file.part(&path.to_string_lossy())).map(Authority::File));
        // `base64` breaks its lines.
        let data = data.iter().flat_map(|data| data.text.split(' '));
        let data = data.map(|text| text.split_whitespace().collect::<String>()).filter(|text| !text.is_empty());
        Ok(Self {
            authorities: files.chain(data.map(|text| Ok(Authority::Data(text)))).collect::<Result<_>>()?,
            skips_verification: values::switch(given.text("insecure-skip-tls-verify"))?,
            labels,
            extra: extra.map(|(label, files)| (label, files.iter().map(|file| Authority::File(file.into())).collect())),
        })
    }

    /// One source of authorities, as errors are to call it.
    pub fn of(authority: Authority, label: &str) -> Self {
        Self {
            authorities: vec![authority],
            skips_verification: false,
            labels: [label, label].map(str::to_owned),
            extra: None,
        }
    }

    /// The certificates of all [`Tls::authorities`].
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Usage`], naming the setting and the file, for one without a certificate.
    pub fn certificates(&self) -> Result<Vec<CertificateDer<'static>>> {
        let given = self.authorities.iter().map(|authority| authority.certificates(&self.labels));
        let extra = self.extra.iter().flat_map(|(label, files)| {
            let labels = [label.clone(), label.clone()];
            files.iter().map(move |file| file.certificates(&labels))
        });
        Ok(given.chain(extra).collect::<Result<Vec<_>>>()?.concat())
    }
}

impl Authority {
    fn certificates(&self, [file, data]: &[String; 2]) -> Result<Vec<CertificateDer<'static>>> {
        match self {
            Self::File(path) => named_file::read(file, path, LARGEST)
                .map_err(|error| error.hint("put a file there that you can read, or name another one"))
                .and_then(|pem| parse_pem(&pem).map_err(|why| explained(unusable_file(file, path, &why)))),
            Self::Data(text) => STANDARD
                .decode(text)
                .map_err(|_| "it is not base64".to_owned())
                .and_then(|pem| parse_pem(&pem))
                .map_err(|why| explained(unusable(data, &beginning(text), &why))),
        }
    }
}

/// All certificates, each of which the platform's verifier will be able to read; keys and the like are passed over.
fn parse_pem(pem: &[u8]) -> std::result::Result<Vec<CertificateDer<'static>>, String> {
    let all: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = all.map_err(|error| match error {
        pem::Error::MissingSectionEnd { .. } => "the end of a PEM section is missing in it".to_owned(),
        error => format!("its PEM cannot be read: {error}"),
    })?;
    if certificates.is_empty() {
        return Err("there is no certificate in PEM in it".to_owned());
    }
    let mut readable = rustls::RootCertStore::empty();
    match certificates.iter().all(|certificate| readable.add(certificate.clone()).is_ok()) {
        true => Ok(certificates),
        false => Err("it has a certificate that cannot be read".to_owned()),
    }
}

fn explained(error: Error) -> Error {
    error.hint(
        "give a file in PEM, which begins with '-----BEGIN CERTIFICATE-----' ('openssl x509 -inform der -in FILE' makes it of a .cer), or the output of 'base64 -w0 FILE'",
    )
}

/// Enough of it to find it among others.
fn beginning(text: &str) -> String {
    match text.char_indices().nth(20) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
