//! Whose the D-Bus session bus is: who serves it could play the keyring.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::KeyringError;
use crate::config::platform;

/// An address can also name another computer, another user's bus or, with `unixexec:`, a program to run; and it comes
/// from wherever the environment does.
pub fn require_own_bus() -> Result<(), KeyringError> {
    let given = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").filter(|address| !address.is_empty());
    let Some(address) = given.map(|address| address.to_string_lossy().into_owned()) else {
        // Then it is the one in the session's folder.
        return match std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from) {
            Some(dir) if !is_own(&dir.join("bus")) => Err(KeyringError::Absent("no D-Bus session bus of yours".into())),
            _ => Ok(()),
        };
    };
    let is_good = |one: &str| match one.strip_prefix("unix:") {
        Some(keys) => {
            let mut paths = keys.split(',').filter_map(|key| key.strip_prefix("path="));
            match (paths.next(), paths.next()) {
                (Some(path), None) => is_own(Path::new(path)),
                // Of two the library takes the other one.
                (Some(_), Some(_)) => false,
                // Whose an abstract socket is nobody can see.
                (None, _) => !platform::is_environment_distrusted(),
            }
        }
        None => false,
    };
    match address.split(';').filter(|one| !one.is_empty()).all(is_good) {
        true => Ok(()),
        false => {
            Err(KeyringError::Absent(format!("the session bus '{address}' is no socket of yours on this computer")))
        }
    }
}

/// A socket that is not there is nobody else's: what is said of it is better than this.
fn is_own(socket: &Path) -> bool {
    let Ok(metadata) = std::fs::metadata(socket) else { return true };
    let user = rustix::process::geteuid().as_raw();
    [0, user].contains(&metadata.uid())
}
