//! A sign-in in the keyring, and how long a run waits for a keyring that is busy or gone.

use std::thread;
use std::time::{Duration, Instant};

use super::asked::asked;
use super::cache::TokenCache;
use super::kernel::{self, Part};
use super::keyring;
use super::keyring_error::{KeyringError, Unlock};
use crate::config::TokenStorage;
use crate::log;
use crate::secret::Secret;
use crate::state::State;
use crate::token::Saved;

/// How long a keyring may take to save a sign-in, or to come back when it is gone.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait for a keyring that does not respond before a new connection is tried.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(10);

/// How long to pause before the next attempt.
const PAUSE: Duration = Duration::from_millis(200);

impl TokenCache {
    /// Reads the sign-in.
    pub(super) fn ask_keyring(&self, unlock: Unlock) -> Result<Option<Secret>, KeyringError> {
        asked("keyring", || keyring::load(&self.key, unlock))
    }

    /// Saves the sign-in.
    pub(super) fn put_in_keyring(&self, saved: &Saved, patience: Duration) -> Result<(), String> {
        let result = self.store_patiently(&saved.to_saved(), patience);
        // The kernel must have only the new ID token, whether or not the keyring has saved it as well.
        self.put_in_front(saved);
        let process = result.map_err(|error| error.to_string())?;
        State::update(&self.key, |state| state.note_keyring(Some(process)));
        if self.storage == TokenStorage::Auto && !kernel::is_shared() {
            kernel::remove(&self.kernel_key, Part::Session);
        }
        Ok(())
    }

    /// Tries again, on a new connection each time, after errors that may pass.
    fn store_patiently(&self, saved: &Secret, patience: Duration) -> Result<u32, KeyringError> {
        let start = Instant::now();
        loop {
            let left = patience.saturating_sub(start.elapsed());
            let error = match keyring::store(&self.key, saved, left.min(LONGEST_ATTEMPT)) {
                Err(error) => error,
                stored => return stored,
            };
            let longest = match error {
                KeyringError::Silent(_) => patience,
                KeyringError::Absent(_) => patience.min(PATIENCE),
                KeyringError::Locked(_) | KeyringError::Denied(_) | KeyringError::Broken(_) => Duration::ZERO,
            };
            if start.elapsed() + PAUSE >= longest {
                return Err(error);
            }
            log::debug(format_args!("token cache: keyring: trying again ({error})"));
            thread::sleep(PAUSE);
        }
    }
}
