//! Files that are believed only if they are the user's own.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

/// The most that is read of a file, in bytes; a token with 600 groups has 64 KiB.
const LARGEST: u64 = 1024 * 1024;

/// Reads a file of the user's own that nobody else can read or write.
///
/// # Errors
/// If it is not there, is not one, or cannot be read.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(LARGEST).read_to_end(&mut bytes).map_err(named(path))?;
    Ok(bytes)
}

/// Opens the file itself and not what a link leads to, and looks at what was opened rather than at its name.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path).map_err(|error| {
        // What ELOOP says of its own, "too many levels of symbolic links", helps nobody.
        match error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
            true => refused(path, "is a symbolic link"),
            false => named(path)(error),
        }
    })?;
    let metadata = file.metadata()?;
    match metadata.is_file() {
        true => require_own(path, &metadata).map(|()| file),
        false => Err(refused(path, "is not a file")),
    }
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path).map_err(named(path))
}

/// What others can read is no secret, and what others can write may be theirs.
///
/// # Errors
/// If it belongs to another user, is open to others, or is a link.
#[cfg(unix)]
pub fn require_own(path: &Path, metadata: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    if metadata.is_symlink() {
        Err(refused(path, "is a symbolic link"))
    } else if metadata.uid() != rustix::process::geteuid().as_raw() {
        Err(refused(path, "belongs to another user"))
    } else if metadata.mode() & 0o077 != 0 {
        Err(refused(path, &format!("is open to others (mode {:03o})", metadata.mode() & 0o777)))
    } else {
        Ok(())
    }
}

/// Nothing to look at.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn require_own(_: &Path, _: &fs::Metadata) -> io::Result<()> {
    // Below the user's profile, where Windows lets nobody else in; and what is in the file is encrypted for this user.
    Ok(())
}

/// The error for a path that is not to be used.
pub fn refused(path: &Path, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, format!("{} {why}", path.display()))
}

/// Puts the path in front of what the system says, in which there is none.
pub fn named(path: &Path) -> impl Fn(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
