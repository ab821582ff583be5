//! kubectl's own lock: a file beside the kubeconfig that exists while a program changes it.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::files::{Files, unwritable};
use crate::atomic_file;
use crate::busy_file;
use crate::error::{Error, ErrorKind, Result};
use crate::foreign::require_own_ground;

/// How long to wait for another program's change. kubectl's takes some milliseconds, and kubectl does not wait at all.
const PATIENCE: Duration = Duration::from_secs(10);

const POLL: Duration = Duration::from_millis(5);

/// The locks of all files of a run, as kubectl takes them; released when they are dropped.
pub struct Locks {
    held: Vec<PathBuf>,
    refused: Vec<(PathBuf, io::Error)>,
}

impl Locks {
    /// Locks all files. A file that cannot be locked is an error only if it must be changed, see [`Locks::require`].
    ///
    /// # Errors
    /// If another program holds a lock for too long.
    pub fn acquire(files: &Files) -> Result<Self> {
        let mut locks = Self { held: Vec::new(), refused: Vec::new() };
        let mut paths = files.all().to_vec();
        // All programs use the same order, so that no two wait for each other.
        paths.sort();
        let deadline = Instant::now() + PATIENCE;
        for path in paths {
            match lock(&path, deadline) {
                Ok(lock) => locks.held.push(lock),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(is_held(&path)),
                Err(error) => locks.refused.push((path, error)),
            }
        }
        Ok(locks)
    }

    /// Whether this file may be changed.
    ///
    /// # Errors
    /// If it could not be locked.
    pub fn require(&self, path: &Path) -> Result<()> {
        match self.refused.iter().find(|(refused, _)| refused == path) {
            Some((_, error)) => Err(unwritable(path, error)),
            None => Ok(()),
        }
    }
}

impl Drop for Locks {
    fn drop(&mut self) {
        for lock in &self.held {
            // A failure can no longer be reported.
            let _ = busy_file::remove(lock);
        }
    }
}

fn lock(path: &Path, deadline: Instant) -> io::Result<PathBuf> {
    let lock = lock_path(path);
    if let Some(folder) = path.parent().filter(|folder| !folder.is_dir()) {
        require_own_ground(folder)?;
        atomic_file::create_private_dir(folder)?;
    }
    loop {
        match OpenOptions::new().write(true).create_new(true).open(&lock) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && Instant::now() < deadline => {
                thread::sleep(POLL);
            }
            opened => return opened.map(|_| lock),
        }
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    lock.into()
}

fn is_held(path: &Path) -> Error {
    let lock = lock_path(path);
    Error::new(ErrorKind::Failed, format!("{} is locked: another program is changing it", path.display())).hint(
        format!("if no such program is running, one was killed: remove {}, which also blocks kubectl", lock.display()),
    )
}
