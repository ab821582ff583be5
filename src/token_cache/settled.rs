//! A parked sign-in, moved to its storage.

use std::time::Duration;

use super::cache::TokenCache;
use super::keyring;
use super::keyring_error::Unlock;
use super::parking::Parking;
use super::store::Store;
use crate::error::Result;
use crate::token::Saved;
use crate::{log, terminal};

/// How long a store that failed before may take now.
const PATIENCE: Duration = Duration::from_secs(1);

impl TokenCache {
    /// Like [`TokenCache::load`], for a run that holds the lock: moves a sign-in that an earlier run saved elsewhere to
    /// its storage.
    ///
    /// # Errors
    /// As [`TokenCache::load`].
    pub fn load_under_lock(&self, unlock: Unlock) -> Result<(Store, Option<Saved>)> {
        let (store, saved) = self.load(unlock)?;
        Ok(match self.parked() {
            Some((parking, parked)) => self.settle(saved, parked, &parking, unlock),
            None => (store, saved),
        })
    }

    /// Moves a parked sign-in to its storage; if that fails, it is used from where it is.
    fn settle(&self, saved: Option<Saved>, parked: Saved, parking: &Parking, unlock: Unlock) -> (Store, Option<Saved>) {
        let store = parking.store.clone();
        if let Some(saved) = saved.as_ref().filter(|saved| saved.age() >= parked.age()) {
            // A run was killed after it had saved it, or the user has signed in again where this one was out of sight.
            parking.remove();
            return (store, Some(saved.clone()));
        }
        let is_of_same_sign_in = |saved: &Saved| saved.age().0 == parked.age().0;
        let id_token = parked.id_token.clone().or_else(|| saved.filter(is_of_same_sign_in)?.id_token);
        let parked = self.session_rules.cap_saved(Saved { id_token, ..parked });
        match self.put_unasked(&store, &parked, unlock) {
            Ok(()) => {
                parking.remove();
                terminal::notice(&format!(
                    "the sign-in that could not be saved before is now saved ({})",
                    store.name()
                ));
            }
            Err(why) => log::debug(format_args!("token cache: {}: still not saved ({why})", store.name())),
        }
        (store, Some(parked))
    }

    /// Saves it in `store` if no person is needed.
    fn put_unasked(&self, store: &Store, saved: &Saved, unlock: Unlock) -> std::result::Result<(), String> {
        if let Store::Keyring = store {
            keyring::probe(unlock).map_err(|error| error.to_string())?;
        }
        self.put(store, None, saved, PATIENCE)
    }
}
