//! The client secret, given as it is or by the file that holds it.

use std::path::{Path, PathBuf};

use super::named_file::{self, unusable_file};
use super::settings::{first, parse_path};
use crate::cli;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

const FLAG: &str = "client-secret-file";

/// The most that is read, in bytes. Real ones have some dozens.
const LARGEST: usize = 4096;

/// Where the client secret comes from.
#[derive(Debug, PartialEq, Eq)]
pub enum ClientSecret {
    /// From a flag or a variable.
    Given(Secret),
    /// From the first line of a file, which is read only when the secret is needed: never on the warm path.
    File(PathBuf),
}

impl ClientSecret {
    /// The one that was given; `original` is the original kubekey's variable, which every flag wins over.
    pub(super) fn choose(given: &cli::Settings, original: Option<String>) -> Result<Option<Self>> {
        match (first([given.client_secret.clone()]), first([given.client_secret_file.clone()])) {
            (Some(_), Some(_)) => {
                Err(Error::new(ErrorKind::Usage, "--client-secret and --client-secret-file cannot be used together")
                    .hint("leave one of them out; KUBEKEY_CLIENT_SECRET and KUBEKEY_CLIENT_SECRET_FILE count as well"))
            }
            (None, Some(file)) => Ok(Some(Self::File(parse_path(FLAG, &file)?))),
            (secret, None) => Ok(first([secret, original]).map(|secret| Self::Given(Secret::new(secret)))),
        }
    }

    /// The secret.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`], naming the file, if there is none in it.
    pub fn read(&self) -> Result<Secret> {
        match self {
            Self::Given(secret) => Ok(secret.clone()),
            Self::File(path) => {
                let secret = read_first_line(path)?;
                warn_if_open_to_others(path);
                Ok(secret)
            }
        }
    }
}

fn read_first_line(path: &Path) -> Result<Secret> {
    let hint = "its first line has to be the client secret and nothing else";
    let bytes = named_file::read(FLAG, path, LARGEST).map_err(|error| error.hint(hint))?;
    // PowerShell's '>' writes UTF-16.
    let text = std::str::from_utf8(&bytes).map_err(|_| unusable_file(FLAG, path, "it is not UTF-8").hint(hint))?;
    match text.trim_start_matches('\u{feff}').lines().next() {
        Some(line) if !line.is_empty() => Ok(Secret::new(line)),
        _ => Err(unusable_file(FLAG, path, "its first line is empty").hint(hint)),
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
