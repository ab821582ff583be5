//! Errors for a saved sign-in that is not available.

use std::io;

use super::cache::TokenCache;
use super::keyring;
use super::keyring_error::KeyringError;
use crate::error::{Error, ErrorKind};
use crate::foreign::Foreign;
use crate::kubeconfig::login_command;
use crate::state::State;

/// What to do about a locked keyring.
pub(super) const UNLOCK: &str = if cfg!(target_os = "macos") {
    "run 'security unlock-keychain', then run the command again; after an update of kubekey, run it once on the desktop, and \
    allow access"
} else if cfg!(windows) {
    // Credential Manager is never locked.
    "run the command again"
} else {
    "unlock the keyring on the desktop, or gnome-keyring from here (gnome-keyring-daemon --replace --unlock), then run the command again"
};

/// What to do about denied access.
pub(super) const ALLOW: &str = if cfg!(target_os = "macos") {
    "run the command again and allow access; if macOS does not ask, open the item 'kubekey' in Keychain Access \
    ('open -a \"Keychain Access\"'), and add kubekey under Access Control"
} else {
    "run the command again and allow access"
};

/// What to do about a keyring that is not available.
const START: &str = if cfg!(windows) {
    "run the command in a session at the screen or over Remote Desktop"
} else if cfg!(target_os = "macos") {
    "see with 'security default-keychain' whether there is one, and log in to the desktop"
} else {
    "start the keyring or log in to the desktop"
};

impl TokenCache {
    /// The error for a sign-in that is in the keyring, or must be saved there.
    pub(super) fn kept_back(&self, error: KeyringError) -> Error {
        let hint = match error {
            KeyringError::Locked(_) => UNLOCK,
            KeyringError::Denied(_) => ALLOW,
            error => return self.not_available(error),
        };
        let message = format!("a sign-in cannot be read or saved: {error}{}", self.restarted());
        Error::new(ErrorKind::Storage, message).hint(hint)
    }

    fn not_available(&self, error: KeyringError) -> Error {
        let (message, hint) = match State::load(&self.key).is_in_keyring() {
            true => (
                format!("the saved sign-in is in the keyring, which is not available: {}", error.why()),
                format!("{START}; {} signs in without the saved sign-in", login_command()),
            ),
            false => (error.why(), format!("{START}, or give a --token-storage other than 'keyring'")),
        };
        Error::new(ErrorKind::Storage, message).hint(hint)
    }

    /// An addition to the message if the keyring is not the process in which the sign-in was saved.
    fn restarted(&self) -> String {
        match (State::load(&self.key).keyring_process(), keyring::process()) {
            (Some(then), Some(now)) if then != now => {
                format!(" (the keyring was restarted: process {then} is now process {now})")
            }
            _ => String::new(),
        }
    }
}

/// The error for a file that cannot be trusted, read or written.
pub(super) fn unusable_file(error: &io::Error) -> Error {
    let foreign = Foreign::of_error(error).and_then(Foreign::what_to_do);
    Error::new(ErrorKind::Storage, format!("the file of the saved sign-in cannot be used: {error}"))
        .hint(foreign.unwrap_or_else(|| what_to_do(error.kind())))
}

/// Only a file that is wrong itself may be removed: with it the sign-in is gone.
fn what_to_do(kind: io::ErrorKind) -> String {
    use io::ErrorKind as Kind;
    let modes = if cfg!(windows) { "" } else { " (file mode 600, folder mode 700)" };
    match kind {
        Kind::PermissionDenied | Kind::InvalidData | Kind::IsADirectory | Kind::NotADirectory | Kind::AlreadyExists => {
            format!("fix or remove it, or give another --token-dir; only you may have access to it{modes}")
        }
        _ => "fix the cause and run the command again, or give another --token-dir".to_owned(),
    }
}

/// The text of an error, for the end of a sentence.
pub(super) fn in_words(error: io::Error) -> String {
    error.to_string()
}
