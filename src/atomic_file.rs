//! Files that only their owner can read, and that are there whole or not at all.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// How many names are tried for the temporary file. One is taken only where a process with the same ID broke off.
const ATTEMPTS: u32 = 16;

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
pub fn replace(path: &Path, bytes: &[u8], old: Option<&Metadata>) -> io::Result<()> {
    let dir = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    create_private_dir(dir)?;
    let (temporary, file) = create_beside(path)?;
    let like = old.map_or(Ok(()), |old| make_like(&file, old));
    let written = like.and_then(|()| fill(file, bytes)).and_then(|()| fs::rename(&temporary, path));
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

/// Whether the first name is one that [`write`] gives to its temporary file for the second.
pub fn is_temporary(name: &str, of: &str) -> bool {
    let numbers = name.strip_prefix(of).and_then(|rest| rest.strip_prefix('.')?.strip_suffix(".new")?.split_once('-'));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    numbers.is_some_and(|(process, attempt)| is_number(process) && is_number(attempt))
}

#[cfg(unix)]
fn make_like(file: &File, old: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        fchown(file, Some(old.uid()), Some(old.gid()))?;
    }
    file.set_permissions(old.permissions())
}

/// A new file has the rights of its folder.
#[cfg(not(unix))]
fn make_like(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

/// Closes the file, too: Windows renames no open one.
fn fill(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::{is_temporary, write};

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
        assert!(is_temporary("config.12-0.new", "config"));
        for other in ["config.new", "config.a-0.new", "config.12-.new", "config2.12-0.new", "config.12-0.new.old"] {
            assert!(!is_temporary(other, "config"), "{other}");
        }
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
