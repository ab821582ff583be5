//! D-Bus calls that end: within what is left of the run's patience, and with an error that says what was wrong.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::time::timeout;
use zbus::message::Body;
use zbus::zvariant::DynamicDeserialize;

use super::KeyringError;

/// How long all accesses of this run together may wait for a keyring that does not answer, in milliseconds.
const PATIENCE: u64 = 1400;

/// What a further access may still take when that is used up: a keyring that was busy may answer now.
const LAST_TRY: u64 = 50;

/// How much of it has been waited in vain.
static WAITED: AtomicU64 = AtomicU64::new(0);

const NO_SERVICE: &str = "no keyring (gnome-keyring, KWallet, KeePassXC) runs in this session";

type Result<T> = std::result::Result<T, KeyringError>;

/// What an answer holds.
pub fn read<T>(body: &Body) -> Result<T>
where
    T: for<'d> DynamicDeserialize<'d>,
{
    body.deserialize().map_err(|error| KeyringError::Broken(format!("the keyring's answer cannot be read: {error}")))
}

/// How long the next call may take.
pub fn patience() -> Duration {
    Duration::from_millis(PATIENCE.saturating_sub(WAITED.load(Ordering::Relaxed)).max(LAST_TRY))
}

/// Bounds a call by what is left of this run's patience.
pub async fn within<T>(call: impl Future<Output = zbus::Result<T>>) -> Result<T> {
    let start = Instant::now();
    match timeout(patience(), call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) if !is_timeout(&error) => Err(describe(&error)),
        _ => {
            WAITED.fetch_add(start.elapsed().as_millis() as u64, Ordering::Relaxed);
            Err(KeyringError::Silent(format!("the keyring did not answer within {} ms", start.elapsed().as_millis())))
        }
    }
}

fn is_timeout(error: &zbus::Error) -> bool {
    matches!(error, zbus::Error::InputOutput(error) if error.kind() == io::ErrorKind::TimedOut)
}

/// What went wrong, in words for the user.
pub fn describe(error: &zbus::Error) -> KeyringError {
    match error {
        zbus::Error::MethodError(name, text, _) => match name.as_str() {
            "org.freedesktop.Secret.Error.IsLocked" => KeyringError::Locked("the keyring is locked".into()),
            name => KeyringError::Broken(format!("the keyring failed: {}", text.as_deref().unwrap_or(name))),
        },
        zbus::Error::FDO(error) => match &**error {
            zbus::fdo::Error::ServiceUnknown(_) | zbus::fdo::Error::NameHasNoOwner(_) => {
                KeyringError::Absent(NO_SERVICE.into())
            }
            zbus::fdo::Error::NoReply(why) => KeyringError::Silent(format!("the keyring did not answer: {why}")),
            error => {
                let why = zbus::DBusError::description(error).map_or_else(|| error.to_string(), str::to_owned);
                KeyringError::Broken(format!("the keyring failed: {why}"))
            }
        },
        // Not an answer of the keyring's, so one of the connection.
        error => KeyringError::Absent(format!("no D-Bus session bus to reach a keyring on ({error})")),
    }
}
