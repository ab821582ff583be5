//! D-Bus calls with a time limit, and with an error that says what failed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::time::timeout;
use zbus::message::Body;
use zbus::zvariant::DynamicDeserialize;

use super::keyring_error::KeyringError;
use crate::config::platform;

/// How long all accesses of this run together may wait for a keyring that does not respond.
const SILENCE: Duration = Duration::from_millis(1400);

/// How long all calls of this run together may take, including those that got a response.
const CALLS: Duration = Duration::from_secs(5);

/// How long a further call may take once either limit is used up: a keyring that was busy may respond now.
const LAST_TRY: Duration = Duration::from_millis(50);

/// How long a person may take to answer the keyring's own prompt: to find a hardware key, or another password manager.
const PERSON: Duration = Duration::from_secs(120);

/// How long this run has waited in vain, and how long all its calls have taken, in microseconds.
static WAITED: AtomicU64 = AtomicU64::new(0);
static SPENT: AtomicU64 = AtomicU64::new(0);

const NO_SERVICE: &str = "no keyring (gnome-keyring, KWallet, KeePassXC) is running in this session";

type Result<T> = std::result::Result<T, KeyringError>;

/// Reads the body of a response.
pub fn read<T>(body: &Body) -> Result<T>
where
    T: for<'d> DynamicDeserialize<'d>,
{
    body.deserialize().map_err(|error| KeyringError::Broken(format!("the keyring's response cannot be read: {error}")))
}

/// The time limit for the calls of one access.
#[derive(Clone, Copy)]
pub enum Bound {
    /// What is left of this run's time for its keyring; the time for a person's answer comes on top.
    Run,
    /// A limit of its own, for calls and prompts: its start, and its length.
    Own(Instant, Duration),
}

impl Bound {
    /// A limit of its own, from now.
    pub fn own(patience: Duration) -> Self {
        Self::Own(Instant::now(), patience)
    }

    /// How long the next call may take.
    fn call(self) -> Duration {
        match self {
            Self::Run => SILENCE.saturating_sub(sum(&WAITED)).min(CALLS.saturating_sub(sum(&SPENT))).max(LAST_TRY),
            Self::Own(since, patience) => patience.saturating_sub(since.elapsed()),
        }
    }

    /// How long a prompt may take. Without a screen no person sees it; a keyring that asks no person completes it at
    /// once.
    pub fn person(self) -> Duration {
        match self {
            Self::Run if platform::has_screen() => PERSON,
            _ => self.call(),
        }
    }

    /// Applies the limit to a call.
    ///
    /// # Errors
    /// [`KeyringError::Silent`] if it takes longer; otherwise the error of the call.
    pub async fn within<T>(self, call: impl Future<Output = zbus::Result<T>>) -> Result<T> {
        let start = Instant::now();
        let answer = timeout(self.call(), call).await;
        if let Self::Run = self {
            let took = start.elapsed().as_micros() as u64;
            SPENT.fetch_add(took, Ordering::Relaxed);
            WAITED.fetch_add(if answer.is_err() { took } else { 0 }, Ordering::Relaxed);
        }
        match answer {
            Ok(answer) => answer.map_err(|error| describe(&error)),
            Err(_) => Err(KeyringError::Silent(self.silence())),
        }
    }

    /// The message about a keyring that did not respond in time.
    fn silence(self) -> String {
        let waited = match self {
            Self::Run if sum(&SPENT) >= CALLS => {
                return format!("the keyring is too slow: its responses took more than {} s", CALLS.as_secs());
            }
            Self::Run => sum(&WAITED),
            Self::Own(since, _) => since.elapsed(),
        };
        format!("the keyring did not respond within {:.1} s", waited.as_secs_f64())
    }
}

fn sum(micros: &AtomicU64) -> Duration {
    Duration::from_micros(micros.load(Ordering::Relaxed))
}

/// Describes the error to the user.
fn describe(error: &zbus::Error) -> KeyringError {
    match error {
        zbus::Error::MethodError(name, text, _) => match name.as_str() {
            "org.freedesktop.Secret.Error.IsLocked" => KeyringError::Locked("the keyring is locked".into()),
            name => KeyringError::Broken(format!("the keyring failed: {}", text.as_deref().unwrap_or(name))),
        },
        zbus::Error::FDO(error) => match &**error {
            zbus::fdo::Error::ServiceUnknown(_) | zbus::fdo::Error::NameHasNoOwner(_) => {
                KeyringError::Absent(NO_SERVICE.into())
            }
            // The bus sends this for a keyring that has left it.
            zbus::fdo::Error::NoReply(_) => KeyringError::Absent("the keyring ended before it responded".into()),
            // Its own text contains the whole message and the bus rules that matched.
            zbus::fdo::Error::AccessDenied(_) => {
                KeyringError::Broken("the session bus does not let kubekey use the keyring (access denied)".into())
            }
            error => {
                let why = zbus::DBusError::description(error).map_or_else(|| error.to_string(), str::to_owned);
                KeyringError::Broken(format!("the keyring failed: {why}"))
            }
        },
        // The error is not from the keyring, so it is from the connection.
        error => KeyringError::Absent(format!("no D-Bus session bus to reach a keyring on ({error})")),
    }
}
