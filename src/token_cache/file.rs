//! The file that a user or an administrator asked for instead of a keyring: readable by its owner alone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::CredentialKey;
use crate::atomic_file;
use crate::own_file::{self, named, refused, require_own};
use crate::secret::Secret;

/// Reads what is kept under `key` in `dir`.
///
/// # Errors
/// If a file is there and cannot be trusted or read.
pub fn load(dir: &Path, key: &CredentialKey) -> io::Result<Option<Secret>> {
    if !is_own_folder(dir)? {
        return Ok(None);
    }
    let path = path(dir, key);
    let bytes = match own_file::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // What is not text is not ours to read; the caller treats it like text that it cannot read.
    Ok(Some(
        unprotect(bytes)
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .map(Secret::new)
            .unwrap_or_else(|| Secret::new("")),
    ))
}

/// Whether `dir` can keep tokens: makes it, and looks whose it is.
///
/// # Errors
/// If it cannot be made or written in, or others can.
pub fn prepare(dir: &Path) -> io::Result<()> {
    if !is_own_folder(dir)? {
        atomic_file::create_private_dir(dir).map_err(named(dir))?;
    }
    require_writable(dir).map_err(named(dir))
}

/// Keeps `saved` under `key`: the file is the old or the new one at every moment.
///
/// # Errors
/// If it cannot be written; then the old one is as it was.
pub fn store(dir: &Path, key: &CredentialKey, saved: &Secret) -> io::Result<()> {
    prepare(dir)?;
    let path = path(dir, key);
    atomic_file::write(&path, &protect(saved.expose().as_bytes())?).map_err(named(&path))?;
    // The lock is ours, so every other one beside it is of a run that was killed. The new one is stored, whatever
    // becomes of them.
    let _ = remove_all(dir, |name| name.starts_with(&key.digest) && name.ends_with(".new"));
    Ok(())
}

/// Removes what is kept under `key`; nothing there is as good.
///
/// # Errors
/// If it is there and stays.
pub fn remove(dir: &Path, key: &CredentialKey) -> io::Result<()> {
    remove_all(dir, |name| name.starts_with(&key.digest))
}

/// Goes on after a failure: the rest is not to stay because of it.
fn remove_all(dir: &Path, is_meant: impl Fn(&str) -> bool) -> io::Result<()> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(named(dir)(error)),
    };
    let mut result = Ok(());
    for entry in entries {
        let entry = entry.map_err(named(dir))?;
        if entry.file_name().to_str().is_some_and(&is_meant) {
            result = result.and(fs::remove_file(entry.path()).map_err(named(&entry.path())));
        }
    }
    result
}

fn path(dir: &Path, key: &CredentialKey) -> PathBuf {
    dir.join(format!("{}.json", key.digest))
}

/// Whether `dir` is there; what is there and is not a folder of one's own is an error.
fn is_own_folder(dir: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(dir) {
        Ok(metadata) if metadata.is_file() => Err(refused(dir, "is not a folder")),
        Ok(metadata) => require_own(dir, &metadata).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(named(dir)(error)),
    }
}

/// A read-only file system is found here, before the user has signed in for nothing.
#[cfg(unix)]
fn require_writable(dir: &Path) -> io::Result<()> {
    Ok(rustix::fs::access(dir, rustix::fs::Access::WRITE_OK)?)
}

#[cfg(not(unix))]
fn require_writable(_: &Path) -> io::Result<()> {
    // Windows knows only by trying.
    Ok(())
}

#[cfg(not(windows))]
fn protect(bytes: &[u8]) -> io::Result<Vec<u8>> {
    Ok(bytes.to_vec())
}

#[cfg(not(windows))]
fn unprotect(bytes: Vec<u8>) -> Option<Vec<u8>> {
    Some(bytes)
}

/// DPAPI: only this user on this computer can read it.
#[cfg(windows)]
fn protect(bytes: &[u8]) -> io::Result<Vec<u8>> {
    windows_dpapi::encrypt_data(bytes, windows_dpapi::Scope::User, None).map_err(io::Error::other)
}

#[cfg(windows)]
fn unprotect(bytes: Vec<u8>) -> Option<Vec<u8>> {
    windows_dpapi::decrypt_data(&bytes, windows_dpapi::Scope::User, None).ok()
}
