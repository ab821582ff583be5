//! The other half of the cache: where a new sign-in goes, and how one is forgotten.

use chrono::{TimeDelta, Utc};

use super::failure::unusable_file;
use super::kernel::{self, Part};
use super::{KeyringError, Store, TokenCache, Unlock, file, keyring};
use crate::config::TokenStorage;
use crate::error::{Error, ErrorKind, Result};
use crate::log::{self, Timer};
use crate::state::State;
use crate::terminal;
use crate::token::{Saved, Session, TokenSet};

/// How long after the sign-in the kernel keeps a refresh token: a day's work.
const LONGEST_SESSION: TimeDelta = TimeDelta::hours(12);

/// Whether the session may still be used. The kernel drops it at that time, unless its key was written by a run that was
/// killed before it could say when.
pub(super) fn is_young(session: &Session) -> bool {
    let age = Utc::now() - session.signed_in_at;
    (TimeDelta::zero()..LONGEST_SESSION).contains(&age)
}

impl TokenCache {
    /// Where the tokens of the sign-in that is about to begin are going to be kept: looked at before the user is
    /// troubled. `found` is what [`TokenCache::load`] said; `None` asks afresh.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] if the place that was asked for cannot keep anything.
    pub fn choose(&self, found: Option<Store>) -> Result<Store> {
        match self.storage {
            TokenStorage::None => Ok(Store::Nowhere(None)),
            TokenStorage::Kernel if kernel::is_available() => Ok(Store::Kernel),
            TokenStorage::Kernel => Err(Error::new(ErrorKind::Storage, "the kernel keeps no keys here")
                .hint("give another --token-storage: auto, keyring, file or none")),
            TokenStorage::File => {
                let dir = self.token_dir()?;
                file::prepare(dir).map_err(|error| unusable_file(&error))?;
                Ok(Store::File(dir.to_owned()))
            }
            TokenStorage::Keyring => {
                keyring::probe(Unlock::Ask).map(|()| Store::Keyring).map_err(|error| self.kept_back(error))
            }
            TokenStorage::Auto => Ok(self.choose_auto(found)),
        }
    }

    fn choose_auto(&self, found: Option<Store>) -> Store {
        match found.unwrap_or(Store::Keyring) {
            Store::Keyring => match keyring::probe(Unlock::Ask) {
                Ok(()) => Store::Keyring,
                Err(error) => self.without_keyring(error.why()),
            },
            store => store,
        }
    }

    /// Keeps `tokens`. What goes wrong is a warning: the user has signed in and gets their token.
    ///
    /// `spent` says that the saved refresh token was rotated away. If the new one cannot be kept, the old one goes, too:
    /// to a provider a spent refresh token that comes again is a stolen one, and it may end all of the user's sessions.
    pub fn store(&self, store: &Store, tokens: &TokenSet, spent: bool) {
        let timer = Timer::start();
        let failed = match store {
            Store::Nowhere(None) => None,
            Store::Nowhere(Some(why)) => {
                terminal::warning(&format!(
                    "this sign-in is not kept, and each run has to sign in again: {why}; --token-storage=file keeps it in a file"
                ));
                None
            }
            Store::Kernel => self.store_in_kernel(tokens),
            Store::File(dir) => file::store(dir, &self.key, &tokens.to_saved()).err().map(|error| error.to_string()),
            Store::Keyring => self.store_in_keyring(tokens),
        };
        let outcome = if failed.is_some() || matches!(store, Store::Nowhere(_)) { "not kept" } else { "kept" };
        log::debug(format_args!("token cache: {}: {outcome} in {timer}", store.name()));
        let Some(why) = failed else { return };
        terminal::warning(&format!("this sign-in is not saved, the next run has to sign in again: {why}"));
        if spent && self.remove_spent(store).is_err() {
            terminal::warning("the used-up refresh token could not be removed either");
        }
    }

