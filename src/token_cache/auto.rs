//! The storage that `auto` chooses: the keyring; without one, the kernel; without that, none.

use chrono::Utc;

use super::cache::TokenCache;
use super::keyring_error::{KeyringError, Unlock};
use super::store::Store;
use super::{kernel, keyring};
use crate::error::Result;
use crate::state::State;
use crate::token::Saved;

impl TokenCache {
    /// Reads the sign-in from its storage.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Storage`] if it is in a keyring that cannot be read.
    pub(super) fn load_auto(&self, unlock: Unlock) -> Result<(Store, Option<Saved>)> {
        let state = State::load(&self.key);
        let is_known = state.is_in_keyring();
        if !is_known && state.is_keyring_absent(Utc::now()) {
            return Ok(self.load_without_keyring("no keyring was found less than a minute ago".into()));
        }
        match self.ask_keyring(unlock) {
            Ok(Some(_)) if state.is_superseded() => {
                self.forget_superseded();
                Ok(self.load_beside_keyring())
            }
            Ok(Some(saved)) => Ok((Store::Keyring, Saved::read(&saved))),
            // While it is locked, KeePassXC finds nothing.
            Ok(None) if is_known => match keyring::probe(unlock) {
                Err(error @ KeyringError::Locked(_)) => Err(self.kept_back(error)),
                _ => Ok(self.load_beside_keyring()),
            },
            Ok(None) => Ok(self.load_beside_keyring()),
            Err(error @ (KeyringError::Locked(_) | KeyringError::Denied(_))) => Err(self.kept_back(error)),
            Err(error) if is_known => Err(self.kept_back(error)),
            Err(error) => {
                // macOS and Windows cannot tell one session from another by a variable, and find out as fast as this.
                if matches!(error, KeyringError::Absent(_)) && cfg!(not(any(windows, target_os = "macos"))) {
                    State::update(&self.key, |state| state.note_keyring_absent(Utc::now()));
                }
                Ok(self.load_without_keyring(error.why()))
            }
        }
    }

    /// The keyring has no sign-in, but a session without a keyring may have saved one in the kernel.
    fn load_beside_keyring(&self) -> (Store, Option<Saved>) {
        match self.load_kernel().filter(|saved| saved.session.is_some() && !kernel::is_shared()) {
            Some(saved) => (Store::Kernel, Some(saved)),
            None => (Store::Keyring, None),
        }
    }

    fn load_without_keyring(&self, why: String) -> (Store, Option<Saved>) {
        match self.without_keyring(why) {
            Store::Kernel => (Store::Kernel, self.load_kernel()),
            store => (store, None),
        }
    }

    /// The storage to use without a keyring; `why` is the reason that there is none.
    pub(super) fn without_keyring(&self, why: String) -> Store {
        if kernel::is_shared() {
            let shared = "in a container, where all containers of a user share the kernel's keys (--token-storage=kernel uses them anyway)";
            Store::Nowhere(Some(format!("{why}, {shared}")))
        } else if kernel::is_available() {
            Store::Kernel
        } else {
            Store::Nowhere(Some(why))
        }
    }
}
