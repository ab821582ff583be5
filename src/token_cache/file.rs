//! Tokens in a file that only its owner can read, where a user or an administrator chose that instead of a keyring.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::atomic_file::{self, Reserved};
use crate::busy_file;
use crate::config::platform;
use crate::credential_key::CredentialKey;
use crate::foreign::require_own_ground;
use crate::own_file::{self, named, refused, require_own};
use crate::secret::Secret;
#[cfg(windows)]
use crate::windows::data_protection;

/// Reads what is saved under `key` in `dir`.
///
/// # Errors
/// If a file exists and cannot be trusted or read.
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
    // What is not text is not ours; the caller handles it like text that it cannot parse.
    let text = unprotect(bytes, key);
    let text = text.as_ref().and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
    Ok(Some(Secret::new(text)))
}

/// Creates `dir` if it is missing, and checks that it is the user's own and that tokens can be saved in it.
///
/// # Errors
/// If it cannot be created or written to, or if others can write to it.
pub fn prepare(dir: &Path) -> io::Result<()> {
    if !is_own_folder(dir)? {
        require_own_ground(dir)?;
        atomic_file::create_private_dir(dir).map_err(named(dir))?;
        // On Windows it lets in whom the folder above it lets in.
        is_own_folder(dir)?;
    }
    require_writable(dir).map_err(named(dir))
}

/// Reserves `size` bytes under `key`, so that saving only needs to fill and rename a file.
///
/// # Errors
/// If that many cannot be written.
pub fn reserve(dir: &Path, key: &CredentialKey, size: usize) -> io::Result<Reserved> {
    prepare(dir)?;
    let path = path(dir, key);
    atomic_file::reserve(&path, size).map_err(named(&path))
}

/// Saves `saved` under `key`, in the reserved file if there is one: at every moment the file is the old or the new one,
/// unless Windows does not let the old one be replaced. Then it is overwritten: its refresh token may be spent.
///
/// # Errors
/// If it cannot be written; the old file is then unchanged.
pub fn store(dir: &Path, key: &CredentialKey, saved: &Secret, reserved: Option<Reserved>) -> io::Result<()> {
    let path = path(dir, key);
    let bytes = protect(saved.expose().as_bytes(), key)?;
    let stored = match reserved {
        Some(reserved) => reserved.fill(&bytes),
        None => {
            prepare(dir)?;
            atomic_file::write(&path, &bytes)
        }
    };
    stored.or_else(|error| overwrite_busy(&path, &bytes, error)).map_err(named(&path))
}

/// Overwrites the file if `error` says that another program has it open.
fn overwrite_busy(path: &Path, bytes: &[u8], error: io::Error) -> io::Result<()> {
    match busy_file::is_busy(&error) {
        true => atomic_file::overwrite(path, bytes).map_err(|_| error),
        false => Err(error),
    }
}

/// Removes a file, or makes it empty if another program has it open.
fn discard(path: &Path) -> io::Result<()> {
    busy_file::remove(path).or_else(|error| overwrite_busy(path, b"", error))
}

/// Removes what is saved under `key`, and what killed runs have left of it, and returns whether a sign-in was saved: a
/// missing file is not an error. Continues after a failure, so that the other files are removed all the same.
///
/// # Errors
/// If a file exists and cannot be removed.
pub fn remove(dir: &Path, key: &CredentialKey) -> io::Result<bool> {
    if is_for_something_else(dir) {
        return Ok(false);
    }
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(named(dir)(error)),
    };
    let saved = path(dir, key);
    let mut result = Ok(false);
    for entry in entries {
        let entry = entry.map_err(named(dir))?;
        // The lock beside it is removed when it is released.
        let is_meant = |name: &str| name.starts_with(&key.digest) && !name.ends_with(".lock");
        if entry.file_name().to_str().is_some_and(is_meant) {
            let path = entry.path();
            let removed = require_own_ground(&path).and_then(|()| discard(&path).map_err(named(&path)));
            result = result.and_then(|was_saved| removed.map(|()| was_saved || path == saved));
        }
    }
    result
}

fn path(dir: &Path, key: &CredentialKey) -> PathBuf {
    dir.join(format!("{}.json", key.digest))
}

/// Whether kubekey has other files in `dir`, with the same names.
pub fn is_for_something_else(dir: &Path) -> bool {
    let known = |dir: &Path| dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    platform::lock_dirs().iter().any(|other| known(other) == known(dir))
}

/// Whether `dir` exists; anything there that is not the user's own folder is an error.
fn is_own_folder(dir: &Path) -> io::Result<bool> {
    if is_for_something_else(dir) {
        return Err(refused(dir, "is kubekey's own folder for other files"));
    }
    match fs::symlink_metadata(dir) {
        Ok(metadata) if metadata.is_file() => Err(refused(dir, "is not a folder")),
        Ok(metadata) => require_own(dir, &metadata).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(named(dir)(error)),
    }
}

