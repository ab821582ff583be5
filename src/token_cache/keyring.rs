//! The keyring of macOS (Keychain) and Windows (Credential Manager), through the `Entry` of keyring-core: the crate
//! `keyring` tells programs that choose their store to use keyring-core.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use keyring_core::{CredentialStore, Entry, Error};

use super::bounded_thread::{Patience, within};
#[cfg(windows)]
use super::credential_manager;
#[cfg(target_os = "macos")]
use super::keychain;
use super::keyring_error::{KeyringError, Unlock};
use super::split::{self, Items};
use crate::controlling_terminal;
use crate::credential_key::CredentialKey;
use crate::secret::Secret;
#[cfg(windows)]
use crate::windows::vault;

const SERVICE: &str = "kubekey";

/// The largest size of one item, in bytes: `CRED_MAX_CREDENTIAL_BLOB_SIZE`. The Keychain has no such limit.
const LARGEST_ITEM: usize = if cfg!(windows) { 2560 } else { usize::MAX };

/// How long all calls of this run together may take that get no response. A library does not tell a silent keyring from a
/// slow one, so this is the time of a slow one.
static RUN: Patience = Patience::new(Duration::from_secs(5));

/// How long a person may take to answer the Keychain's dialog.
const PERSON: Duration = Duration::from_secs(120);

type Result<T> = std::result::Result<T, KeyringError>;

/// Reads what is saved under `key`.
pub fn load(key: &CredentialKey, unlock: Unlock) -> Result<Option<Secret>> {
    let name = key.digest.clone();
    access(unlock, move || split::load(&mut Vault, &name))
}

/// Whether a sign-in could be saved.
pub fn probe(unlock: Unlock) -> Result<()> {
    access(unlock, require_open)
}

/// Saves `saved` under `key`, replacing the old value, within `patience`. There is no process of the keyring to report.
pub fn store(key: &CredentialKey, saved: &Secret, patience: Duration) -> Result<u32> {
    let (name, saved) = (key.digest.clone(), saved.clone());
    let call = move || split::store(&mut Vault, &name, &saved, LARGEST_ITEM).map(|()| 0);
    match within(patience, quietly(call.clone())) {
        Err(KeyringError::Locked(_)) if controlling_terminal::is_watched() => prompt(call),
        stored => stored,
    }
}

/// Makes a call that may show a dialog, and gives a person time to answer it. It is not repeated: the abandoned dialog
/// would get another one beside it.
fn prompt<T: Send + 'static>(call: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match within(PERSON, with_prompts(call)) {
        Err(KeyringError::Silent(_)) => Err(KeyringError::Denied("nobody answered the keyring's dialog".to_owned())),
        result => result,
    }
}

/// Removes what is saved under `key`, and returns whether there was anything.
pub fn remove(key: &CredentialKey, unlock: Unlock) -> Result<bool> {
    let name = key.digest.clone();
    access(unlock, move || split::remove(&mut Vault, &name))
}

/// There is no process to report.
pub fn process() -> Option<u32> {
    None
}

/// Makes a call without prompts first, so that a person's time is granted only where one is asked.
fn access<T: Send + 'static>(unlock: Unlock, call: impl FnOnce() -> Result<T> + Clone + Send + 'static) -> Result<T> {
    match RUN.within(quietly(call.clone())) {
        Err(KeyringError::Locked(_)) if unlock == Unlock::Ask => prompt(call),
        result => result,
    }
}

#[cfg(target_os = "macos")]
use prompts::{quietly, with_prompts};

/// Whether the Keychain may show its dialogs; a setting of the whole process.
#[cfg(target_os = "macos")]
mod prompts {
    use std::sync::Mutex;

    use security_framework::os::macos::keychain::{KeychainUserInteractionLock, SecKeychain};

    use super::{KeyringError, Result, of_keychain};

    /// Held beyond each call: the end of an abandoned one must not allow the dialogs of the next.
    static QUIET: Mutex<Option<KeychainUserInteractionLock>> = Mutex::new(None);

    /// The call without dialogs: where one would be shown, it fails.
    pub fn quietly<T>(call: impl FnOnce() -> Result<T>) -> impl FnOnce() -> Result<T> {
        move || {
            let mut quiet = quiet()?;
            if quiet.is_none() {
                *quiet = Some(SecKeychain::disable_user_interaction().map_err(of_keychain)?);
            }
            drop(quiet);
            call()
        }
    }

    /// The call with dialogs, where the session can show them.
    pub fn with_prompts<T>(call: impl FnOnce() -> Result<T>) -> impl FnOnce() -> Result<T> {
        move || {
            drop(quiet()?.take());
            call()
        }
    }

    fn quiet() -> Result<std::sync::MutexGuard<'static, Option<KeychainUserInteractionLock>>> {
        QUIET.lock().map_err(|error| KeyringError::Broken(error.to_string()))
    }
}

/// Credential Manager never prompts.
#[cfg(windows)]
fn quietly<T>(call: impl FnOnce() -> Result<T>) -> impl FnOnce() -> Result<T> {
    call
}

