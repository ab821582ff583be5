//! A file that only one run at a time has locked.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::foreign::require_own_ground;
#[cfg(windows)]
use crate::windows::{file_identity::FILE_FLAG_OPEN_REPARSE_POINT, file_lock::try_lock_byte};
use crate::{busy_file, own_file, signals};

/// How much of a lock file is read, in bytes.
const LONGEST: u64 = 16 * 1024;

/// Which byte is locked on Windows, where no other process can read what is locked: one far behind the note, so that
/// waiting runs can read that. A second file for the note would need a rename for each change, and could outlive its lock.
#[cfg(windows)]
const LOCKED: u64 = 1 << 62;

/// Where one lock can be: in the first of these files that can be opened and locked.
pub type Place = Vec<PathBuf>;

/// An open lock file.
#[derive(Debug)]
pub(super) struct LockFile {
    file: File,
    path: PathBuf,
    /// Whether the file remains when the lock is released.
    pub stays: bool,
}

impl LockFile {
    /// Whether the file goes with its lock.
    pub const IS_REMOVED: bool = cfg!(unix);

    /// Opens the file, and creates it and its parent folders where they are missing.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
            builder.mode(0o700);
            options.mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32);
        }
        #[cfg(windows)]
        std::os::windows::fs::OpenOptionsExt::custom_flags(&mut options, FILE_FLAG_OPEN_REPARSE_POINT);
        require_own_ground(path)?;
        signals::survive_size_limits();
        builder.create(path.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
        let file = busy_file::open(&options, path)?;
        match file.metadata()?.is_symlink() {
            true => Err(own_file::refused(path, "is a symbolic link")),
            false => Ok(Self { file, path: path.to_owned(), stays: false }),
        }
    }

    /// Locks the file if no other run has. The last holder may have removed it meanwhile: see
    /// [`LockFile::is_in_place`].
    ///
    /// # Errors
    /// If another run has, or locks do not work there.
    pub fn try_lock(&self) -> Result<(), TryLockError> {
        #[cfg(windows)]
        return try_lock_byte(&self.file, LOCKED);
        #[cfg(not(windows))]
        self.file.try_lock()
    }

    /// Whether the open file is still the one at its path. If not, others lock a different file of that name.
    #[cfg(unix)]
    pub fn is_in_place(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        let (held, named) = (self.file.metadata().map(identity), fs::symlink_metadata(&self.path).map(identity));
        held.is_ok_and(|held| named.is_ok_and(|named| held == named))
    }

    /// No run removes a lock file here.
    #[cfg(not(unix))]
    pub fn is_in_place(&self) -> bool {
        true
    }

    /// Whether only this user can have written its content.
    pub fn is_own(&self) -> bool {
        own_file::require_own_open(&self.path, &self.file).is_ok()
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file. On Windows it only becomes empty: a file that others have open cannot be created again there
    /// under its name.
    pub fn remove(&self) {
        // A file that remains does no harm.
        let _ = if Self::IS_REMOVED { fs::remove_file(&self.path) } else { self.file.set_len(0) };
    }

    /// Writes a note for waiting runs. They read none or all of it: it is short enough for one write.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&mut self, text: &str) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }

    /// Reads the note of the holder, or of the last one.
    pub fn read(&mut self) -> String {
        let mut text = String::new();
        // Without a note the message lacks the holder's PID.
        let _ = self.file.rewind().and_then(|()| (&self.file).take(LONGEST).read_to_string(&mut text));
        text
    }
}

#[cfg(test)]
mod tests {
    use std::fs::TryLockError;

    use super::LockFile;

    #[test]
    fn a_waiting_run_reads_the_note_of_the_holder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/file.lock");
        let mut holder = LockFile::open(&path).unwrap();
        holder.try_lock().unwrap();
        holder.write("held by the first, who writes a long note").unwrap();
        holder.write("held by the first").unwrap();
        let mut waiter = LockFile::open(&path).unwrap();
        assert!(matches!(waiter.try_lock(), Err(TryLockError::WouldBlock)));
        assert_eq!(waiter.read(), "held by the first");
        // Windows lets no process read a locked byte; wine does.
        #[cfg(windows)]
        super::try_lock_byte(&waiter.file, 0).unwrap();
        holder.remove();
        drop(holder);
        waiter.try_lock().unwrap();
        assert!(LockFile::open(&path).unwrap().read().is_empty(), "the note goes with the lock");
    }
}
