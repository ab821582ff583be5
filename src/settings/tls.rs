//! The certificate authorities to trust in addition to the platform's.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::certificate::warn_of_dates;
use super::named_file::{self, unusable_file};
use super::{pem, values};
use crate::config::Cluster;
use crate::config::given::{Given, Text, unusable};
use crate::environment;
use crate::error::{Error, Result};

const FILE: &str = "certificate-authority";
const DATA: &str = "certificate-authority-data";

/// The most that is read of a file, in bytes. Debian's list of all public authorities has 220,000.
const LARGEST: usize = 1024 * 1024;

/// How the provider's certificate is verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Authorities to trust in addition to the platform's. No file of theirs is read before the HTTP client is built.
    pub authorities: Vec<Authority>,
    /// Whether every certificate is trusted.
    pub skips_verification: bool,
    /// Whether [`STORE_VARIABLES`](crate::environment::STORE_VARIABLES) are ignored.
    pub passes_over_variables: bool,
    /// The names of the settings for files and for data, for errors.
    labels: [String; 2],
    /// The authorities of the policy, and the name of its key for errors.
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
    /// The verification of another server than the provider: by the platform and the policy alone, since a kubeconfig can
    /// set the rest.
    pub fn of_platform(&self) -> Self {
        Self { authorities: Vec::new(), skips_verification: false, passes_over_variables: true, ..self.clone() }
    }

    /// Parses the settings. `extra` is the name of the policy's key, for errors, and its files.
    pub fn parse(given: &Given, extra: Option<(String, &[String])>, passes_over_variables: bool) -> Result<Self> {
        let (files, data) = (given.texts(FILE), given.texts(DATA));
        // Before a part of it counts as a path by itself.
        files.iter().try_for_each(|file| values::on_one_line(*file).map(drop))?;
        let label = |texts: &[Text<'_>]| texts.first().map(Text::label).unwrap_or_default();
        let labels = [label(&files), label(&data)];
        let files = files.iter().flat_map(|file| std::env::split_paths(file.text).map(|path| (*file, path)));
        let files = files.filter(|(_, path)| !path.as_os_str().is_empty());
        let files = files.map(|(file, path)| values::path(file.part(&path.to_string_lossy())).map(Authority::File));
        // `base64` wraps its lines, so only a space separates two values.
        let data = data.iter().flat_map(|data| data.text.split(' '));
        let data = data.map(|text| text.split_whitespace().collect::<String>()).filter(|text| !text.is_empty());
        Ok(Self {
            authorities: files.chain(data.map(|text| Ok(Authority::Data(text)))).collect::<Result<_>>()?,
            skips_verification: values::switch(given.text("insecure-skip-tls-verify"))?,
            passes_over_variables,
            labels,
            extra: extra.map(|(label, files)| (label, files.iter().map(|file| Authority::File(file.into())).collect())),
        })
    }

    /// Trusts one source of authorities, which errors call `label`.
    pub fn of(authority: Authority, label: &str) -> Self {
        Self { authorities: vec![authority], labels: [label, label].map(str::to_owned), ..Self::default() }
    }

    /// The verification of a kubeconfig's cluster with this authority, if it has one of its own; errors call it `label`.
    pub fn of_cluster(authority: Option<Authority>, label: &str, skips_verification: bool) -> Self {
        Self {
            authorities: authority.into_iter().collect(),
            skips_verification,
            passes_over_variables: environment::is_under_policy(),
            labels: [label, label].map(str::to_owned),
            extra: None,
        }
    }

    /// The certificates of all authorities, those of the policy included.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Usage`], naming the setting and the file, if one contains no certificate.
    pub fn certificates(&self) -> Result<Vec<CertificateDer<'static>>> {
        let given = self.authorities.iter().map(|authority| Ok(authority.read(&self.labels)?.1));
        let extra = self.extra.iter().flat_map(|(label, files)| {
            let labels = [label.clone(), label.clone()];
            files.iter().map(move |file| Ok(file.read(&labels)?.1))
        });
        Ok(given.chain(extra).collect::<Result<Vec<_>>>()?.concat())
    }
}

