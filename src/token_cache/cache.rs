//! The storage of one credential.

use std::path::{Path, PathBuf};

use super::kernel;
use crate::config::TokenStorage;
use crate::credential_key::CredentialKey;
use crate::error::{Error, ErrorKind, Result};
use crate::policy::SessionRules;
use crate::settings::Settings;

/// Everywhere that one credential may be saved; the settings choose where.
#[derive(Debug)]
pub struct TokenCache {
    /// The credential.
    pub key: CredentialKey,
    /// The key of the credential in the kernel. `auto` and `kernel` each have their own: a sign-in or a logout with one
    /// does not affect the other.
    pub(super) kernel_key: CredentialKey,
    /// The storage that the settings choose.
    pub(super) storage: TokenStorage,
    /// The folder for tokens in files.
    pub(super) token_dir: Option<PathBuf>,
    /// How long a saved sign-in may be used.
    pub(super) session_rules: SessionRules,
    /// Whether the cluster gets the access token.
    pub is_access_token: bool,
    /// The name that the user gave it, with `--account`.
    pub(super) account_name: Option<String>,
}

impl TokenCache {
    /// The cache for the credential in `settings`. Opens nothing yet.
    pub fn new(settings: &Settings) -> Self {
        let key = CredentialKey::new(settings);
        let storage = match settings.token_storage {
            TokenStorage::Auto if settings.is_machine() => of_machine(),
            storage => storage,
        };
        let kernel_key = match storage {
            TokenStorage::Kernel => key.asked_for_in_kernel(),
            _ => key.clone(),
        };
        Self {
            key,
            kernel_key,
            storage,
            token_dir: settings.token_dir.clone(),
            session_rules: settings.session_rules.clone(),
            is_access_token: settings.use_access_token,
            account_name: settings.request.account.clone(),
        }
    }

    /// Whether both are for the same credential in the same storage.
    pub fn is_same(&self, other: &Self) -> bool {
        self.key.digest == other.key.digest && self.storage == other.storage && self.token_dir == other.token_dir
    }

    /// Whether the storage is the keyring, or may be.
    pub fn asks_keyring(&self) -> bool {
        matches!(self.storage, TokenStorage::Auto | TokenStorage::Keyring)
    }

    /// The folder for tokens in files.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if there is none.
    pub(super) fn token_dir(&self) -> Result<&Path> {
        self.token_dir.as_deref().ok_or_else(|| {
            Error::new(ErrorKind::Usage, "no folder for tokens was found").hint("set HOME, or give --token-dir")
        })
    }
}

/// Where `auto` saves what a machine gets: never where a desktop's keyring may ask a person. Without the kernel each run
/// asks the provider, which costs nobody anything, so there is no warning.
fn of_machine() -> TokenStorage {
    match kernel::is_available() && !kernel::is_shared() {
        true => TokenStorage::Kernel,
        false => TokenStorage::None,
    }
}
