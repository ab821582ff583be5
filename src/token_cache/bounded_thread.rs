//! Calls of the system's library with a time limit.
//!
//! The library cannot be interrupted, so each call runs on a thread of its own, which is abandoned when its time is up.
//! A child process could be killed, but it would have to be handed the secrets, and nothing is gained: the system
//! closes a prompt when the program that it asks for ends, and this one ends soon after it gave up.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::keyring_error::KeyringError;

/// How long a further call may take once the time of a run is used up: a keyring that was busy may respond now.
const LAST_TRY: Duration = Duration::from_millis(50);

/// The time of a run for calls that do not return.
pub struct Patience {
    limit: Duration,
    /// How long the run has waited in vain, in milliseconds.
    waited: AtomicU64,
}

impl Patience {
    /// For all calls together.
    pub const fn new(limit: Duration) -> Self {
        Self { limit, waited: AtomicU64::new(0) }
    }

    /// Makes a call within what is left.
    ///
    /// # Errors
    /// As [`within`].
    pub fn within<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> Result<T, KeyringError> + Send + 'static,
    ) -> Result<T, KeyringError> {
        let left = self.limit.saturating_sub(Duration::from_millis(self.waited.load(Ordering::Relaxed)));
        let start = Instant::now();
        let result = within(left.max(LAST_TRY), call);
        if let Err(KeyringError::Silent(_)) = result {
            self.waited.fetch_add(start.elapsed().as_millis() as u64, Ordering::Relaxed);
        }
        result
    }
}

/// Makes a call within `limit`.
///
/// # Errors
/// [`KeyringError::Silent`] if it takes longer; otherwise the error of the call.
pub fn within<T: Send + 'static>(
    limit: Duration,
    call: impl FnOnce() -> Result<T, KeyringError> + Send + 'static,
) -> Result<T, KeyringError> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let run = move || _ = sender.send(catch_unwind(AssertUnwindSafe(call)));
    thread::Builder::new()
        .spawn(run)
        .map_err(|error| KeyringError::Broken(format!("no thread for the keyring: {error}")))?;
    match receiver.recv_timeout(limit) {
        Ok(Ok(result)) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => {
            Err(KeyringError::Silent(format!("the keyring did not respond within {:.1} s", limit.as_secs_f64())))
        }
        Ok(Err(_)) | Err(mpsc::RecvTimeoutError::Disconnected) => {
            Err(KeyringError::Broken("the call of the keyring's library failed".into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A call that returns only when the sender is dropped.
    fn hanging() -> (mpsc::Sender<()>, impl FnOnce() -> Result<(), KeyringError> + Send + 'static) {
        let (sender, receiver) = mpsc::channel();
        (sender, move || {
            _ = receiver.recv();
            Ok(())
        })
    }

    #[test]
    fn a_call_that_hangs_is_abandoned() {
        let (_hangs, call) = hanging();
        let error = within(Duration::from_millis(10), call).unwrap_err();
        assert!(matches!(error, KeyringError::Silent(_)), "{error}");
        assert_eq!(error.to_string(), "the keyring did not respond within 0.0 s");
    }

    #[test]
    fn all_calls_of_a_run_share_its_time_and_each_is_still_tried() {
        let patience = Patience::new(Duration::from_millis(100));
        for _ in 0..3 {
            let (_hangs, call) = hanging();
            assert!(matches!(patience.within(call), Err(KeyringError::Silent(_))));
        }
        assert!(patience.waited.load(Ordering::Relaxed) >= 100);
        assert!(matches!(
            patience.within(|| Err::<(), _>(KeyringError::Absent("a".into()))),
            Err(KeyringError::Absent(_))
        ));
    }

    #[test]
    fn a_call_that_panics_is_an_error() {
        let error = within(Duration::from_secs(60), || -> Result<(), _> { panic!("in the library") }).unwrap_err();
        assert!(matches!(error, KeyringError::Broken(_)), "{error}");
    }
}