/// Finds a read-only file system here, before the user has signed in for nothing.
#[cfg(unix)]
fn require_writable(dir: &Path) -> io::Result<()> {
    Ok(rustix::fs::access(dir, rustix::fs::Access::WRITE_OK)?)
}

/// Without the user's password, as after a logon by SSH key, DPAPI may have no key. Whether a file can be written, only
/// an attempt can tell.
#[cfg(windows)]
fn require_writable(_: &Path) -> io::Result<()> {
    let try_out = || data_protection::unprotect(&data_protection::protect(b"probe", b"")?, b"").map(drop);
    try_out().map_err(|error| io::Error::other(format!("Windows cannot encrypt for this user here: {error}")))
}

#[cfg(not(windows))]
fn protect(bytes: &[u8], _: &CredentialKey) -> io::Result<Zeroizing<Vec<u8>>> {
    Ok(Zeroizing::new(bytes.to_vec()))
}

#[cfg(not(windows))]
fn unprotect(bytes: Vec<u8>, _: &CredentialKey) -> Option<Zeroizing<Vec<u8>>> {
    Some(Zeroizing::new(bytes))
}

/// DPAPI: only this user on this machine can read it.
#[cfg(windows)]
fn protect(bytes: &[u8], key: &CredentialKey) -> io::Result<Zeroizing<Vec<u8>>> {
    data_protection::protect(bytes, &entropy(key))
}

/// `None` for what this user has not saved under this key on this machine.
#[cfg(windows)]
fn unprotect(bytes: Vec<u8>, key: &CredentialKey) -> Option<Zeroizing<Vec<u8>>> {
    data_protection::unprotect(&bytes, &entropy(key)).ok()
}

/// Binds a file to kubekey and to its key: other programs must know both to have DPAPI decrypt it, and a file that was
/// renamed to another key's name cannot be read.
#[cfg(windows)]
fn entropy(key: &CredentialKey) -> Vec<u8> {
    [&b"kubekey saved sign-in 1\0"[..], key.digest.as_bytes()].concat()
}

#[cfg(all(test, windows))]
mod tests {
    use std::fs::{File, OpenOptions};
    use std::os::windows::fs::OpenOptionsExt;

    use super::*;

    fn key(digest: &str) -> CredentialKey {
        CredentialKey { issuer: String::new(), client_id: String::new(), digest: digest.into() }
    }

    #[test]
    fn a_file_is_read_only_under_the_key_it_was_saved_under() {
        let dir = tempfile::tempdir().unwrap();
        let (dir, saved) = (dir.path().join("tokens"), Secret::new("{}"));
        store(&dir, &key("a"), &saved, None).unwrap();
        assert_eq!(load(&dir, &key("a")).unwrap(), Some(saved));
        fs::rename(path(&dir, &key("a")), path(&dir, &key("b"))).unwrap();
        assert_eq!(load(&dir, &key("b")).unwrap(), Some(Secret::new("")));
    }

    /// Files of older versions, of other users and of other machines are nobody's sign-in.
    #[test]
    fn what_cannot_be_decrypted_is_treated_like_text_that_cannot_be_parsed() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("tokens");
        prepare(&dir).unwrap();
        for bytes in [&data_protection::protect(b"{}", b"").unwrap()[..], b"{}", b"", &[0; 300]] {
            fs::write(path(&dir, &key("a")), bytes).unwrap();
            assert_eq!(load(&dir, &key("a")).unwrap(), Some(Secret::new("")));
        }
    }

    /// Opens a file as kubectl does: shared for reading and writing, not for removal.
    fn open_elsewhere(path: &Path) -> File {
        OpenOptions::new().read(true).share_mode(3).open(path).unwrap()
    }

    #[test]
    fn a_file_that_another_program_keeps_open_does_not_keep_the_spent_refresh_token() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("tokens");
        let key = key("digest");
        let saved = |text: &str| Secret::new(text);
        let loaded = || load(&dir, &key).unwrap().map(|saved| saved.expose().to_owned());
        store(&dir, &key, &saved("a long first session"), None).unwrap();
        let held = open_elsewhere(&path(&dir, &key));
        store(&dir, &key, &saved("second"), None).unwrap();
        assert_eq!(loaded().as_deref(), Some("second"));
        store(&dir, &key, &saved("third"), Some(reserve(&dir, &key, 9).unwrap())).unwrap();
        assert_eq!(loaded().as_deref(), Some("third"));
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1, "nothing is left beside it");
        assert!(remove(&dir, &key).unwrap());
        assert_eq!(loaded().as_deref(), Some(""));
        drop(held);
        assert!(remove(&dir, &key).unwrap());
        assert_eq!(loaded(), None);
    }
}
