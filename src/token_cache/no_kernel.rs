//! For systems whose kernel holds no keys for users: everything is a miss.

use std::collections::BTreeSet;

use crate::credential_key::CredentialKey;
use crate::secret::Secret;

/// The message where nothing can be saved.
pub const NO_ROOM: &str = "the kernel's keys are not available here";

/// The part of a sign-in that a key would hold.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// The current ID token.
    IdToken,
    /// The refresh token and what belongs to it.
    Session,
    /// A sign-in that could not be saved in its storage yet.
    Parked,
}

/// There are no keys to share.
pub fn is_shared() -> bool {
    false
}

/// There are no keys to separate.
pub fn is_of_sandbox() -> bool {
    false
}

/// Never.
pub fn is_available() -> bool {
    false
}

/// Always a miss.
pub fn load(_: &CredentialKey, _: Part) -> Option<Secret> {
    None
}

/// Saves nothing.
pub fn store(_: &CredentialKey, _: Part, _: &Secret, _: i64) -> bool {
    false
}

/// Reserves nothing.
pub fn reserve(_: &CredentialKey, _: Part, _: &Secret, _: i64) -> bool {
    false
}

/// There is nothing to remove.
pub fn remove(_: &CredentialKey, _: Part) -> bool {
    false
}

/// There are no keys.
pub fn digests() -> BTreeSet<String> {
    BTreeSet::new()
}

/// There is nothing to remove.
pub fn give_way(_: &CredentialKey, _: Part) {}
