//! A trial of the storages with a value of its own, which no sign-in has.

use std::time::Duration;

use super::kernel::{self, Part};
use super::keyring;
use super::keyring_error::{KeyringError, Unlock};
use crate::credential_key::CredentialKey;
use crate::secret::Secret;

/// What the value is called.
const NAME: &str = "kubekey-doctor";

/// How long the keyring may take to save it.
const PATIENCE: Duration = Duration::from_secs(5);

/// In bytes: more than a sign-in with hundreds of groups has, and more than one item of Windows holds.
const LARGE: usize = 24 * 1024;

/// In bytes: a small part of what the kernel grants a user.
const SMALL: usize = 1024;

/// In seconds: what the kernel does with it if this run is killed.
const LIFE: i64 = 60;

/// Saves a large value in the keyring, reads it back and removes it, without a prompt.
///
/// # Errors
/// What the keyring did instead, in words.
pub fn try_keyring() -> Result<(), String> {
    // One name for all runs: what a killed run leaves is replaced and removed by the next.
    let (key, value) = (key(NAME.to_owned()), Secret::new("x".repeat(LARGE)));
    let why = |error: KeyringError| error.to_string();
    // To save would prompt.
    keyring::probe(Unlock::Never).map_err(why)?;
    let kept = keyring::store(&key, &value, PATIENCE).and_then(|_| keyring::load(&key, Unlock::Never));
    let removed = keyring::remove(&key, Unlock::Never);
    match (kept.map_err(why)?, removed.map_err(why)?) {
        (Some(kept), true) if kept == value => Ok(()),
        (Some(_), true) => Err("it returned another value than was saved".to_owned()),
        _ => Err("it did not keep what was saved".to_owned()),
    }
}

/// Saves a value in the kernel, reads it back and removes it. `None` if this system's kernel keeps nothing for users, or
/// shares it among containers.
///
/// # Errors
/// Why it keeps nothing, in words.
pub fn try_kernel() -> Option<Result<(), &'static str>> {
    if !cfg!(target_os = "linux") || kernel::is_shared() {
        return None;
    }
    // The kernel drops what a killed run leaves, so that two runs need not meet.
    let key = key(format!("{NAME}-{}", std::process::id()));
    let is_kept = kernel::store(&key, Part::Parked, &Secret::new("x".repeat(SMALL)), LIFE);
    kernel::give_way(&key, Part::Parked);
    Some(match (is_kept, kernel::is_available()) {
        (true, _) => Ok(()),
        (false, true) => Err(kernel::NO_ROOM),
        (false, false) => Err("the kernel's keys are not available here"),
    })
}

fn key(name: String) -> CredentialKey {
    CredentialKey { issuer: name.clone(), client_id: name.clone(), digest: name }
}
