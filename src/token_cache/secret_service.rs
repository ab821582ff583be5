//! The keyring of Linux and the BSDs: the freedesktop Secret Service, over D-Bus.
//!
//! Source: the Secret Service API draft of freedesktop.org. The calls are written by hand: a library's proxies request
//! more than is needed, and a read must be fast.
//!
//! This is not a store of keyring-core: its `Entry` takes no time limit, does not report whether a sign-in could be
//! saved, and does not name the process that saved it, so a store would need a second interface beside it. Written and
//! tested, it was 148 lines longer.

use std::time::Duration;

use super::bounded_call::Bound;
use super::keyring_error::{KeyringError, Unlock};
use super::secret_bus::SecretBus;
use super::secret_collection::Service;
use crate::credential_key::CredentialKey;
use crate::event_loop;
use crate::secret::Secret;

/// How long it may take to remove an item if no person is asked.
const REMOVAL: Duration = Duration::from_secs(5);

type Result<T> = std::result::Result<T, KeyringError>;

/// Reads what is saved under `key`. Also returns `None` if the keyring remains locked and does not report whether the
/// item exists; [`probe`] then reports that it is locked.
pub fn load(key: &CredentialKey, unlock: Unlock) -> Result<Option<Secret>> {
    run(async {
        let service = Service::connect(Bound::Run).await?;
        match service.make_searchable(unlock).await {
            Err(KeyringError::Locked(_)) => return Ok(None),
            searchable => searchable?,
        }
        let (unlocked, locked) = service.search(key).await?;
        let item = match (unlocked.first(), locked.first()) {
            (Some(item), _) => item,
            (None, Some(item)) => {
                service.unlock(item, unlock).await?;
                item
            }
            (None, None) => return Ok(None),
        };
        let session = service.open_session().await?;
        service.secret(item, &session).await.map(Some)
    })
}

/// Whether a sign-in could be saved: there is a default collection, and it is unlocked or gets unlocked.
pub fn probe(unlock: Unlock) -> Result<()> {
    run(async { Service::connect(Bound::Run).await?.unlocked_default_collection(unlock).await.map(drop) })
}

/// Saves `saved` under `key`, replacing the old value, reads it back, and returns the process ID of the keyring. All of
/// it takes at most `patience`, including the time a person needs to unlock the keyring, however long this run has
/// already waited.
///
/// # Errors
/// Any [`KeyringError`]; the old value may then still be there, or be replaced.
pub fn store(key: &CredentialKey, saved: &Secret, patience: Duration) -> Result<u32> {
    run(async {
        let service = Service::connect(Bound::own(patience)).await?;
        let collection = service.unlocked_default_collection(Unlock::Ask).await?;
        let session = service.open_session().await?;
        let item = service.create_item(collection, key, saved, &session).await?;
        service.require_kept(key, &item, saved, &session).await?;
        // It is saved, whether or not the bus reports the process.
        Ok(service.bus.process().await.unwrap_or_default())
    })
}

/// Removes what is saved under `key`, and returns whether there was anything. Without [`Unlock::Ask`] it waits for no
/// person.
pub fn remove(key: &CredentialKey, unlock: Unlock) -> Result<bool> {
    let bound = match unlock {
        Unlock::Ask => Bound::Run,
        Unlock::Never => Bound::own(REMOVAL),
    };
    run(async {
        let service = Service::connect(bound).await?;
        service.make_searchable(unlock).await?;
        let (unlocked, locked) = service.search(key).await?;
        for item in unlocked.iter().chain(&locked) {
            service.delete(item).await?;
        }
        Ok(!(unlocked.is_empty() && locked.is_empty()))
    })
}

/// The process ID of the keyring that runs now.
pub fn process() -> Option<u32> {
    run(async { SecretBus::connect(Bound::Run).await?.process().await }).ok()
}

/// Runs one access to its end, on this thread: starting more threads would cost more than the access.
fn run<T>(access: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime =
        event_loop::start().map_err(|error| KeyringError::Broken(format!("no event loop for D-Bus: {error}")))?;
    let result = runtime.block_on(access);
    // A bus whose host name is still being resolved must not delay the end.
    runtime.shutdown_background();
    result
}
