//! Files that exist whole or not at all, and that only their owner can read unless they are meant for all users.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::access::Access;
use crate::busy_file;
use crate::foreign::require_own_ground;
use crate::temporary_file::{create_beside, remove_remains};

/// Reads the file that is to be replaced, of at most `largest` bytes; `None` if there is none.
///
/// # Errors
/// If it is not a file, or cannot be read; [`io::ErrorKind::FileTooLarge`] if it has more bytes.
pub fn read(path: &Path, largest: u64) -> io::Result<Option<Vec<u8>>> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata?,
    };
    // Opening a FIFO would wait for its writer.
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    require_at_most(largest, metadata.len())?;
    let mut bytes = Vec::new();
    // It may have grown since, and a file in `/proc` has a length of 0.
    busy_file::open(OpenOptions::new().read(true), path)?.take(largest + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > largest {
        true => Err(too_large(&format!("it has more than {largest} bytes"))),
        false => Ok(Some(bytes)),
    }
}

/// Checks that a file of this size may be read.
///
/// # Errors
/// [`io::ErrorKind::FileTooLarge`] if not.
pub fn require_at_most(largest: u64, size: u64) -> io::Result<()> {
    match size > largest {
        true => Err(too_large(&format!("it has {size} bytes, and no more than {largest} are read"))),
        false => Ok(()),
    }
}

fn too_large(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, why)
}

/// Writes the file at `path` and replaces the one that may be there; missing folders are made. A program that reads it
/// meanwhile gets all of the old file or all of the new one, and so does one after a power cut.
///
/// # Errors
/// If a folder or the file cannot be written; then the old file is unchanged, and nothing else is left. The first
/// write that succeeds removes what killed runs have left beside it.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    require_own_ground(path)?;
    replace(path, bytes, None)
}

