//! Files that are there whole or not at all, and that only their owner can read unless they are for all.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::access::Access;

/// How many names are tried for the temporary file. One is taken only where a process with the same ID broke off.
const ATTEMPTS: u32 = 16;

/// What is in the file that is to be replaced; `None` where there is none.
///
/// # Errors
/// If it is no file, or cannot be read.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    // To open a FIFO is to wait for its writer.
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(io::Error::other("it is not a file"));
    }
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// Writes the file at `path`, in place of the one that may be there; folders that are missing are made. Whoever reads at
/// the same time gets all of the old or all of the new, and so it is after a power cut.
///
/// # Errors
/// If a folder or the file cannot be written; then the old file is as it was, and nothing else is left.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, bytes, None)
}

/// The same for a file that may have been open to others: it gets the mode and the owner of the one it replaces.
///
/// # Errors
/// As [`write`].
pub fn replace(path: &Path, bytes: &[u8], old: Option<&Access>) -> io::Result<()> {
    create_private_dir(path.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
    put(path, bytes, |file| old.map_or(Ok(()), |old| old.give_to(file)))
}

/// The same for a file that all users of this computer may read, whatever the umask is, unless there is an old one whose
/// mode says otherwise. Missing folders are made for all as well.
///
/// # Errors
/// As [`write`].
pub fn publish(path: &Path, bytes: &[u8], old: Option<&Access>) -> io::Result<()> {
    create_public_dir(path.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
    put(path, bytes, |file| old.map_or_else(|| open_to_all(file), |old| old.give_to(file)))
}

fn put(path: &Path, bytes: &[u8], set_access: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let (temporary, file) = create_beside(path)?;
    let written = set_access(&file).and_then(|()| fill(file, bytes)).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Makes `dir` and the folders above it that are missing, for their owner alone.
///
/// # Errors
/// Those of the file system.
pub fn create_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Makes `dir` and the folders above it that are missing, for all to look into, whatever the umask is.
///
/// # Errors
/// Those of the file system.
pub fn create_public_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    dir.parent().map_or(Ok(()), create_public_dir)?;
    match fs::create_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => return Ok(()),
        made => made?,
    }
    #[cfg(unix)]
    fs::set_permissions(dir, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    Ok(())
}

/// A new file in the same folder, for a rename does not cross file systems. It is never one that exists, so no link that
/// somebody else put there is followed.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
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
            opened => return opened.map(|file| (temporary, file)),
        }
    }
}

/// Removes what runs that were killed have left beside `path`.
pub fn remove_remains(path: &Path) {
    let Some((folder, name)) = path.parent().zip(path.file_name().and_then(|name| name.to_str())) else { return };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let writer = entry.file_name().to_str().and_then(|other| writer(other, name));
        if writer.is_some_and(|process| !is_running(process)) {
            // It may belong to somebody else, and is in nobody's way.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The process that gave a temporary file its name, if it is one for the file `of`.
fn writer(name: &str, of: &str) -> Option<i32> {
    let (process, attempt) = name.strip_prefix(of)?.strip_prefix('.')?.strip_suffix(".new")?.split_once('-')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number(process) && is_number(attempt) { process.parse().ok() } else { None }
}

#[cfg(unix)]
fn is_running(process: i32) -> bool {
    use rustix::process::{Pid, test_kill_process};
    Pid::from_raw(process).is_some_and(|process| test_kill_process(process) != Err(rustix::io::Errno::SRCH))
}

/// Windows lets nobody remove a file that is open.
#[cfg(not(unix))]
fn is_running(_: i32) -> bool {
    false
}

#[cfg(unix)]
fn open_to_all(file: &File) -> io::Result<()> {
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
}

/// A new file has the rights of its folder.
#[cfg(not(unix))]
fn open_to_all(_: &File) -> io::Result<()> {
    Ok(())
}

/// Closes the file, too: Windows renames no open one.
fn fill(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(all(test, unix))]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::{remove_remains, write, writer};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_is_private_replaced_as_a_whole_and_alone_in_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/file");
        write(&path, b"a long first text").unwrap();
        write(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!((mode(&path), mode(&folder.path().join("a")), mode(path.parent().unwrap())), (0o600, 0o700, 0o700));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_temporary_file_is_known_by_its_whole_name() {
        assert_eq!(writer("config.12-0.new", "config"), Some(12));
        for other in ["config.new", "config.a-0.new", "config.12-.new", "config2.12-0.new", "config.12-0.new.old"] {
            assert_eq!(writer(other, "config"), None, "{other}");
        }
    }

    #[test]
    fn only_what_a_killed_run_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let of_this_run = folder.path().join(format!("file.{}-0.new", std::process::id()));
        // Higher than process IDs get.
        for path in [&of_this_run, &folder.path().join("file.99999999-0.new"), &folder.path().join("file.new")] {
            fs::write(path, "").unwrap();
        }
        remove_remains(&folder.path().join("file"));
        let left: BTreeSet<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(left, BTreeSet::from([of_this_run, folder.path().join("file.new")]));
    }

    #[test]
    fn a_link_at_the_temporary_name_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, target) = (folder.path().join("file"), folder.path().join("target"));
        fs::write(&target, "untouched").unwrap();
        std::os::unix::fs::symlink(&target, folder.path().join(format!("file.{}-0.new", std::process::id()))).unwrap();
        write(&path, b"text").unwrap();
        assert_eq!((fs::read(&path).unwrap(), fs::read(&target).unwrap()), (b"text".to_vec(), b"untouched".to_vec()));
    }

    #[test]
    fn a_write_that_fails_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::create_dir(&path).unwrap();
        assert!(write(&path, b"text").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::write(folder.path().join("no-folder"), "").unwrap();
        assert!(write(&folder.path().join("no-folder/file"), b"text").is_err());
    }
}