    fn store_in_keyring(&self, tokens: &TokenSet) -> Option<String> {
        let result = keyring::store(&self.key, &tokens.to_saved());
        // In front only what is new, whether or not it is behind as well.
        self.put_in_front(tokens);
        match result {
            Ok(process) => {
                if self.storage == TokenStorage::Auto {
                    State::load(&self.key).note_keyring(Some(process));
                    if !kernel::is_shared() {
                        kernel::remove(&self.key, Part::Session);
                    }
                }
                None
            }
            Err(error) => Some(error.why()),
        }
    }

    fn store_in_kernel(&self, tokens: &TokenSet) -> Option<String> {
        if self.storage == TokenStorage::Auto {
            State::load(&self.key).supersede_keyring();
        }
        let session_is_kept = match &tokens.session {
            Some(session) => self.put_session_in_kernel(session),
            None => {
                kernel::remove(&self.key, Part::Session);
                false
            }
        };
        let id_token_is_kept = self.put_id_token_in_kernel(tokens);
        match session_is_kept || id_token_is_kept {
            true => None,
            false => Some("the kernel has no room for it (keyctl quota)".into()),
        }
    }

    /// Puts the ID token into the kernel, in front of the keyring. Only where the lock is held: otherwise it could come
    /// back after a logout.
    fn put_in_front(&self, tokens: &TokenSet) {
        if self.storage == TokenStorage::Auto && !kernel::is_shared() {
            self.put_id_token_in_kernel(tokens);
        }
    }

    fn put_id_token_in_kernel(&self, tokens: &TokenSet) -> bool {
        let left = tokens.id_token.expires_at - Utc::now();
        kernel::store(&self.key, Part::IdToken, &tokens.id_token_to_saved(), left.num_seconds())
    }

    fn put_session_in_kernel(&self, session: &Session) -> bool {
        let left = (session.signed_in_at - Utc::now() + LONGEST_SESSION).min(LONGEST_SESSION);
        kernel::store(&self.key, Part::Session, &session.to_saved(), left.num_seconds())
    }

    /// Keeps a new refresh token beside the old ID token: the one that came with it could not be verified.
    pub fn store_session(&self, store: &Store, saved: &Saved, session: Session) {
        match &saved.id_token {
            Some(id_token) if !matches!(store, Store::Kernel) => {
                let tokens = TokenSet { id_token: id_token.clone(), session: Some(session) };
                self.store(store, &tokens, true);
            }
            _ => {
                self.put_session_in_kernel(&session);
            }
        }
    }

    fn remove_spent(&self, store: &Store) -> std::result::Result<(), ()> {
        match store {
            Store::Keyring => keyring::remove(&self.key).map_err(drop),
            Store::File(dir) => file::remove(dir, &self.key).map_err(drop),
            Store::Kernel | Store::Nowhere(_) => Ok(()),
        }
    }

    /// Removes the sign-in from every place where it may be.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] if it is left in one.
    pub fn remove(&self) -> Result<()> {
        let file = match &self.token_dir {
            Some(dir) => file::remove(dir, &self.key).map_err(|error| unusable_file(&error)),
            None => Ok(()),
        };
        // One that stays in one place is removed from the other all the same.
        let keyring = self.remove_from_keyring();
        kernel::remove(&self.key, Part::IdToken);
        kernel::remove(&self.key, Part::Session);
        log::debug(format_args!("token cache: keyring: {}", if keyring.is_ok() { "removed" } else { "not removed" }));
        keyring.and(file)
    }

    fn remove_from_keyring(&self) -> Result<()> {
        match keyring::remove(&self.key) {
            Ok(()) => Ok(()),
            Err(KeyringError::Absent(_)) if !State::load(&self.key).may_be_in_keyring() => Ok(()),
            Err(error) => {
                let message = format!("the saved sign-in may still be in the keyring: {}", error.why());
                Err(Error::new(ErrorKind::Storage, message).hint("run this again in a session with that keyring"))
            }
        }
    }
}
