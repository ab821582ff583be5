//! The client secret, set directly or as the file that contains it.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::named_file::{self, unusable_file};
use super::{exposure, values};
use crate::config::given::{Given, Text};
use crate::encoding::Encoding;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// The most that is read, in bytes. Real secrets have some dozens.
const LARGEST: usize = 4096;

/// Where the client secret comes from.
#[derive(Debug, PartialEq, Eq)]
pub enum ClientSecret {
    /// The secret itself.
    Given(Secret),
    /// The first line of a file, which is read only when the secret is needed, never on the warm path.
    File {
        /// The path of the file.
        path: PathBuf,
        /// The name of the setting, for errors.
        label: String,
    },
}

impl ClientSecret {
    /// Chooses the one that was set in the highest layer.
    pub(super) fn choose(given: &Given) -> Result<Option<Self>> {
        let (secret, file) = (given.text("client-secret"), given.text("client-secret-file"));
        let layer = |text: &Option<Text<'_>>| text.map(|text| text.origin.layer());
        match (secret.filter(|text| may_use(given, *text)), file.filter(|text| may_use(given, *text))) {
            (Some(one), Some(other)) if layer(&secret) == layer(&file) => {
                let message = format!("{} and {} cannot be used together", one.label(), other.label());
                Err(Error::new(ErrorKind::Usage, message)
                    .hint("remove one of them; KUBEKEY_CLIENT_SECRET and KUBEKEY_CLIENT_SECRET_FILE count, too"))
            }
            (secret, Some(file)) if secret.is_none() || layer(&secret) < layer(&Some(file)) => {
                Ok(Some(Self::File { path: values::path(file)?, label: file.label() }))
            }
            (secret, _) => Ok(secret.map(|secret| Self::Given(Secret::new(secret.text)))),
        }
    }

    /// Returns the secret, and reads its file if it is in one.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`], naming the file, if it contains none.
    pub fn read(&self) -> Result<Secret> {
        match self {
            Self::Given(secret) => Ok(secret.clone()),
            Self::File { path, label } => {
                let secret = read_first_line(label, path)?;
                exposure::warn_once(path, "the client secret");
                Ok(secret)
            }
        }
    }
}

/// A secret belongs to one client at one issuer and must not reach another: a kubeconfig that sets one of these two
/// must not make kubekey send it the secret of a configuration file. The same holds for everything else that proves who
/// the client is.
pub(super) fn may_use(given: &Given, secret: Text<'_>) -> bool {
    let layer = Some(secret.origin.layer());
    ["issuer-url", "client-id"].iter().all(|flag| given.first_layer(flag) <= layer)
}

fn read_first_line(label: &str, path: &Path) -> Result<Secret> {
    let hint = "its first line must be the client secret and nothing else";
    let bytes = named_file::read(label, path, LARGEST).map_err(|error| error.hint(hint))?;
    let text = Encoding::of(&bytes).decode(&bytes).map(Zeroizing::new);
    let text = text.map_err(|error| unusable_file(label, path, &error.to_string()).hint(hint))?;
    match text.trim_start_matches('\u{feff}').split(['\r', '\n']).next() {
        // RFC 6749 appendix A.2: a secret has visible characters.
        Some(line) if line.contains(char::is_control) => {
            Err(unusable_file(label, path, "its first line contains a control character").hint(hint))
        }
        Some(line) if !line.is_empty() => Ok(Secret::new(line)),
        _ => Err(unusable_file(label, path, "its first line is empty").hint(hint)),
    }
}
