//! Storage that is ready for what a refresh will return, before the refresh token is spent.

use std::path::Path;

use chrono::Utc;

use super::cache::TokenCache;
use super::failure::in_words;
use super::keyring_error::Unlock;
use super::parking::Parking;
use super::store::Store;
use super::{file, keyring};
use crate::atomic_file::Reserved;
use crate::token::Saved;

/// How many bytes larger than what it replaces a new sign-in may be and still be sure to fit: a user may have joined
/// some groups.
const GROWTH: usize = 16 * 1024;

/// Storage prepared for a new sign-in.
#[derive(Debug)]
pub struct Prepared {
    /// The store itself.
    pub store: Store,
    /// The reserved room, if it is a file.
    pub(super) reserved: Option<Reserved>,
    /// Where the sign-in waits if it cannot be saved there.
    pub(super) parking: Option<Parking>,
    /// Why it will not be saved there, as far as that can be known.
    pub obstacle: Option<String>,
}

impl TokenCache {
    /// Prepares `store` for what replaces `saved`, so that it only needs to be written there.
    pub fn prepare(&self, store: Store, saved: Option<&Saved>, unlock: Unlock) -> Prepared {
        let parking = self.parking(&store);
        let mut prepared = Prepared { store, reserved: None, parking, obstacle: None };
        let session = saved.and_then(|saved| saved.session.as_ref());
        match &prepared.store {
            Store::Nowhere(why) => prepared.obstacle.clone_from(why),
            // After a sign-in there is nothing left to decide.
            Store::Keyring if session.is_none() => {}
            Store::Keyring => prepared.obstacle = keyring::probe(unlock).err().map(|error| error.to_string()),
            Store::Kernel => {
                self.supersede_keyring();
                let may_give_way = saved.is_none_or(|saved| saved.fresh(Utc::now()).is_none());
                prepared.obstacle = session.and_then(|session| self.reserve_in_kernel(session, may_give_way).err());
            }
            Store::File(dir) => match self.reserve_file(dir, saved) {
                Ok(reserved) => prepared.reserved = Some(reserved),
                Err(why) => prepared.obstacle = Some(why),
            },
        }
        prepared
    }

    fn reserve_file(&self, dir: &Path, saved: Option<&Saved>) -> Result<Reserved, String> {
        let size = saved.map_or(0, |saved| saved.to_saved().expose().len());
        file::reserve(dir, &self.key, size + GROWTH).map_err(in_words)
    }
}
