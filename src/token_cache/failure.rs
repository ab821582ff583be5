//! What the user is told when a saved sign-in cannot be had.

use std::io;

use super::{KeyringError, TokenCache, keyring};
use crate::error::{Error, ErrorKind};
use crate::state::State;

impl TokenCache {
    /// The error for a sign-in that is in the keyring, or has to be.
    pub(super) fn kept_back(&self, error: KeyringError) -> Error {
        if let KeyringError::Locked(why) = error {
            return Error::new(ErrorKind::Storage, format!("a sign-in cannot be read or kept: {why}{}", self.restarted()))
                .hint("log in to the desktop, or unlock it from here (gnome-keyring-daemon --unlock), and run the command again");
        }
        let (message, hint) = match State::load(&self.key).is_in_keyring() {
            true => (
                format!("the saved sign-in is in the keyring, which cannot be had: {}", error.why()),
                "start the keyring or log in to the desktop; 'kubekey login' with the same settings signs in without what is saved",
            ),
            false => (
                error.why(),
                "start the keyring, log in to the desktop, or give another --token-storage than 'keyring'",
            ),
        };
        Error::new(ErrorKind::Storage, message).hint(hint)
    }

    /// Whether the keyring is another process than the one that the sign-in was saved in.
    fn restarted(&self) -> String {
        match (State::load(&self.key).keyring_process(), keyring::process()) {
            (Some(then), Some(now)) if then != now => {
                format!(" (the keyring has ended since and was started again: it was process {then} and is {now} now)")
            }
            _ => String::new(),
        }
    }
}

/// The error for a file that is not to be trusted, read or written.
pub(super) fn unusable_file(error: &io::Error) -> Error {
    Error::new(ErrorKind::Storage, format!("the saved sign-in's file cannot be used: {error}"))
        .hint("mend or remove what is named, or give another --token-dir; the file has to be yours alone (mode 600, in a folder of mode 700)")
}
