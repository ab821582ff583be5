//! Where a sign-in waits until it is in its storage: there is no other copy of what a refresh returns, and a run that
//! lost it would send the spent refresh token again, for which providers end the whole session.
//!
//! It waits in the kernel, or else in a file of mode 0600 in the session's runtime folder. The next run that holds the
//! lock moves it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::cache::TokenCache;
use super::in_kernel::is_young;
use super::kernel::{self, Part};
use super::store::Store;
use crate::config::{TokenStorage, platform};
use crate::credential_key::CredentialKey;
use crate::foreign::require_own_ground;
use crate::secret::Secret;
use crate::token::{Saved, Session};
use crate::{atomic_file, own_file};

/// How long the kernel holds it, in seconds: the kernel drops an absent user's keyring after three days as well.
const LIFETIME: i64 = 3 * 24 * 60 * 60;

/// The parking of one credential for one store.
#[derive(Debug)]
pub(super) struct Parking {
    /// The store that the sign-in belongs in.
    pub store: Store,
    /// The credential's key for this store: a user may have the same credential in several.
    key: CredentialKey,
    has_kernel: bool,
}

impl TokenCache {
    /// The parking of what belongs in `store`; `None` where nothing is ever saved.
    pub(super) fn parking(&self, store: &Store) -> Option<Parking> {
        let name = match store {
            Store::Keyring | Store::Kernel => store.name().to_owned(),
            Store::File(dir) => {
                // The same folder under every name: through a link, or with a slash at the end.
                let dir = dir.canonicalize().unwrap_or_else(|_| dir.clone());
                format!("{:x}", Sha256::digest(dir.as_os_str().as_encoded_bytes()))[..16].to_owned()
            }
            Store::Nowhere(_) => return None,
        };
        let key = CredentialKey { digest: format!("{}-{name}", self.key.digest), ..self.key.clone() };
        let has_kernel = self.storage == TokenStorage::Kernel || !(kernel::is_shared() || kernel::is_of_sandbox());
        Some(Parking { store: store.clone(), key, has_kernel })
    }

    /// The parkings that may hold a sign-in for the storage that the settings choose.
    pub(super) fn parkings(&self) -> Vec<Parking> {
        let stores = match (self.storage, &self.token_dir) {
            (TokenStorage::Auto, _) => vec![Store::Keyring, Store::Kernel],
            (TokenStorage::Keyring, _) => vec![Store::Keyring],
            (TokenStorage::Kernel, _) => vec![Store::Kernel],
            (TokenStorage::File, Some(dir)) => vec![Store::File(dir.clone())],
            (TokenStorage::File, None) | (TokenStorage::None, _) => vec![],
        };
        stores.iter().filter_map(|store| self.parking(store)).collect()
    }

    /// What is parked for the storage that the settings choose, and where.
    pub(super) fn parked(&self) -> Option<(Parking, Saved)> {
        self.parkings().into_iter().find_map(|parking| {
            let saved = parking.load()?;
            Some((parking, saved))
        })
    }

    /// The same for who only reads it.
    pub fn load_parked(&self) -> Option<Saved> {
        self.parked().map(|(_, saved)| self.session_rules.cap_saved(saved))
    }

    /// The parkings for every storage.
    pub(super) fn all_parkings(&self) -> Vec<Parking> {
        let file = self.token_dir.clone().map(Store::File);
        [Store::Keyring, Store::Kernel].iter().chain(&file).filter_map(|store| self.parking(store)).collect()
    }

    /// The parkings that hold something, also for a folder for tokens that nobody named: only its digest is known.
    pub(super) fn found_parkings(&self) -> Vec<Parking> {
        let is_own = |name: &String| name.strip_prefix(&self.key.digest).is_some_and(|rest| rest.starts_with('-'));
        let of_name = |digest| Parking {
            store: Store::Nowhere(None),
            key: CredentialKey { digest, ..self.key.clone() },
            has_kernel: true,
        };
        parked_digests().into_iter().filter(is_own).map(of_name).collect()
    }
}

/// The digests in the names of all that is parked, each with the name of its store behind it.
pub(super) fn parked_digests() -> BTreeSet<String> {
    let files = dirs().into_iter().filter_map(|dir| fs::read_dir(dir.join("kubekey")).ok()).flatten().flatten();
    let names = files.filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(".parked")?.to_owned()));
    names.chain(kernel::digests()).collect()
}

impl Parking {
    /// Parks `saved`: all of it or, where that does not fit, at least the session. Says where it is, or returns `None`
    /// if it was not saved.
    pub fn land(&self, saved: &Saved) -> Option<&'static str> {
        if self.is_in_kernel(saved) {
            // An older one in a file would outlive it.
            self.remove_files();
            return Some("in the kernel");
        }
        let is_in_file = |path: PathBuf| forms(saved).iter().any(|form| write(&path, form));
        self.paths().into_iter().any(is_in_file).then_some("in a file of this session")
    }

    /// Parks it while it is being saved: in the kernel or not at all, since the kernel takes no time.
    pub fn land_for_now(&self, saved: &Saved) {
        if let Store::Keyring | Store::File(_) = self.store {
            self.is_in_kernel(saved);
        }
    }

    fn is_in_kernel(&self, saved: &Saved) -> bool {
        let keep = |form: &Secret| kernel::store(&self.key, Part::Parked, form, LIFETIME);
        self.has_kernel && forms(saved).iter().any(keep)
    }

    /// Loads what is parked.
    pub fn load(&self) -> Option<Saved> {
        let in_kernel = if self.has_kernel { kernel::load(&self.key, Part::Parked) } else { None };
        let in_file = || self.paths().iter().find_map(|path| own_file::read(path).ok());
        let text = in_kernel.or_else(|| Some(Secret::new(String::from_utf8(in_file()?).ok()?)));
        let is_kept = |session: &Session| !matches!(self.store, Store::Kernel) || is_young(session);
        Saved::read(&text?).filter(|saved| saved.session.as_ref().is_some_and(is_kept))
    }

    /// Removes what is parked, and returns whether anything was.
    pub fn remove(&self) -> bool {
        let was_in_kernel = self.has_kernel && kernel::remove(&self.key, Part::Parked);
        self.remove_files() || was_in_kernel
    }

    fn remove_files(&self) -> bool {
        let paths = self.paths().into_iter().filter(|path| require_own_ground(path).is_ok());
        // A file that remains is older than what is in the storage, and is then ignored.
        paths.filter(|path| fs::remove_file(path).is_ok()).count() > 0
    }

    /// Only in folders that the system empties: the file is not encrypted.
    fn paths(&self) -> Vec<PathBuf> {
        let name = format!("kubekey/{}.parked", self.key.digest);
        dirs().into_iter().map(|dir| dir.join(&name)).collect()
    }
}

fn dirs() -> Vec<PathBuf> {
    [platform::session_runtime_dir(), platform::runtime_dir()].into_iter().flatten().collect()
}

/// The forms of it that may fit.
fn forms(saved: &Saved) -> [Secret; 2] {
    [saved.to_saved(), saved.without_id_token().to_saved()]
}

fn write(path: &Path, saved: &Secret) -> bool {
    atomic_file::write(path, saved.expose().as_bytes()).is_ok()
}