/// What programs that read PEM strictly find in an authority.
pub struct ForOthers {
    /// Whether they find all its certificates.
    pub is_readable_as_it_is: bool,
    /// Only the certificates, as PEM in base64.
    pub data: String,
}

impl Authority {
    /// The authority that a cluster's description names, if any, and its name for errors.
    pub fn of_cluster(cluster: &Cluster) -> Option<(Self, String)> {
        let file = cluster.certificate_authority.as_ref().map(|path| Self::File(path.into()));
        let data = cluster.certificate_authority_data.as_ref().map(|data| Self::Data(data.clone()));
        let field = if file.is_some() { "certificate_authority" } else { "certificate_authority_data" };
        let label = format!("{}: cluster '{}': {field}", cluster.place, cluster.name);
        Some((file.or(data)?, label))
    }

    /// Checks that the authority of a cluster, if it names one, contains certificates.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Usage`] if not.
    pub fn check_of_cluster(cluster: &Cluster) -> Result<()> {
        match Self::of_cluster(cluster) {
            Some((authority, label)) => Tls::of(authority, &label).certificates().map(drop),
            None => Ok(()),
        }
    }

    /// What other programs find in it; errors call the setting `label`.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Usage`], naming the setting and the file, if it contains no certificate.
    pub fn for_others(&self, label: &str) -> Result<ForOthers> {
        let (bytes, certificates) = self.read(&[label, label].map(str::to_owned))?;
        let is_readable_as_it_is = pem::certificates_to_the_letter(&bytes) == certificates;
        Ok(ForOthers { is_readable_as_it_is, data: STANDARD.encode(pem::encode(&certificates)) })
    }

    /// Its bytes and the certificates in them. Warns about certificates that are out of date.
    fn read(&self, [file, data]: &[String; 2]) -> Result<(Zeroizing<Vec<u8>>, Vec<CertificateDer<'static>>)> {
        let bytes = match self {
            Self::File(path) => named_file::read(file, path, LARGEST)
                .map_err(|error| error.hint("create it or make it readable, or give another file")),
            Self::Data(text) => STANDARD
                .decode(text)
                .map(Zeroizing::new)
                .map_err(|_| explained(unusable(data, &beginning(text), "it is not base64"))),
        }?;
        let certificates = pem::certificates(&bytes).map_err(|why| match self {
            Self::File(path) => explained(unusable_file(file, path, &why)),
            Self::Data(text) => explained(unusable(data, &beginning(text), &why)),
        })?;
        let source = match self {
            Self::File(path) => format!("{file} '{}'", path.display()),
            Self::Data(_) => data.clone(),
        };
        warn_of_dates(&source, &certificates);
        Ok((bytes, certificates))
    }
}

/// The certificates of the trust store that a variable names, if it is a file with a byte order mark, of which the
/// platform's reader would lose some; empty otherwise.
///
/// # Errors
/// [`crate::error::ErrorKind::Usage`], naming the variable, for a file with such a mark that cannot be read.
pub fn marked_store(variable: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let bytes = match named_file::read(variable, path, LARGEST) {
        Ok(bytes) if pem::has_byte_order_mark(&bytes) => bytes,
        _ => return Ok(Vec::new()),
    };
    pem::certificates(&bytes).map_err(|why| explained(unusable_file(variable, path, &why)))
}

fn explained(error: Error) -> Error {
    let commands = if cfg!(windows) {
        ["certutil -encode FILE.cer FILE.pem", "[Convert]::ToBase64String([IO.File]::ReadAllBytes('FILE.pem'))"]
    } else {
        ["openssl x509 -inform der -in FILE.cer -out FILE.pem", "base64 -w0 FILE.pem"]
    };
    error
        .hint("give a PEM file, which begins with '-----BEGIN CERTIFICATE-----', or its base64. To convert a file:")
        .commands(commands.map(str::to_owned))
}

/// Enough of a value to recognize it.
fn beginning(text: &str) -> String {
    match text.char_indices().nth(20) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
