//! The certificate and the private key with which the local server speaks https.

use std::path::{Path, PathBuf};

use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::named_file::{self, unusable_file};
use super::{exposure, pem, values};
use crate::config::given::Given;
use crate::error::{Error, ErrorKind, Result};

/// The flag for the certificate.
pub(super) const CERTIFICATE: &str = "local-server-cert";

/// The flag for its private key.
const KEY: &str = "local-server-key";

/// The most that is read of a file, in bytes. A certificate with its chain has some thousands.
const LARGEST: usize = 64 * 1024;

/// The files for https on loopback. They are read only for a sign-in in the browser.
#[derive(Debug, PartialEq, Eq)]
pub struct LocalServer {
    certificate: Named,
    key: Named,
}

/// A file, with the name of its setting for errors.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    label: String,
    path: PathBuf,
}

/// What is in the files.
pub struct Identity {
    /// The certificate, followed by those of the authorities between it and the root.
    pub certificates: Vec<CertificateDer<'static>>,
    /// A private key; whether it is that of the certificate is not checked.
    pub key: PrivateKeyDer<'static>,
}

impl LocalServer {
    /// The files that are set; `None` if neither is.
    pub(super) fn parse(given: &Given) -> Result<Option<Self>> {
        match (named(given, CERTIFICATE)?, named(given, KEY)?) {
            (Some(certificate), Some(key)) => Ok(Some(Self { certificate, key })),
            (Some(one), None) => Err(alone(&one, KEY)),
            (None, Some(one)) => Err(alone(&one, CERTIFICATE)),
            (None, None) => Ok(None),
        }
    }

    /// Reads both files.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`], naming the file, if it does not contain what it should, or if all users can read the key.
    pub fn read(&self) -> Result<Identity> {
        let Self { certificate, key } = self;
        let hint = "give a PEM file, which begins with '-----BEGIN CERTIFICATE-----'";
        let certificates = certificate.parse(pem::certificates, hint)?;
        let found = key.parse(pem::private_key, "give a PEM file, which begins with '-----BEGIN PRIVATE KEY-----'")?;
        match exposure::of_own(&key.path) {
            // On Windows a file inherits who can read it, and companies add groups of theirs to whole folders.
            Some(exposure) if cfg!(windows) => exposure.warn("the private key", &key.path),
            Some(exposure) => {
                let error = unusable_file(&key.label, &key.path, &format!("{} can read it", exposure.readers));
                let hint = "a private key is for its owner alone; to make it so, run:";
                return Err(error.hint(hint).commands(exposure.commands));
            }
            None => {}
        }
        Ok(Identity { certificates, key: found })
    }

    /// The error for a key that is not that of the certificate.
    pub fn other_key(&self) -> Error {
        let hint = format!("give the key with which '{}' was made", self.certificate.path.display());
        unusable_file(&self.key.label, &self.key.path, "it is not the key of the certificate").hint(hint)
    }

    /// The error for a key that is not supported.
    pub fn unknown_key(&self) -> Error {
        unusable_file(&self.key.label, &self.key.path, "kubekey does not support its kind of key")
            .hint("make a certificate with a key of RSA (2048 bits or more), Ed25519, or ECDSA on P-256 or P-384")
    }

    /// The error for a certificate that no server can have.
    pub fn unusable_certificate(&self) -> Error {
        unusable_file(&self.certificate.label, &self.certificate.path, "it is not the certificate of a server")
            .hint("make one of X.509 version 3, with the host of the redirect URL as a subject alternative name")
    }

    /// The file with the certificate.
    pub fn certificate(&self) -> &Path {
        &self.certificate.path
    }
}

impl Named {
    fn parse<T>(&self, parse: fn(&[u8]) -> std::result::Result<T, String>, hint: &str) -> Result<T> {
        let bytes = named_file::read(&self.label, &self.path, LARGEST)
            .map_err(|error| error.hint("create it or make it readable, or give another file"))?;
        parse(&bytes).map_err(|why| unusable_file(&self.label, &self.path, &why).hint(hint))
    }
}

fn named(given: &Given, flag: &str) -> Result<Option<Named>> {
    let named = given.text(flag).map(|text| Ok(Named { label: text.label(), path: values::path(text)? }));
    named.transpose()
}

fn alone(one: &Named, other: &str) -> Error {
    let message = format!("{} is set, and --{other} is not", one.label);
    Error::new(ErrorKind::Usage, message).hint(format!("https needs both: give --{other}, too, or neither"))
}
