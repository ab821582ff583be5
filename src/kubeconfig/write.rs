//! Writing a changed kubeconfig: at every moment the file is the old or the new one.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::change::Change;
use super::files::unwritable;
use crate::access::Access;
use crate::atomic_file;
use crate::error::Result;
use crate::foreign::require_own_ground;

/// How many links in a chain are followed, as on Linux.
const LINKS: usize = 40;

/// Writes a file, or the target of a link, with the mode and the owner that it had; the first change ever makes a copy
/// first. Returns the copy, if there is one. The lock must be held.
///
/// # Errors
/// If it cannot be written; the file is then unchanged.
pub fn write(change: &Change) -> Result<Option<PathBuf>> {
    let failed = |error: io::Error| unwritable(&change.path, &error);
    let path = behind_links(&change.path).map_err(failed)?;
    let old = require_writable(&path).map_err(failed)?;
    let backup = with_suffix(&path, ".kubekey-backup");
    if let (Some(text), false) = (&change.before, backup.exists()) {
        atomic_file::replace(&backup, &change.encoding.encode(text), old.as_ref()).map_err(failed)?;
    }
    atomic_file::replace(&path, &change.encoding.encode(&change.after), old.as_ref()).map_err(failed)?;
    Ok(backup.exists().then_some(backup))
}

/// Whether all of these files could be written: no file must be written without the others.
///
/// # Errors
/// If one could not be written.
pub fn require_all_writable(changes: &[Change]) -> Result<()> {
    changes.iter().try_for_each(|change| {
        let looked_at = behind_links(&change.path).and_then(|path| require_writable(&path));
        looked_at.map(drop).map_err(|error| unwritable(&change.path, &error))
    })
}

/// The file itself, so that a link stays a link. The file need not exist.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().map(|folder| folder.join(&target)).unwrap_or(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many links"))
}

/// The access to the existing file. Replacing a file needs no right to write to it, but a user who made it read-only
/// did not want it changed.
fn require_writable(path: &Path) -> io::Result<Option<Access>> {
    let metadata = match fs::metadata(path) {
        // kubectl, run by the user, could not read what the administrator creates there.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return require_own_ground(path).map(|()| None),
        metadata => metadata?,
    };
    // The administrator can open any file.
    if metadata.permissions().readonly() {
        return Err(io::Error::other("it is read-only"));
    }
    OpenOptions::new().write(true).open(path)?;
    Access::of(path).map(Some)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}
