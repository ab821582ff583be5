//! Whose the D-Bus session bus is: its server could impersonate the keyring.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::keyring_error::KeyringError;
use crate::environment;

/// Rejects a session bus that is not the user's own. Its address can also name another machine, another user's bus or,
/// with `unixexec:`, a program to run; and it comes from wherever the environment does.
pub fn require_own_bus() -> Result<(), KeyringError> {
    let given = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").filter(|address| !address.is_empty());
    let Some(address) = given.map(|address| address.to_string_lossy().into_owned()) else {
        // Then it is the bus in the session's folder.
        return match std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from) {
            Some(dir) if !is_own(&dir.join("bus")) => {
                Err(KeyringError::Absent("the D-Bus session bus belongs to another user".into()))
            }
            _ => Ok(()),
        };
    };
    let is_good = |one: &str| match one.strip_prefix("unix:") {
        Some(keys) => {
            let mut paths = keys.split(',').filter_map(|key| key.strip_prefix("path="));
            match (paths.next(), paths.next()) {
                (Some(path), None) => is_own(Path::new(path)),
                // If there are two paths, the library uses the other one.
                (Some(_), Some(_)) => false,
                // The owner of an abstract socket cannot be determined.
                (None, _) => !environment::is_distrusted(),
            }
        }
        None => false,
    };
    match address.split(';').filter(|one| !one.is_empty()).all(is_good) {
        true => Ok(()),
        false => Err(KeyringError::Absent(format!(
            "the session bus '{address}' is not a socket that you own on this machine"
        ))),
    }
}

/// A missing socket belongs to no other user: the connection's error says more than this one.
fn is_own(socket: &Path) -> bool {
    let Ok(metadata) = std::fs::metadata(socket) else { return true };
    let user = rustix::process::geteuid().as_raw();
    [0, user].contains(&metadata.uid())
}
