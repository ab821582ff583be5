//! The temporary file that is about to replace a file, and what is left of it when its writer is killed.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::signals;
#[cfg(windows)]
use crate::windows::file_identity::{self, FILE_FLAG_OPEN_REPARSE_POINT};

/// How many names are tried for the temporary file. A name is taken if a process with the same ID was killed, or
/// writes in another container.
const ATTEMPTS: u32 = 16;

/// Makes a new file in the same folder, because a rename does not cross file systems. It never opens an existing file,
/// so it follows no link that another user put there. Closing the file before it is renamed gives it up.
///
/// # Errors
/// If it cannot be made.
pub fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    signals::survive_size_limits();
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut attempt = 0;
    loop {
        let mut name = name.to_owned();
        name.push(format!(".{}-{attempt}.new", std::process::id()));
        let temporary = path.with_file_name(name);
        match options.open(&temporary) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < ATTEMPTS => attempt += 1,
            Ok(file) if !hold(&file, &temporary) && attempt < ATTEMPTS => attempt += 1,
            opened => return opened.map(|file| (temporary, file)),
        }
    }
}

/// Locks a new file until it is closed, so that other runs, in whichever container, know that it is being written.
/// `false` if one of them came first and takes it for what a killed run left.
fn hold(file: &File, temporary: &Path) -> bool {
    // Where locks do not work, no run removes a file that it cannot lock.
    !matches!(file.try_lock(), Err(TryLockError::WouldBlock)) && is_named(file, temporary)
}

/// Removes what killed runs have left beside `path`: temporary files that no run holds.
pub fn remove_remains(path: &Path) {
    let Some((folder, name)) = path.parent().zip(path.file_name().and_then(|name| name.to_str())) else { return };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(|other| is_temporary(other, name)) {
            remove_unheld(&entry.path());
        }
    }
}

/// Whether a file of this name is a temporary one for the file `of`.
fn is_temporary(name: &str, of: &str) -> bool {
    let number = name.strip_prefix(of).and_then(|name| name.strip_prefix('.')?.strip_suffix(".new")?.split_once('-'));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    number.is_some_and(|(process, attempt)| is_number(process) && is_number(attempt))
}

/// Removes a temporary file that no run holds. The process ID in its name does not matter: it may be from another
/// container, or have been reused.
fn remove_unheld(temporary: &Path) {
    let mut options = OpenOptions::new();
    // NFS locks only files that are open for writing.
    options.write(true);
    #[cfg(unix)]
    {
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits() as i32);
    }
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::custom_flags(&mut options, FILE_FLAG_OPEN_REPARSE_POINT);
    let Ok(file) = options.open(temporary) else { return };
    // It may have been renamed before it was locked, and its name may now be another file's.
    if file.try_lock().is_ok() && is_named(&file, temporary) {
        // It may belong to another user; then it stays, and is in nobody's way.
        let _ = fs::remove_file(temporary);
    }
}

#[cfg(unix)]
fn is_named(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    file.metadata().ok().map(id).is_some_and(|file| fs::symlink_metadata(path).ok().map(id) == Some(file))
}

#[cfg(windows)]
fn is_named(file: &File, path: &Path) -> bool {
    use std::os::windows::fs::OpenOptionsExt;
    // Asks for no rights, so that nobody who has it open is in the way.
    let named = OpenOptions::new().access_mode(0).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT).open(path);
    let named = named.ok().and_then(|named| file_identity::identity(&named));
    file_identity::identity(file).is_some_and(|file| named == Some(file))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{hold, is_named, is_temporary};

    #[test]
    fn a_temporary_file_is_known_by_its_whole_name() {
        assert!(is_temporary("config.12-0.new", "config"));
        for other in ["config.new", "config.a-0.new", "config.12-.new", "config2.12-0.new", "config.12-0.new.old"] {
            assert!(!is_temporary(other, "config"), "{other}");
        }
    }

    #[test]
    fn a_file_that_is_renamed_before_it_is_locked_is_not_the_one_of_that_name() {
        let folder = tempfile::tempdir().unwrap();
        let (temporary, path) = (folder.path().join("file.1-0.new"), folder.path().join("file"));
        let file = fs::File::create(&temporary).unwrap();
        assert!(is_named(&file, &temporary));
        fs::rename(&temporary, &path).unwrap();
        assert!(!is_named(&file, &temporary));
        fs::write(&temporary, "of the next run").unwrap();
        assert!(!is_named(&file, &temporary));
    }

    #[test]
    fn a_new_file_that_somebody_takes_for_a_remainder_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let temporary = folder.path().join("file.1-0.new");
        let file = fs::File::create(&temporary).unwrap();
        let other = fs::File::open(&temporary).unwrap();
        other.lock().unwrap();
        assert!(!hold(&file, &temporary), "somebody is about to remove it");
        drop(other);
        assert!(hold(&file, &temporary));
        fs::remove_file(&temporary).unwrap();
        assert!(!hold(&file, &temporary), "somebody has removed it");
    }
}
