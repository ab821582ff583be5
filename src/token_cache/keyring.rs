//! The keyring of macOS (Keychain) and Windows (Credential Manager).

#[cfg(target_os = "macos")]
use keyring::{Entry, Error};
#[cfg(windows)]
use keyring_core::{Entry, Error};

use super::split::{self, Items};
use super::{CredentialKey, KeyringError, Unlock};
use crate::secret::Secret;

const SERVICE: &str = "kubekey";

/// The most that one item holds, in bytes: `CRED_MAX_CREDENTIAL_BLOB_SIZE`. The Keychain has no such limit.
const LARGEST_ITEM: usize = if cfg!(windows) { 2560 } else { usize::MAX };

/// Reads what is kept under `key`.
pub fn load(key: &CredentialKey, _: Unlock) -> Result<Option<Secret>, KeyringError> {
    split::load(&mut Vault, &key.digest).map_err(failure)
}

/// Whether a sign-in could be kept: an item that is not there can be looked for. Over SSH Windows has no vault, and
/// the Keychain of macOS is locked.
pub fn probe(_: Unlock) -> Result<(), KeyringError> {
    Vault.get("probe").map(drop).map_err(failure)
}

/// Keeps `saved` under `key`, in place of what was there. There is no process of the keyring to tell of.
pub fn store(key: &CredentialKey, saved: &Secret) -> Result<u32, KeyringError> {
    split::store(&mut Vault, &key.digest, saved, LARGEST_ITEM).map(|()| 0).map_err(failure)
}

/// Removes what is kept under `key`; nothing there is as good.
pub fn remove(key: &CredentialKey) -> Result<(), KeyringError> {
    split::remove(&mut Vault, &key.digest).map_err(failure)
}

/// There is no process to tell of.
pub fn process() -> Option<u32> {
    None
}

struct Vault;

impl Items for Vault {
    type Error = Error;

    fn get(&mut self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        match entry(name)?.get_secret() {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn set(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        entry(name)?.set_secret(bytes)
    }

    fn delete(&mut self, name: &str) -> Result<(), Error> {
        match entry(name)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(target_os = "macos")]
fn entry(name: &str) -> Result<Entry, Error> {
    Entry::new(SERVICE, name)
}

/// `CRED_PERSIST_LOCAL_MACHINE`: a token does not roam with the profile.
#[cfg(windows)]
fn entry(name: &str) -> Result<Entry, Error> {
    use std::collections::HashMap;
    if keyring_core::get_default_store().is_none() {
        keyring_core::set_default_store(windows_native_keyring_store::Store::new()?);
    }
    Entry::new_with_modifiers(SERVICE, name, &HashMap::from([("persistence", "local")]))
}

fn failure(error: Error) -> KeyringError {
    match error {
        Error::NoStorageAccess(why) => KeyringError::Locked(format!("the keyring gives no access: {why}")),
        // Windows over SSH: ERROR_NO_SUCH_LOGON_SESSION, there is no vault for this logon.
        error => KeyringError::Absent(format!("the keyring failed: {error}")),
    }
}
