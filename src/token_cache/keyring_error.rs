//! A keyring that is locked, absent, silent or broken.

use std::fmt;

/// What to do about a locked keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlock {
    /// Let it prompt the user, if there is a screen, and wait for the answer.
    Ask,
    /// Leave it locked.
    Never,
}

/// Why a request to the keyring failed.
#[derive(Debug)]
#[allow(dead_code, reason = "Credential Manager has no lock, and no dialog to deny in")]
pub enum KeyringError {
    /// The keyring is locked.
    Locked(String),
    /// The user denied access, or did not grant it.
    Denied(String),
    /// There is no keyring in this session.
    Absent(String),
    /// There is a keyring, and it does not respond.
    Silent(String),
    /// There is a keyring, and it fails.
    Broken(String),
}

impl KeyringError {
    /// The message.
    pub(super) fn why(self) -> String {
        self.to_string()
    }
}

impl fmt::Display for KeyringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked(why) | Self::Denied(why) | Self::Absent(why) | Self::Silent(why) | Self::Broken(why) => {
                f.write_str(why)
            }
        }
    }
}