/// The same for a file that others may be able to read: it gets the mode and the owner of the one it replaces.
///
/// # Errors
/// As [`write()`].
pub fn replace(path: &Path, bytes: &[u8], old: Option<&Access>) -> io::Result<()> {
    create_private_dir(path.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
    put(path, bytes, |file| old.map_or(Ok(()), |old| old.give_to(file)))
}

/// The same for a file that all users of this machine may read, whatever the umask is, unless the one it replaces has
/// another mode. Missing folders are made for all users too.
///
/// # Errors
/// As [`write()`].
pub fn publish(path: &Path, bytes: &[u8], old: Option<&Access>) -> io::Result<()> {
    create_public_dir(path.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
    put(path, bytes, |file| old.map_or_else(|| make_readable_by_all(file), |old| old.give_to(file)))
}

/// A temporary file beside its target, as large as the content to come: all that is left to do is to fill and rename
/// it.
#[derive(Debug)]
pub struct Reserved {
    file: Option<File>,
    /// The folder, if it must be synced so that the new name survives a power cut.
    folder: Option<File>,
    temporary: PathBuf,
    path: PathBuf,
}

/// Reserves `size` bytes for a file at `path` that only its owner can read; missing folders are made.
///
/// # Errors
/// If the bytes cannot be written: the file could not be written later, either.
pub fn reserve(path: &Path, size: usize) -> io::Result<Reserved> {
    require_own_ground(path)?;
    create_private_dir(path.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
    let (temporary, file) = create_beside(path)?;
    let folder = path.parent().and_then(|folder| File::open(folder).ok()).filter(|_| cfg!(unix));
    let reserved = Reserved { file: Some(file), folder, temporary, path: path.to_owned() };
    reserved.file.iter().try_for_each(|file| fill(file, &vec![b' '; size]))?;
    Ok(reserved)
}

impl Reserved {
    /// Writes `bytes` to the file, and replaces the old one.
    ///
    /// # Errors
    /// Those of the file system; then the old file is unchanged.
    pub fn fill(mut self, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.file.take().ok_or(io::ErrorKind::NotFound)?;
        file.rewind()?;
        file.write_all(bytes)?;
        file.set_len(bytes.len() as u64)?;
        file.sync_all()?;
        rename(file, &self.temporary, &self.path)?;
        // From here on the temporary name may be another run's.
        self.temporary = PathBuf::new();
        // The file is in place; some file systems cannot sync a folder.
        self.folder.iter().for_each(|folder| drop(folder.sync_all()));
        remove_remains(&self.path);
        Ok(())
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if !self.temporary.as_os_str().is_empty() {
            // What remains is removed by a later run.
            let _ = busy_file::remove(&self.temporary);
        }
    }
}

fn put(path: &Path, bytes: &[u8], set_access: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let (temporary, file) = create_beside(path)?;
    let written = set_access(&file).and_then(|()| fill(&file, bytes)).and_then(|()| rename(file, &temporary, path));
    match written {
        Ok(()) => remove_remains(path),
        // The first error is the one to report.
        Err(_) => drop(busy_file::remove(&temporary)),
    }
    written
}

/// Makes `dir` and the missing folders above it, for their owner alone.
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

/// Makes `dir` and the missing folders above it, readable by all users whatever the umask is.
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

#[cfg(unix)]
fn make_readable_by_all(file: &File) -> io::Result<()> {
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
}

/// A new file inherits the rights of its folder.
#[cfg(not(unix))]
fn make_readable_by_all(_: &File) -> io::Result<()> {
    Ok(())
}

fn fill(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

/// Closes the file after the rename, which also releases its lock: until then no other run takes it for a remainder.
fn rename(file: File, temporary: &Path, path: &Path) -> io::Result<()> {
    let renamed = busy_file::rename(temporary, path);
    drop(file);
    match renamed {
        // Some file systems of Windows do not rename an open file, either.
        Err(error) if busy_file::is_busy(&error) => fs::rename(temporary, path),
        renamed => renamed,
    }
}

/// Writes to the file at `path` itself: Windows allows that while a program has the file open that does not let it be
/// replaced. A reader may see a part of it, and so may the next run after a power cut.
///
/// # Errors
/// If it does not exist, or cannot be written.
pub fn overwrite(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = busy_file::open(OpenOptions::new().write(true), path)?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    #[cfg(unix)]
    use std::os::unix::fs::PermissionsExt;
    #[cfg(unix)]
    use std::path::Path;

    use super::{reserve, write};

    #[cfg(unix)]
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
        #[cfg(unix)]
        assert_eq!((mode(&path), mode(&folder.path().join("a")), mode(path.parent().unwrap())), (0o600, 0o700, 0o700));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    #[cfg(unix)]
    fn a_link_at_the_temporary_name_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, target) = (folder.path().join("file"), folder.path().join("target"));
        fs::write(&target, "untouched").unwrap();
        std::os::unix::fs::symlink(&target, folder.path().join(format!("file.{}-0.new", std::process::id()))).unwrap();
        write(&path, b"text").unwrap();
        assert_eq!((fs::read(&path).unwrap(), fs::read(&target).unwrap()), (b"text".to_vec(), b"untouched".to_vec()));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_longer_than_it_says_is_read_no_further_than_the_limit() {
        let path = Path::new("/proc/self/maps");
        assert_eq!(fs::metadata(path).unwrap().len(), 0);
        let error = super::read(path, 10).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (std::io::ErrorKind::FileTooLarge, "it has more than 10 bytes")
        );
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

    #[test]
    fn only_what_nobody_holds_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let of_this_process = format!("file.{}-0.new", std::process::id());
        for name in
            ["file.1-0.new", "file.99999999-0.new", "file.2-0.new", &of_this_process, "file.new", "other.3-0.new"]
        {
            fs::write(path(name), "").unwrap();
        }
        let expected = ["file", "file.2-0.new", "file.new", "other.3-0.new"];
        let of_unix = if cfg!(unix) { &["file.4-0.new", "file.5-0.new"][..] } else { &[] };
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(path("file.new"), path("file.4-0.new")).unwrap();
            // A plain open for writing would wait for its reader.
            assert!(std::process::Command::new("mkfifo").arg(path("file.5-0.new")).status().unwrap().success());
        }
        let held = fs::File::open(path("file.2-0.new")).unwrap();
        held.lock().unwrap();
        write(&path("file"), b"text").unwrap();
        let left: BTreeSet<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, expected.iter().chain(of_unix).map(Into::into).collect());
        drop(held);
        write(&path("file"), b"text").unwrap();
        assert!(!path("file.2-0.new").exists());
    }

    #[test]
    fn a_reserved_file_is_filled_or_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        drop(reserve(&path, 100).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        reserve(&path, 100).unwrap().fill(b"first").unwrap();
        reserve(&path, 1).unwrap().fill(b"a longer one").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"a longer one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn writers_and_removers_in_each_others_way_lose_no_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::thread::scope(|scope| {
            for text in ["first", "second", "third"] {
                let path = &path;
                scope.spawn(move || (0..200).for_each(|_| write(path, text.as_bytes()).unwrap()));
            }
        });
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
