//! The index of saved sign-ins: written when one is saved, and corrected when it is found to be wrong. It is a part of
//! the credential's state, so that the same file lock guards it and a logout removes it.

use std::path::Path;

use super::cache::TokenCache;
use super::kernel::{self, Part};
use super::keyring_error::Unlock;
use super::store::Store;
use crate::config::TokenStorage;
use crate::credential_key::CredentialKey;
use crate::kept::{Kept, PARKED};
use crate::state::{State, machine};
use crate::token::Saved;

impl TokenCache {
    /// Notes that `saved` is in `store` now.
    pub(super) fn note_kept(&self, store: &Store, saved: &Saved) {
        if let Some(place) = self.place(store) {
            let kept = place.of(saved);
            State::update(&self.key, |state| state.note_kept(&kept));
        }
    }

    /// Notes that nothing is in `store` any more.
    pub(super) fn note_gone(&self, store: &Store) {
        if let Some(place) = self.place(store) {
            State::update(&self.key, |state| state.note_gone(&place));
        }
    }

    fn place(&self, store: &Store) -> Option<Kept> {
        let dir = match store {
            Store::Nowhere(_) => return None,
            Store::File(dir) => Some(dir.to_string_lossy().into_owned()),
            Store::Keyring | Store::Kernel => None,
        };
        let (issuer, client_id) = (self.key.issuer.clone(), self.key.client_id.clone());
        let (storage, is_access_token) = (store.name().to_owned(), self.is_access_token);
        let account_name = self.account_name.clone().unwrap_or_default();
        let place = Kept { storage, dir, issuer, client_id, is_access_token, account_name, ..Kept::default() };
        Some(Kept { machine: machine(), ..place })
    }

    /// Whether a run with these settings finds the sign-in that the index has at this place.
    pub fn finds(&self, kept: &Kept) -> bool {
        match (&*kept.storage, self.storage) {
            ("keyring", TokenStorage::Auto | TokenStorage::Keyring) => true,
            // Containers share the kernel's keys, which `auto` leaves alone then.
            ("kernel", TokenStorage::Auto) => !kernel::is_shared() && is_in_kernel(&self.kernel_key),
            ("kernel", TokenStorage::Kernel) => is_in_kernel(&self.kernel_key),
            (PARKED, _) => self.parked().is_some(),
            ("file", TokenStorage::File) => kept.dir.as_deref().map(Path::new) == self.token_dir.as_deref(),
            _ => false,
        }
    }

    /// What is held until it can be saved: the index does not have it.
    pub fn noted_parked(&self) -> Option<Kept> {
        let (parking, saved) = self.parked()?;
        let place = self.place(&parking.store)?;
        Some(Kept { storage: PARKED.to_owned(), dir: None, ..place.of(&saved) })
    }

    /// Adds a saved sign-in that the index does not have, as one of an older version. The keyring is asked only if it
    /// is known to have one.
    pub fn complete_index(&self) {
        let state = State::load(&self.key);
        let in_memory = || Some((Store::Kernel, self.load_kernel()?));
        let found = match state.kept.is_empty() {
            false => None,
            true if self.asks_keyring() && !state.is_in_keyring() => in_memory(),
            true => self.load(Unlock::Never).ok().and_then(|(store, saved)| Some((store, saved?))),
        };
        if let Some((store, saved)) = found {
            self.note_kept(&store, &saved);
        }
    }
}

/// Whether the sign-in may still be where the index says. A keyring is believed, because asking it takes time.
pub fn is_still_there(digest: &str, kept: &Kept) -> bool {
    match (&*kept.storage, &kept.dir) {
        ("file", Some(dir)) => Path::new(dir).join(format!("{digest}.json")).is_file(),
        ("kernel", _) => {
            let key = CredentialKey { issuer: String::new(), client_id: String::new(), digest: digest.to_owned() };
            [key.asked_for_in_kernel(), key].iter().any(is_in_kernel)
        }
        _ => true,
    }
}

fn is_in_kernel(key: &CredentialKey) -> bool {
    [Part::IdToken, Part::Session].into_iter().any(|part| kernel::load(key, part).is_some())
}
