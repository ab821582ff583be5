//! Reading: where the sign-in is saved, and what it contains.

use chrono::Utc;

use super::asked::asked;
use super::cache::TokenCache;
use super::failure::unusable_file;
use super::file;
use super::kernel::{self, Part};
use super::keyring_error::Unlock;
use super::store::Store;
use crate::config::TokenStorage;
use crate::error::Result;
use crate::state::State;
use crate::token::Saved;

impl TokenCache {
    /// The ID token in the kernel, in front of a keyring or alone, if it is valid: the fastest path.
    pub fn load_from_kernel(&self) -> Option<Saved> {
        let is_wanted = match self.storage {
            TokenStorage::Auto => !kernel::is_shared(),
            TokenStorage::Kernel => true,
            _ => false,
        };
        let saved = is_wanted.then(|| self.ask_kernel(Part::IdToken)).flatten()?;
        let saved = self.session_rules.cap_saved(Saved::read(&saved)?);
        saved.fresh(Utc::now()).is_some().then_some(saved)
    }

    /// Reads the saved sign-in, and returns where it is or would be saved. One that cannot be parsed is treated as
    /// missing: the next store replaces it.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Storage`] if a sign-in is saved and cannot be read: a new one would not make it
    /// accessible.
    pub fn load(&self, unlock: Unlock) -> Result<(Store, Option<Saved>)> {
        let loaded = self.load_from_store(unlock).or_else(|error| {
            // A run that holds the lock can use a parked sign-in without its storage.
            let parked = self.parkings().into_iter().find(|parking| parking.load().is_some());
            parked.map(|parking| (parking.store, None)).ok_or(error)
        });
        loaded.map(|(store, saved)| (store, saved.map(|saved| self.session_rules.cap_saved(saved))))
    }

    fn load_from_store(&self, unlock: Unlock) -> Result<(Store, Option<Saved>)> {
        match self.storage {
            TokenStorage::None => Ok((Store::Nowhere(None), None)),
            TokenStorage::Kernel => Ok((Store::Kernel, self.load_kernel())),
            TokenStorage::File => {
                let dir = self.token_dir()?;
                let saved = asked("file", || file::load(dir, &self.key)).map_err(|error| unusable_file(&error))?;
                Ok((Store::File(dir.to_owned()), saved.as_ref().and_then(Saved::read)))
            }
            TokenStorage::Keyring => match self.ask_keyring(unlock) {
                Ok(Some(_)) if State::load(&self.key).is_superseded() => {
                    self.forget_superseded();
                    Ok((Store::Keyring, None))
                }
                Ok(saved) => Ok((Store::Keyring, saved.as_ref().and_then(Saved::read))),
                Err(error) => Err(self.kept_back(error)),
            },
            TokenStorage::Auto => self.load_auto(unlock),
        }
    }
}