#[cfg(windows)]
fn with_prompts<T>(call: impl FnOnce() -> Result<T>) -> impl FnOnce() -> Result<T> {
    call
}

/// Unlocks the Keychain, which does nothing where it is not locked: to look for an item that does not exist would
/// succeed in a locked one.
#[cfg(target_os = "macos")]
fn require_open() -> Result<()> {
    use security_framework::os::macos::keychain::{SecKeychain, SecPreferencesDomain};
    let mut keychain = SecKeychain::default_for_domain(SecPreferencesDomain::User).map_err(of_keychain)?;
    keychain.unlock(None).map_err(of_keychain)
}

/// Credential Manager is never locked, but some sessions have none, and a policy may forbid to save in it.
#[cfg(windows)]
fn require_open() -> Result<()> {
    let longest = vault::longest_persistence().map_err(|error| {
        let code = error.raw_os_error().unwrap_or_default();
        credential_manager::verdict(code.cast_unsigned())
    })?;
    credential_manager::require_persistence(longest)?;
    Vault.get("probe").map(drop)
}

struct Vault;

impl Items for Vault {
    type Error = KeyringError;

    fn get(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        match entry(name)?.get_secret() {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(failure(&error)),
        }
    }

    fn set(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        entry(name)?.set_secret(bytes).map_err(|error| failure(&error))
    }

    fn delete(&mut self, name: &str) -> Result<()> {
        match entry(name)?.delete_credential() {
            // Another run may have removed it.
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(failure(&error)),
        }
    }
}

/// One item. On Windows it does not roam with the profile (`CRED_PERSIST_LOCAL_MACHINE`).
fn entry(name: &str) -> Result<Entry> {
    let modifiers = if cfg!(windows) { HashMap::from([("persistence", "local")]) } else { HashMap::new() };
    let entry = || Entry::new_in_store_with_modifiers(&system_store()?, SERVICE, name, &modifiers);
    entry().map_err(|error| failure(&error))
}

#[cfg(target_os = "macos")]
fn system_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(windows)]
fn system_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(windows_native_keyring_store::Store::new()?)
}

#[cfg(target_os = "macos")]
fn failure(error: &Error) -> KeyringError {
    let status = match error {
        Error::NoStorageAccess(why) | Error::PlatformFailure(why) => why.downcast_ref().copied(),
        _ => None,
    };
    status.map_or_else(|| KeyringError::Broken(format!("the Keychain failed: {error}")), of_keychain)
}

#[cfg(target_os = "macos")]
fn of_keychain(error: security_framework::base::Error) -> KeyringError {
    keychain::verdict(error.code(), &error.to_string())
}

#[cfg(windows)]
fn failure(error: &Error) -> KeyringError {
    let code = match error {
        Error::TooLong(..) => return credential_manager::too_large(),
        Error::NoStorageAccess(_) => Some(windows_sys::Win32::Foundation::ERROR_NO_SUCH_LOGON_SESSION),
        Error::PlatformFailure(why) => credential_manager::code(&why.to_string()),
        _ => None,
    };
    let other = || KeyringError::Broken(format!("Credential Manager failed: {error}"));
    code.map_or_else(other, credential_manager::verdict)
}

#[cfg(all(test, windows))]
mod tests {
    use super::*;

    fn key(digest: &str) -> CredentialKey {
        CredentialKey { issuer: String::new(), client_id: String::new(), digest: digest.into() }
    }

    #[test]
    fn a_sign_in_of_any_size_is_saved_and_removed() {
        let key = key("unit-test-of-any-size");
        assert!(probe(Unlock::Never).is_ok());
        for size in [1, LARGEST_ITEM + 1, 64 * 1024] {
            let saved = Secret::new("x".repeat(size));
            store(&key, &saved, Duration::from_secs(60)).unwrap();
            assert_eq!(load(&key, Unlock::Never).unwrap(), Some(saved));
        }
        assert!(remove(&key, Unlock::Never).unwrap());
        assert!(!remove(&key, Unlock::Never).unwrap());
        assert_eq!(load(&key, Unlock::Never).unwrap(), None);
    }

    #[test]
    fn errors_of_the_store_are_told_apart() {
        let error = Vault.set("unit-test-too-large", &[0; LARGEST_ITEM + 1]).unwrap_err();
        assert!(error.to_string().contains("too large"), "{error}");
        for (error, kind) in [
            (Error::NoStorageAccess("Windows ERROR_NO_SUCH_LOGON_SESSION".into()), "Absent"),
            (Error::PlatformFailure("Windows error code 1058".into()), "Absent"),
            (Error::PlatformFailure("Windows error code 1723".into()), "Silent"),
            (Error::PlatformFailure("Windows ERROR_BAD_USERNAME".into()), "Broken"),
            (Error::BadStoreFormat("?".into()), "Broken"),
        ] {
            let found = format!("{:?}", failure(&error));
            assert!(found.starts_with(kind), "{error}: {found}");
        }
    }
}
