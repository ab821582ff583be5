//! The cluster's certificate authority, in a form that kubectl and other clients can read.

use std::path::Path;

use crate::cli;
use crate::config::Flags;
use crate::error::{Error, ErrorKind, Result};
use crate::settings::Authority;

const WHOLE_PATH: &str = "give the full path of a PEM file";

/// The certificate authority of an API server, in a form that fits into a kubeconfig.
pub struct Trust {
    /// The absolute path of the file, if it came from one.
    pub path: Option<String>,
    /// Only its certificates, as PEM in base64.
    pub data: String,
    /// Whether the kubeconfig needs a copy instead of the path: other clients would miss some of the file's
    /// certificates.
    pub is_copied: bool,
}

impl Trust {
    /// Reads the certificates. `label` is the name of the setting in errors.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if it does not contain a certificate.
    pub fn of(authority: &Authority, label: &str) -> Result<Self> {
        let for_others = authority.for_others(label)?;
        let path = match authority {
            Authority::File(path) => Some(path.to_string_lossy().into_owned()),
            Authority::Data(_) => None,
        };
        let is_copied = path.is_some() && !for_others.is_readable_as_it_is;
        Ok(Self { path, data: for_others.data, is_copied })
    }

    /// The cluster's field to write, and its value.
    pub fn field(&self) -> (&'static str, &str) {
        match &self.path {
            Some(path) if !self.is_copied => ("certificate-authority", path),
            _ => ("certificate-authority-data", &self.data),
        }
    }

    /// The same certificates in the other field, which an earlier run may have written when the file was readable, or
    /// not readable, for other clients.
    pub fn other_field(&self) -> Option<(&'static str, String)> {
        match &self.path {
            Some(path) if self.is_copied => Some(("certificate-authority", path.clone())),
            Some(_) => Some(("certificate-authority-data", self.data.clone())),
            None => None,
        }
    }

    /// A notice that the kubeconfig has a copy: it is not updated when the file changes.
    pub fn notice(&self) -> Option<String> {
        let path = self.path.as_ref().filter(|_| self.is_copied)?;
        Some(format!(
            "the certificates of {path} are copied into the kubeconfig: kubectl cannot read the file as it is \
             ('kubekey setup' copies them again when they change)"
        ))
    }
}

/// Takes the file of the cluster's CA out of the flags and puts the provider's there: in `setup`,
/// `--certificate-authority` is the cluster's, as in `kubectl config set-cluster`; the variable is always the
/// provider's.
///
/// # Errors
/// [`ErrorKind::Usage`] if the cluster's is empty, since a script with an unset variable does not mean a cluster
/// without a CA; and if a path of the provider's cannot be used.
pub fn take_authority(flags: &mut Flags, asked: &cli::Setup) -> Result<Option<String>> {
    let of_provider = whole_paths(&asked.issuer_certificate_authority)?;
    match flags.replace("certificate-authority", &of_provider).pop() {
        Some(empty) if empty.is_empty() => {
            // The same words as clap's for the other flags.
            let message = "a value is required for '--certificate-authority <FILE>' but none was supplied";
            Err(Error::new(ErrorKind::Usage, message).hint("'kubekey setup --help' lists all flags"))
        }
        path => Ok(path),
    }
}

/// Reads the certificate authority in a file. Its path is made absolute, because kubectl resolves a relative path from
/// the kubeconfig's folder.
///
/// # Errors
/// [`ErrorKind::Usage`] if it does not contain a certificate.
pub fn read_authority(text: &str) -> Result<Trust> {
    let unusable = |why: String| {
        Error::new(ErrorKind::Usage, format!("--certificate-authority '{text}' cannot be used: {why}")).hint(WHOLE_PATH)
    };
    let path = std::path::absolute(Path::new(text)).map_err(|error| unusable(error.to_string()))?;
    Trust::of(&Authority::File(path), "--certificate-authority")
}

/// The absolute paths of the provider's certificate authorities: kubekey reads nothing from the current directory.
///
/// # Errors
/// [`ErrorKind::Usage`] for one that cannot be used as a path.
pub fn whole_paths(files: &[String]) -> Result<Vec<String>> {
    let whole = |file: &String| {
        let path = std::path::absolute(Path::new(file)).map_err(|error| error.to_string());
        let text = path.and_then(|path| path.into_os_string().into_string().map_err(|_| "it is not UTF-8".to_owned()));
        text.map_err(|why| {
            Error::new(ErrorKind::Usage, format!("--issuer-certificate-authority '{file}' cannot be used: {why}"))
                .hint(WHOLE_PATH)
        })
    };
    files.iter().map(|file| if file.starts_with("~/") { Ok(file.clone()) } else { whole(file) }).collect()
}
