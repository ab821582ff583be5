//! Where a credential's locks are: beside what they guard. Two runs that share a store must meet at one of them,
//! whatever their environments are; otherwise both spend the same refresh token, and the provider ends the session.

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::cache::TokenCache;
use super::file;
use super::lock_file::Place;
use crate::config::{TokenStorage, platform};
use crate::foreign::{self, Foreign};
use crate::state;

/// What a run needs the lock for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A token, for which only the program that reads its stdout has a use.
    Token,
    /// A new sign-in.
    SignIn,
    /// The removal of a sign-in from all storage.
    Removal,
}

impl TokenCache {
    /// The locks of a run that reads and writes the storage that the settings choose, in the order in which every run
    /// takes them.
    ///
    /// Keyring and kernel are this user's on this machine, and so are their locks: in folders that no variable moves.
    /// There are two, since sandboxes and containers share either the home or the runtime folder with the rest of the
    /// machine. Before them comes the session's own lock, where failures remain. A file also has a lock beside it: its
    /// folder may be all that two runs have in common.
    pub fn lock_places(&self) -> Vec<Place> {
        match self.storage {
            TokenStorage::File => self.all_lock_places(),
            _ => self.of_user(),
        }
    }

    /// The locks of a run for this purpose.
    pub(super) fn places_for(&self, purpose: Purpose) -> Vec<Place> {
        match purpose {
            Purpose::Token | Purpose::SignIn => self.lock_places(),
            Purpose::Removal => self.all_lock_places(),
        }
    }

    /// Whether such a run will report what `foreign` is, with the same advice, without a warning: it must save tokens
    /// there, or it finds no sign-in that is this user's.
    pub(super) fn will_report(&self, foreign: &Foreign, purpose: Purpose) -> bool {
        if purpose == Purpose::Removal {
            return !foreign.is_of_user();
        }
        let dir = self.token_dir.as_ref().filter(|_| self.storage == TokenStorage::File);
        dir.and_then(|dir| foreign::keeps_out(dir)).is_some_and(|other| other.what_to_do() == foreign.what_to_do())
    }

    /// The locks of a run that removes the sign-in from all storage.
    fn all_lock_places(&self) -> Vec<Place> {
        let mut places = self.of_user();
        let is_wanted = |dir: &PathBuf| self.storage == TokenStorage::File || dir.is_dir();
        let dir = self.token_dir.as_ref().filter(|dir| is_wanted(dir) && !file::is_for_something_else(dir));
        places.extend(dir.map(|dir| vec![dir.join(format!("{}.lock", self.key.digest))]));
        places
    }

    fn of_user(&self) -> Vec<Place> {
        let mut places = vec![self.of_session()];
        places.extend(platform::session_runtime_dir().map(|dir| vec![self.named(dir.join("kubekey"), "user")]));
        // A home may be shared between machines, which do not share their keyrings. A container has a different machine
        // ID than its host, and the same boot ID.
        let boot = Some(state::boot()).filter(|boot| !boot.is_empty());
        let computer = format!("{:x}", Sha256::digest(boot.unwrap_or_else(state::machine)));
        places.extend(platform::own_home_state_dir().map(|dir| vec![self.named(dir, &computer[..8])]));
        places
    }

    fn of_session(&self) -> Place {
        platform::lock_dirs().into_iter().map(|dir| dir.join(format!("{}.lock", self.key.digest))).collect()
    }

    fn named(&self, dir: PathBuf, whose: &str) -> PathBuf {
        dir.join(format!("{}-{whose}.lock", self.key.digest))
    }
}
