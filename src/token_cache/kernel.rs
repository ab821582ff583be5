//! The kernel's key retention service: in memory, per user; the kernel drops each key after the timeout set for it.
//!
//! Every error is a miss: containers forbid the calls, an unprivileged user has 20,000 bytes in all, and what is saved
//! here is a copy or can be replaced by signing in again.
//!
//! Source: keyrings(7), persistent-keyring(7), keyctl(2).

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;

use linux_keyutils::{KeyError, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, LinkNode, Permission};

use zeroize::Zeroizing;

use crate::credential_key::CredentialKey;
use crate::secret::Secret;

/// The largest size of one key, in bytes: the kernel allows 32,767, but a user's quota of 20,000 is shared by all
/// programs.
const LARGEST: usize = 12 * 1024;

/// The size that most tokens fit in, in bytes. Clearing a buffer for the largest would take longer than everything
/// else.
const USUAL: usize = 4 * 1024;

/// More keys than even root may have (`/proc/sys/kernel/keys/root_maxkeys`): the list must fit, and takes memory only for
/// those that there are.
const MOST_KEYS: usize = 1 << 20;

/// The inode of the initial PID namespace (`PROC_PID_INIT_INO` in the kernel's `proc_ns.h`).
const INITIAL_PID_NAMESPACE: u64 = 0xEFFF_FFFC;

/// The message where nothing more can be saved.
pub const NO_ROOM: &str = "the kernel keyring is full (/proc/key-users shows the quota)";

/// The inode of the initial user namespace (`PROC_USER_INIT_INO`).
const INITIAL_USER_NAMESPACE: u64 = 0xEFFF_FFFD;

/// The part of a sign-in that a key holds.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// The current ID token.
    IdToken,
    /// The refresh token and what belongs to it.
    Session,
    /// A sign-in that could not be saved in its storage yet.
    Parked,
}

/// Whether this process may share its keys with processes of the same UID that are not the same person's: those in
/// another container. Containers have their own PID namespace; so do WSL distributions, which belong to one person.
pub fn is_shared() -> bool {
    let is_container =
        fs::metadata("/proc/self/ns/pid").is_ok_and(|namespace| namespace.ino() != INITIAL_PID_NAMESPACE);
    is_container && std::env::var_os("WSL_DISTRO_NAME").is_none()
}

/// Whether the keys are those of a sandbox: a user namespace has its own persistent keyring, which is lost with it.
pub fn is_of_sandbox() -> bool {
    fs::metadata("/proc/self/ns/user").is_ok_and(|namespace| namespace.ino() != INITIAL_USER_NAMESPACE)
}

/// Whether keys can be saved here.
pub fn is_available() -> bool {
    keyring().is_ok()
}

/// Reads one part. Tries once more after any error other than a missing, expired or revoked key.
pub fn load(key: &CredentialKey, part: Part) -> Option<Secret> {
    match try_load(key, part) {
        Err(KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked) => None,
        Err(_) => try_load(key, part).ok().flatten(),
        Ok(found) => found,
    }
}

fn try_load(key: &CredentialKey, part: Part) -> Result<Option<Secret>, KeyError> {
    let found = keyring()?.search(&description(key, part))?;
    let mut buffer = Zeroizing::new([0; USUAL]);
    Ok(match found.read(&mut *buffer)? {
        length @ ..=USUAL => text(&buffer[..length]),
        length => {
            let mut buffer = Zeroizing::new(vec![0; length]);
            let length = found.read(&mut *buffer)?;
            buffer.get(..length).and_then(text)
        }
    })
}

fn text(bytes: &[u8]) -> Option<Secret> {
    std::str::from_utf8(bytes).ok().map(Secret::new)
}

/// Saves one part for `seconds`, replacing the old one. Returns `false` if it was not saved; the old one is then gone
/// as well.
pub fn store(key: &CredentialKey, part: Part, saved: &Secret, seconds: i64) -> bool {
    let is_kept = try_store(key, part, saved, seconds).is_ok() && load(key, part).as_ref() == Some(saved);
    if !is_kept {
        remove(key, part);
    }
    is_kept
}

/// Reserves room by writing `saved` over the existing part. Without room it returns `false`, and the existing part
/// stays.
pub fn reserve(key: &CredentialKey, part: Part, saved: &Secret, seconds: i64) -> bool {
    try_store(key, part, saved, seconds).is_ok()
}

/// Removes one part, and returns whether there was one. A key that cannot be removed expires on its own.
pub fn remove(key: &CredentialKey, part: Part) -> bool {
    let found = keyring().and_then(|keyring| Ok((keyring, keyring.search(&description(key, part))?)));
    found.is_ok_and(|(keyring, found)| keyring.unlink_key(found).is_ok())
}

/// The digests in the names of all keys of ours, with what follows them there.
pub fn digests() -> BTreeSet<String> {
    let links = keyring().and_then(|keyring| keyring.get_links(MOST_KEYS));
    let keys = links.iter().flat_map(|links| links.iter()).filter_map(LinkNode::as_key);
    let names = keys.filter_map(|key| key.metadata().ok()).map(|key| key.get_description().to_owned());
    names.filter_map(|name| Some(name.strip_prefix("kubekey:")?.split_once(':')?.1.to_owned())).collect()
}

/// Removes one part and makes its room available at once: after a mere removal the kernel frees the quota some time
/// later.
pub fn give_way(key: &CredentialKey, part: Part) {
    if let Ok(keyring) = keyring()
        && let Ok(found) = keyring.search(&description(key, part))
    {
        let _ = found.update(b"-");
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
    // A process that does not have this keyring among its own may see that the key exists, and nothing else.
    added.set_perms(KeyPermissionsBuilder::builder().posessor(Permission::ALL).user(Permission::VIEW).build())?;
    added.set_timeout(seconds)
}

/// The user's persistent keyring, which all sessions share, linked into the keyring of this process: the link gives
/// possession where there is no session keyring, as under cron.
fn keyring() -> Result<KeyRing, KeyError> {
    KeyRing::get_persistent(KeyRingIdentifier::Process)
}

fn description(key: &CredentialKey, part: Part) -> String {
    let part = match part {
        Part::IdToken => "id_token",
        Part::Session => "session",
        Part::Parked => "parked",
    };
    format!("kubekey:{part}:{}", key.digest)
}
