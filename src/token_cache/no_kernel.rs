//! Where the kernel keeps no keys for its users: everything is a miss.

use super::CredentialKey;
use crate::secret::Secret;

/// Which part of a sign-in a key would hold.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// The current ID token.
    IdToken,
    /// The refresh token and what belongs to it.
    Session,
}

/// There is nothing to share.
pub fn is_shared() -> bool {
    false
}

/// No.
pub fn is_available() -> bool {
    false
}

/// Nothing.
pub fn load(_: &CredentialKey, _: Part) -> Option<Secret> {
    None
}

/// It is not kept.
pub fn store(_: &CredentialKey, _: Part, _: &Secret, _: i64) -> bool {
    false
}

/// There is nothing.
pub fn remove(_: &CredentialKey, _: Part) {}
