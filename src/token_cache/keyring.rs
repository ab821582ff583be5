//! The keyring of macOS (Keychain) and Windows (Credential Manager).

use keyring::{Entry, Error};

use super::{CredentialKey, KeyringError};
use crate::secret::Secret;

const SERVICE: &str = "kubekey";

/// Reads what is kept under `key`.
pub fn load(key: &CredentialKey) -> Result<Option<Secret>, KeyringError> {
    match entry(key)?.get_secret() {
        // What is not text is not ours to read; the caller treats it like text that it cannot read.
        Ok(bytes) => Ok(Some(Secret::new(String::from_utf8(bytes).unwrap_or_default()))),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(failure(error)),
    }
}

/// Keeps `saved` under `key`, in place of what was there.
pub fn store(key: &CredentialKey, saved: &Secret) -> Result<(), KeyringError> {
    entry(key)?.set_secret(saved.expose().as_bytes()).map_err(failure)
}

/// Removes what is kept under `key`; nothing there is as good.
pub fn remove(key: &CredentialKey) -> Result<(), KeyringError> {
    match entry(key)?.delete_credential() {
        Ok(()) | Err(Error::NoEntry) => Ok(()),
        Err(error) => Err(failure(error)),
    }
}

fn entry(key: &CredentialKey) -> Result<Entry, KeyringError> {
    Entry::new(SERVICE, &key.digest).map_err(failure)
}

fn failure(error: Error) -> KeyringError {
    match error {
        Error::NoStorageAccess(why) => KeyringError::Locked(format!("the keyring gives no access: {why}")),
        error => KeyringError::Unavailable(format!("the keyring failed: {error}")),
    }
}
