//! Removing: how a sign-in is forgotten.

use super::cache::TokenCache;
use super::failure::{ALLOW, UNLOCK, unusable_file};
use super::kernel::{self, Part};
use super::keyring_error::{KeyringError, Unlock};
use super::store::Store;
use super::{file, keyring};
use crate::error::{Error, ErrorKind, Result};
use crate::log;
use crate::state::State;

impl TokenCache {
    /// Removes the sign-in from all storage where it may be, and returns whether it was in any.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] if it remains in one.
    pub fn remove(&self) -> Result<bool> {
        let file = match &self.token_dir {
            Some(dir) => file::remove(dir, &self.key).map_err(|error| unusable_file(&error)),
            None => Ok(false),
        };
        // A failure in one storage must not keep the sign-in in the other.
        let keyring = self.remove_from_keyring();
        let keys = [self.key.clone(), self.key.asked_for_in_kernel()];
        let parts = keys.iter().flat_map(|key| [(key, Part::IdToken), (key, Part::Session)]);
        let in_kernel = parts.filter(|(key, part)| kernel::remove(key, *part)).count();
        let parked = self.all_parkings().iter().filter(|parking| parking.remove()).count();
        log::debug(format_args!("token cache: keyring: {}", if keyring.is_ok() { "removed" } else { "not removed" }));
        Ok(keyring? | file? | (in_kernel + parked > 0))
    }

    fn remove_from_keyring(&self) -> Result<bool> {
        match keyring::remove(&self.key, Unlock::Ask) {
            Ok(was_saved) => Ok(was_saved),
            Err(KeyringError::Absent(_)) if !State::load(&self.key).may_be_in_keyring() => Ok(false),
            Err(error) => {
                let hint = match error {
                    KeyringError::Locked(_) => UNLOCK,
                    KeyringError::Denied(_) => ALLOW,
                    _ => "run the command again in a session where that keyring is running",
                };
                let message = format!("the saved sign-in may still be in the keyring: {error}");
                Err(Error::new(ErrorKind::Storage, message).hint(hint))
            }
        }
    }

    /// Removes a session whose refresh token is spent, from the storage it was read from.
    pub(super) fn remove_spent(&self, store: &Store) -> std::result::Result<(), ()> {
        self.note_gone(store);
        match store {
            Store::Keyring => {
                // If the keyring is not available now, the session is removed as soon as it is.
                State::update(&self.key, State::supersede_keyring);
                keyring::remove(&self.key, Unlock::Never).map(drop).map_err(drop)
            }
            Store::File(dir) => file::remove(dir, &self.key).map(drop).map_err(drop),
            Store::Kernel | Store::Nowhere(_) => Ok(()),
        }
    }

    /// Removes from the keyring a sign-in that is older than one made when the keyring was not available.
    pub(super) fn forget_superseded(&self) {
        if keyring::remove(&self.key, Unlock::Never).is_ok() {
            State::update(&self.key, |state| state.note_keyring(None));
            self.note_gone(&Store::Keyring);
        }
    }
}
