//! The client secret, given as it is or by the file that holds it.

use std::path::{Path, PathBuf};

use super::given::{Given, Text};
use super::named_file::{self, unusable_file};
use super::values;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// The most that is read, in bytes. Real ones have some dozens.
const LARGEST: usize = 4096;

/// Where the client secret comes from.
#[derive(Debug, PartialEq, Eq)]
pub enum ClientSecret {
    /// As it is.
    Given(Secret),
    /// From the first line of a file, which is read only when the secret is needed: never on the warm path.
    File {
        /// The file.
        path: PathBuf,
        /// How an error calls the setting that names it.
        label: String,
    },
}

impl ClientSecret {
    /// The one that was given in the highest layer.
    pub(super) fn choose(given: &Given) -> Result<Option<Self>> {
        let (secret, file) = (given.text("client-secret"), given.text("client-secret-file"));
        let layer = |text: &Option<Text<'_>>| text.map(|text| text.origin.layer());
        match (secret.filter(|text| may_use(given, *text)), file.filter(|text| may_use(given, *text))) {
            (Some(one), Some(other)) if layer(&secret) == layer(&file) => {
                let message = format!("{} and {} cannot be used together", one.label(), other.label());
                Err(Error::new(ErrorKind::Usage, message)
                    .hint("leave one of them out; KUBEKEY_CLIENT_SECRET and KUBEKEY_CLIENT_SECRET_FILE count as well"))
            }
            (secret, Some(file)) if secret.is_none() || layer(&secret) < layer(&Some(file)) => {
                Ok(Some(Self::File { path: values::path(file)?, label: file.label() }))
            }
            (secret, _) => Ok(secret.map(|secret| Self::Given(Secret::new(secret.text)))),
        }
    }

    /// The secret.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`], naming the file, if there is none in it.
    pub fn read(&self) -> Result<Secret> {
        match self {
            Self::Given(secret) => Ok(secret.clone()),
            Self::File { path, label } => {
                let secret = read_first_line(label, path)?;
                warn_if_open_to_others(path);
                Ok(secret)
            }
        }
    }
}

/// A secret belongs to a client at an issuer, and must not reach another: what a kubeconfig says of these two must not
/// make kubekey send it the secret of a file.
fn may_use(given: &Given, secret: Text<'_>) -> bool {
    let layer = Some(secret.origin.layer());
    ["issuer-url", "client-id"].iter().all(|flag| given.first_layer(flag) <= layer)
}

fn read_first_line(label: &str, path: &Path) -> Result<Secret> {
    let hint = "its first line has to be the client secret and nothing else";
    let bytes = named_file::read(label, path, LARGEST).map_err(|error| error.hint(hint))?;
    // PowerShell's '>' writes UTF-16.
    let text = std::str::from_utf8(&bytes).map_err(|_| unusable_file(label, path, "it is not UTF-8").hint(hint))?;
    match text.trim_start_matches('\u{feff}').lines().next() {
        Some(line) if !line.is_empty() => Ok(Secret::new(line)),
        _ => Err(unusable_file(label, path, "its first line is empty").hint(hint)),
    }
}

/// A file of the user's own is theirs to close. One of root's is for all users of this computer: their kubekey reads it.
#[cfg(unix)]
fn warn_if_open_to_others(path: &Path) {
    use std::os::unix::fs::MetadataExt;
    use std::sync::Once;
    static WARNED: Once = Once::new();
    let is_open = path.metadata().is_ok_and(|found| {
        let own = found.uid() == rustix::process::geteuid().as_raw();
        own && found.mode() & 0o004 != 0
    });
    if is_open {
        let path = path.display();
        WARNED.call_once(|| {
            crate::terminal::warning(&format!(
                "all users of this computer can read the client secret in {path} ('chmod 600' mends that)"
            ))
        });
    }
}

/// Below the user's profile Windows lets nobody else in.
#[cfg(not(unix))]
fn warn_if_open_to_others(_: &Path) {}
