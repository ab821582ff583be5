//! What is in this user's kernel keyring, read without `kubekey`.

use std::fs;

use linux_keyutils::{Key, KeyRing, KeyRingIdentifier, LinkNode};
use serde_json::Value;

/// One of kubekey's keys.
pub struct Kept {
    /// Its content.
    pub json: Value,
    /// Its permissions, as in keyctl_setperm(3).
    pub permissions: u32,
    /// The time until it expires, as in /proc/keys: `59m`, or `perm`.
    pub timeout: String,
}

/// The key with this part, `id_token` or `session`, of this credential.
pub fn find(part: &str, digest: &str) -> Option<Kept> {
    let key = keyring().search(&description(part, digest)).ok()?;
    let json = serde_json::from_slice(&key.read_to_vec().expect("a key that can be read")).expect("JSON");
    Some(Kept { json, permissions: key.metadata().expect("a key of ours").get_perms().bits(), timeout: timeout(key) })
}

/// Removes that key, as the kernel does when it expires.
pub fn forget(part: &str, digest: &str) {
    let key = keyring().search(&description(part, digest)).expect("a key to forget");
    keyring().unlink_key(key).expect("a key that can be unlinked");
}

/// Replaces that key's content, without a timeout.
pub fn replace(part: &str, digest: &str, json: &Value) {
    keyring().add_key(&description(part, digest), json.to_string().as_bytes()).expect("a key that can be written");
}

/// How many keys of this credential are there.
pub fn count(digest: &str) -> usize {
    let links = keyring().get_links(1000).expect("the persistent keyring");
    let is_kept = |link: &&LinkNode| match link {
        LinkNode::Key(key) => key.metadata().is_ok_and(|key| key.get_description().ends_with(digest)),
        LinkNode::KeyRing(_) => false,
    };
    links.iter().filter(is_kept).count()
}

/// Removes all keys of this credential.
pub fn forget_all(digest: &str) {
    let Ok(keyring) = KeyRing::get_persistent(KeyRingIdentifier::Process) else { return };
    for link in keyring.get_links(1000).iter().flat_map(|links| links.iter()) {
        if let LinkNode::Key(key) = link
            && digest.len() == 64
            && key.metadata().is_ok_and(|found| found.get_description().contains(digest))
        {
            let _ = keyring.unlink_key(*key);
        }
    }
}

fn keyring() -> KeyRing {
    KeyRing::get_persistent(KeyRingIdentifier::Process).expect("a kernel that keeps keys")
}

fn description(part: &str, digest: &str) -> String {
    format!("kubekey:{part}:{digest}")
}

/// Only /proc/keys shows it: serial number in hexadecimal, flags, usage, timeout.
fn timeout(key: Key) -> String {
    let id = format!("{:08x}", key.get_id().as_raw_id());
    let keys = fs::read_to_string("/proc/keys").expect("/proc/keys");
    let line = keys.lines().find(|line| line.starts_with(&id)).expect("the key's line");
    line.split_whitespace().nth(3).expect("a timeout").to_owned()
}
