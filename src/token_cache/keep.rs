//! Writing: where a new sign-in is saved.

use std::time::Duration;

use super::cache::TokenCache;
use super::failure::{in_words, unusable_file};
use super::keyring_error::Unlock;
use super::parking::Parking;
use super::prepared::Prepared;
use super::store::Store;
use super::{file, in_keyring, kernel, keyring};
use crate::atomic_file::Reserved;
use crate::config::TokenStorage;
use crate::error::{Error, ErrorKind, Result};
use crate::kubeconfig::login_command;
use crate::log::{self, Timer};
use crate::terminal;
use crate::token::Saved;

/// How long a busy keyring may take to save a session whose previous refresh token is spent.
const PATIENCE_FOR_A_SPENT_ONE: Duration = Duration::from_secs(30);

impl TokenCache {
    /// Chooses where the tokens of the next sign-in will be saved, and checks that before the user is asked to sign in.
    /// `found` is the store that [`TokenCache::load`] returned; with `None` it is determined anew.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] if the requested storage cannot save anything.
    pub fn choose(&self, found: Option<Store>) -> Result<Store> {
        match self.storage {
            TokenStorage::None => Ok(Store::Nowhere(None)),
            TokenStorage::Kernel if kernel::is_available() => Ok(Store::Kernel),
            TokenStorage::Kernel => Err(Error::new(ErrorKind::Storage, "the kernel's keys are not available here")
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

    /// Saves `saved` in the prepared storage. A failure is only a warning: the user has signed in and gets the token.
    ///
    /// `is_spent` says that the previously saved refresh token was rotated away. If the new one cannot be saved, the
    /// old one is removed as well: a provider that receives a spent refresh token again considers it stolen, and may
    /// end all of the user's sessions.
    pub fn keep(&self, prepared: Prepared, saved: &Saved, is_spent: bool) {
        let timer = Timer::start();
        let Prepared { store, reserved, parking, .. } = prepared;
        if let Store::Nowhere(why) = &store {
            why.iter().for_each(|why| warn_of_nowhere(why));
            return log::debug(format_args!("token cache: nowhere: not saved in {timer}"));
        }
        // A keyring and a disk take time, and this process may be killed meanwhile.
        if let (Some(parking), Some(_)) = (&parking, &saved.session) {
            parking.land_for_now(saved);
        }
        let patience = if is_spent { PATIENCE_FOR_A_SPENT_ONE } else { in_keyring::PATIENCE };
        let failed = self.put(&store, reserved, saved, patience).err();
        let outcome = if failed.is_some() { "not saved" } else { "saved" };
        log::debug(format_args!("token cache: {}: {outcome} in {timer}", store.name()));
        match failed {
            // Whatever is parked is older now, whichever storage it belongs to.
            None => self.parkings().iter().for_each(|parking| _ = parking.remove()),
            Some(why) => self.park(&store, parking.as_ref(), saved, is_spent, &why),
        }
    }

    /// Writes `saved` to `store`.
    pub(super) fn put(
        &self,
        store: &Store,
        reserved: Option<Reserved>,
        saved: &Saved,
        patience: Duration,
    ) -> std::result::Result<(), String> {
        match store {
            Store::Nowhere(_) => Ok(()),
            Store::Kernel => self.put_in_kernel(saved),
            Store::File(dir) => file::store(dir, &self.key, &saved.to_saved(), reserved).map_err(in_words),
            Store::Keyring => self.put_in_keyring(saved, patience),
        }?;
        self.note_kept(store, saved);
        Ok(())
    }

    /// Saves elsewhere what could not be saved in its storage; the next run moves it there.
    fn park(&self, store: &Store, parking: Option<&Parking>, saved: &Saved, is_spent: bool, why: &str) {
        let parked = parking.filter(|_| saved.session.is_some()).and_then(|parking| parking.land(saved));
        match parked {
            Some(place) => {
                terminal::warning(&format!("this sign-in cannot be saved: {why}; until it can, it is held {place}"))
            }
            None => {
                terminal::warning(&format!("this sign-in is not saved, so the next run will ask you to sign in: {why}"))
            }
        }
        if is_spent && self.remove_spent(store).is_err() && parked.is_none() {
            terminal::warning(&format!(
                "the used-up refresh token could not be removed; if it is sent again, the provider may end \
                all of your sessions: run {} as soon as you can",
                login_command()
            ));
        }
    }
}

fn warn_of_nowhere(why: &str) {
    terminal::warning(&format!(
        "this sign-in is not saved, so every run will ask you to sign in: {why}; --token-storage=file saves it in a file"
    ));
}
