//! The kernel's key retention service: in memory, per user, dropped by the kernel at a time given with each key.
//!
//! Every error is a miss: containers forbid the calls, an unprivileged user has 20,000 bytes in all, and what is kept
//! here is a copy or can be had again by signing in.
//!
//! Source: keyrings(7), persistent-keyring(7), keyctl(2).

use std::fs;
use std::os::unix::fs::MetadataExt;

use linux_keyutils::{KeyError, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, Permission};

use zeroize::Zeroizing;

use super::CredentialKey;
use crate::secret::Secret;

/// The most that one key is given, in bytes: a key takes 32,767, but a user's quota of 20,000 is for all programs.
const LARGEST: usize = 12 * 1024;

/// What most tokens fit in, in bytes. A buffer for the largest would take longer to clear than all the rest.
const USUAL: usize = 4 * 1024;

/// The inode of the initial PID namespace (`PROC_PID_INIT_INO` in the kernel's `proc_ns.h`).
const INITIAL_PID_NAMESPACE: u64 = 0xEFFF_FFFC;

/// Which part of a sign-in a key holds.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// The current ID token.
    IdToken,
    /// The refresh token and what belongs to it.
    Session,
}

/// Whether this process may share its keys with others of the same UID that are not the same person's: those of another
/// container. Containers have a PID namespace of their own; so have the distributions of WSL, which are one person's.
pub fn is_shared() -> bool {
    let is_container =
        fs::metadata("/proc/self/ns/pid").is_ok_and(|namespace| namespace.ino() != INITIAL_PID_NAMESPACE);
    is_container && std::env::var_os("WSL_DISTRO_NAME").is_none()
}

/// Whether keys can be kept here.
pub fn is_available() -> bool {
    keyring().is_ok()
}

/// Reads one part.
pub fn load(key: &CredentialKey, part: Part) -> Option<Secret> {
    let found = keyring().ok()?.search(&description(key, part)).ok()?;
    let mut buffer = Zeroizing::new([0; USUAL]);
    match found.read(&mut *buffer).ok()? {
        length @ ..=USUAL => text(&buffer[..length]),
        length => {
            let mut buffer = Zeroizing::new(vec![0; length]);
            let length = found.read(&mut *buffer).ok()?;
            text(buffer.get(..length)?)
        }
    }
}

fn text(bytes: &[u8]) -> Option<Secret> {
    std::str::from_utf8(bytes).ok().map(Secret::new)
}

/// Keeps one part for `seconds`, in place of what was there. `false` if it is not kept, and then the old one is gone,
/// too.
pub fn store(key: &CredentialKey, part: Part, saved: &Secret, seconds: i64) -> bool {
    let is_kept = try_store(key, part, saved, seconds).is_ok() && load(key, part).as_ref() == Some(saved);
    if !is_kept {
        remove(key, part);
    }
    is_kept
}

/// Removes one part; nothing there is as good.
pub fn remove(key: &CredentialKey, part: Part) {
    if let Ok(keyring) = keyring()
        && let Ok(found) = keyring.search(&description(key, part))
    {
        // What cannot be removed expires on its own.
        let _ = keyring.unlink_key(found);
    }
}

fn try_store(key: &CredentialKey, part: Part, saved: &Secret, seconds: i64) -> Result<(), KeyError> {
    let seconds = usize::try_from(seconds).ok().filter(|seconds| *seconds > 0).ok_or(KeyError::KeyExpired)?;
    let bytes = saved.expose().as_bytes();
    if bytes.len() > LARGEST {
        return Err(KeyError::QuotaExceeded);
    }
    let added = keyring()?.add_key(&description(key, part), bytes)?;
    // Whoever does not have this keyring among their own may see that there is a key, and nothing else.
    added.set_perms(KeyPermissionsBuilder::builder().posessor(Permission::ALL).user(Permission::VIEW).build())?;
    added.set_timeout(seconds)
}

/// The user's persistent keyring, which all sessions share, linked into the keyring of this process: that gives
/// possession where there is no session keyring, as under cron.
fn keyring() -> Result<KeyRing, KeyError> {
    KeyRing::get_persistent(KeyRingIdentifier::Process)
}

fn description(key: &CredentialKey, part: Part) -> String {
    let part = match part {
        Part::IdToken => "id_token",
        Part::Session => "session",
    };
    format!("kubekey:{part}:{}", key.digest)
}
