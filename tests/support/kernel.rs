//! What is in the kernel's keyring of this user, seen beside `kubekey`.

use std::fs;

use linux_keyutils::{Key, KeyRing, KeyRingIdentifier, LinkNode};
use serde_json::Value;

/// A key of kubekey's.
pub struct Kept {
    /// What is in it.
    pub json: Value,
    /// Its permissions, as in keyctl_setperm(3).
    pub permissions: u32,
    /// The time until it expires, as /proc/keys says it: `59m`, or `perm`.
    pub timeout: String,
}

/// The key of this part, `id_token` or `session`, that was made for this issuer.
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

/// Puts something else into that key, without a timeout.
pub fn replace(part: &str, digest: &str, json: &Value) {
    keyring().add_key(&description(part, digest), json.to_string().as_bytes()).expect("a key that can be written");
}

/// How many keys kubekey has there for this credential.
pub fn count(digest: &str) -> usize {
    let links = keyring().get_links(1000).expect("the persistent keyring");
    let is_kept = |link: &&LinkNode| match link {
        LinkNode::Key(key) => key.metadata().is_ok_and(|key| key.get_description().ends_with(digest)),
        LinkNode::KeyRing(_) => false,
    };
    links.iter().filter(is_kept).count()
}

fn keyring() -> KeyRing {
    KeyRing::get_persistent(KeyRingIdentifier::Process).expect("a kernel that keeps keys")
}

fn description(part: &str, digest: &str) -> String {
    format!("kubekey:{part}:{digest}")
}

/// Only /proc/keys tells: serial number in hexadecimal, flags, usage, timeout.
fn timeout(key: Key) -> String {
    let id = format!("{:08x}", key.get_id().as_raw_id());
    let keys = fs::read_to_string("/proc/keys").expect("/proc/keys");
    let line = keys.lines().find(|line| line.starts_with(&id)).expect("the key's line");
    line.split_whitespace().nth(3).expect("a timeout").to_owned()
}
