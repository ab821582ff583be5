//! Certificate authorities: the cluster's, in a form that kubectl and other clients can read, and those that settings for
//! all users name.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::commands::config::Answers;
use crate::config::Flags;
use crate::config::given::{Given, Origin, Value};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::{Authority, Tls};
use crate::{cli, terminal};

/// The provider's, by a file and as data.
const FILE: &str = "certificate-authority";
const DATA: &str = "certificate-authority-data";

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
    match flags.replace(FILE, &of_provider).pop() {
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

/// Checks the authorities of the provider and of the clusters: with one that cannot be used, every later run fails. A file
/// that is not there may come later, with another package.
///
/// # Errors
/// [`ErrorKind::Usage`], naming the setting and the file, if one contains no certificate.
pub fn check_authorities(answers: &Answers) -> Result<()> {
    for value in values(answers, DATA) {
        let mut given = Given::default();
        given.push(value.clone());
        Tls::parse(&given, None, false)?.certificates()?;
    }
    for value in values(answers, FILE) {
        // In `setup`, the flag of this name is the cluster's.
        let label = match value.origin {
            Origin::Flag => "--issuer-certificate-authority".to_owned(),
            _ => value.origin.label(value.key),
        };
        for path in paths(value).into_iter().filter(|path| !is_missing(path)) {
            Tls::of(Authority::File(path), &label).certificates()?;
        }
    }
    let is_missing = |path: &String| is_missing(Path::new(path));
    let of_clusters = answers.clusters.iter();
    let mut of_clusters = of_clusters.filter(|cluster| !cluster.certificate_authority.as_ref().is_some_and(is_missing));
    of_clusters.try_for_each(Authority::check_of_cluster)
}

/// Warns about files that are missing, and with `of_all_users` about those that some users cannot read.
pub fn warn_of_authorities(answers: &Answers, of_all_users: bool) {
    let of_provider = values(answers, FILE).flat_map(paths).map(|path| ("the provider's CA".to_owned(), path));
    let of_clusters = answers.clusters.iter().filter_map(|cluster| {
        let path = cluster.certificate_authority.as_ref()?;
        Some((format!("cluster '{}'", cluster.name), path.into()))
    });
    for (whose, path) in of_provider.chain(of_clusters) {
        let shown = path.display();
        if is_missing(&path) {
            terminal::warning(&format!("{whose}: {shown} does not exist yet"));
        } else if of_all_users && !is_readable_by_all(&path) {
            terminal::warning(&format!(
                "{whose}: not all users can read {shown}: change its permissions, or put it into another folder"
            ));
        }
    }
}

/// The values of a setting, those of profiles included.
fn values<'a>(answers: &'a Answers, flag: &'a str) -> impl Iterator<Item = &'a Value> {
    let of_profiles = answers.profiles().iter().flat_map(|(_, values)| values);
    answers.settings().chain(of_profiles).filter(move |value| value.key.flag == flag)
}

/// The files in a value, which may have several in one string. One in a home is another for each user.
fn paths(value: &Value) -> Vec<PathBuf> {
    let paths = value.texts.iter().flat_map(std::env::split_paths);
    paths.filter(|path| !path.as_os_str().is_empty() && !path.starts_with("~")).collect()
}

/// Whether there is no file yet, or a link to none.
fn is_missing(path: &Path) -> bool {
    fs::metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// Whether the permissions of the file and of the folders above it let everybody read it.
#[cfg(unix)]
fn is_readable_by_all(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let Ok(path) = path.canonicalize() else { return true };
    let grants = |path: &Path, bit| path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & bit != 0);
    grants(&path, 0o004) && path.ancestors().skip(1).all(|folder| grants(folder, 0o001))
}

/// An access control list does not tell what a group of users contains.
#[cfg(not(unix))]
fn is_readable_by_all(_: &Path) -> bool {
    true
}
