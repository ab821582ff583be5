//! kubectl's own lock: a file beside the kubeconfig that is there while somebody changes it.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::files::{Files, unusable};
use crate::atomic_file;
use crate::error::{Error, ErrorKind, Result};

/// How long another program's change is awaited. kubectl's takes some milliseconds, and it does not wait at all.
const PATIENCE: Duration = Duration::from_secs(10);

const POLL: Duration = Duration::from_millis(5);

/// The locks of all files of a run, as kubectl takes them; given up when they are dropped.
pub struct Locks {
    held: Vec<PathBuf>,
    refused: Vec<(PathBuf, io::Error)>,
}

impl Locks {
    /// Locks all files. One that nobody can lock is an error only if it is to be changed, see [`Locks::require`].
    ///
    /// # Errors
    /// If another program holds one too long.
    pub fn acquire(files: &Files) -> Result<Self> {
        let mut locks = Self { held: Vec::new(), refused: Vec::new() };
        let mut paths = files.all().to_vec();
        // The same order in all programs, so that no two wait for each other.
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
            Some((_, error)) => Err(unusable(path, &format!("its folder cannot be written in: {error}"))),
            None => Ok(()),
        }
    }
}

impl Drop for Locks {
    fn drop(&mut self) {
        for lock in &self.held {
            // Nobody is left to tell.
            let _ = fs::remove_file(lock);
        }
    }
}

fn lock(path: &Path, deadline: Instant) -> io::Result<PathBuf> {
    let lock = lock_path(path);
    path.parent().map(atomic_file::create_private_dir).transpose()?;
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
    Error::new(ErrorKind::Failed, format!("{} is locked: another program is changing it", path.display()))
        .hint(format!("if no program is, one was killed: remove {}, and kubectl will work again, too", lock.display()))
}
