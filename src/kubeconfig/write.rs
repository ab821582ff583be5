//! A changed kubeconfig on its way to the disk: the file is the old or the new one at every moment.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::Change;
use super::files::unusable;
use crate::access::Access;
use crate::atomic_file;
use crate::error::Result;

/// Links that lead to links are followed so often, as by Linux.
const LINKS: usize = 40;

/// Writes a file, where links lead if it is one, with the mode and the owner that it had; before the first change of all
/// it is copied. Gives back the copy, if there is one. The lock has to be held.
///
/// # Errors
/// If it cannot be written; then it is as it was.
pub fn write(change: &Change) -> Result<Option<PathBuf>> {
    let failed = |error: io::Error| unusable(&change.path, &error.to_string());
    let path = behind_links(&change.path).map_err(failed)?;
    let old = require_writable(&path).map_err(failed)?;
    let backup = with_suffix(&path, ".kubekey-backup");
    if let (Some(text), false) = (&change.before, backup.exists()) {
        atomic_file::replace(&backup, text.as_bytes(), old.as_ref()).map_err(failed)?;
    }
    atomic_file::replace(&path, change.after.as_bytes(), old.as_ref()).map_err(failed)?;
    // The lock is held, so no other run is writing.
    [&path, &backup].into_iter().for_each(|path| atomic_file::remove_remains(path));
    Ok(backup.exists().then_some(backup))
}

/// Whether all of these could be written: some of them must not be without the others.
///
/// # Errors
/// If one could not.
pub fn require_all_writable(changes: &[Change]) -> Result<()> {
    changes.iter().try_for_each(|change| {
        let looked_at = behind_links(&change.path).and_then(|path| require_writable(&path));
        looked_at.map(drop).map_err(|error| unusable(&change.path, &error.to_string()))
    })
}

/// The file itself, so that a link stays one. It does not have to be there.
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

/// What is known of the file that is there. To replace it needs no right to write it, but whoever made it read-only did
/// not want it changed.
fn require_writable(path: &Path) -> io::Result<Option<Access>> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
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
