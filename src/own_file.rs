//! Files that are trusted only if they belong to the user alone.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

#[cfg(windows)]
use crate::busy_file;
use crate::foreign::{self, Foreign};

/// The most that is read of a file, in bytes; a token with 600 groups has 64 KiB.
const LARGEST: u64 = 1024 * 1024;

/// Reads a file that belongs to the user and that no other user can read or write.
///
/// # Errors
/// If it does not exist, is not such a file, or cannot be read.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(LARGEST).read_to_end(&mut bytes).map_err(named(path))?;
    Ok(bytes)
}

/// Opens the file itself rather than the target of a link, and checks what was opened rather than its name.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::fs::OpenOptions;
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path).map_err(|error| {
        // The system's message for ELOOP, "too many levels of symbolic links", does not help the user.
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

/// Opens the file itself rather than the target of a link, and checks what was opened rather than its name.
#[cfg(windows)]
fn open(path: &Path) -> io::Result<File> {
    let file = busy_file::open(&crate::windows::security::itself(), path).map_err(named(path))?;
    match file.metadata()? {
        metadata if metadata.is_symlink() => Err(refused(path, "is a symbolic link")),
        metadata if !metadata.is_file() => Err(refused(path, "is not a file")),
        _ => require_own_open(path, &file).map(|()| file),
    }
}

/// Checks that a file is the user's own: what others can read is not secret, and what others can write may be theirs.
///
/// # Errors
/// If it belongs to another user, is open to others, or is a link.
#[cfg(unix)]
pub fn require_own(path: &Path, metadata: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    if metadata.is_symlink() {
        Err(refused(path, "is a symbolic link"))
    } else if metadata.uid() != rustix::process::geteuid().as_raw() {
        Err(foreign::of(path, metadata.uid()).into_io_error())
    } else if metadata.mode() & 0o077 != 0 {
        Err(refused(path, &format!("is open to others (mode {:03o})", metadata.mode() & 0o777)))
    } else {
        Ok(())
    }
}

/// The same for writing alone: what is secret is encrypted for the user. Administrators may be the owner, because the
/// user's own elevated runs make such files.
///
/// # Errors
/// If it belongs to another user, can be written by others, or is a link.
#[cfg(windows)]
pub fn require_own(path: &Path, metadata: &fs::Metadata) -> io::Result<()> {
    match metadata.is_symlink() {
        true => Err(refused(path, "is a symbolic link")),
        false => require_own_open(path, &crate::windows::security::open_to_inspect(path).map_err(named(path))?),
    }
}

/// The same for a file that is open, whatever its name means by now.
///
/// # Errors
/// As [`require_own`].
#[cfg(unix)]
pub fn require_own_open(path: &Path, file: &File) -> io::Result<()> {
    require_own(path, &file.metadata()?)
}

/// The same for a file that is open, whatever its name means by now.
///
/// # Errors
/// As [`require_own`].
#[cfg(windows)]
pub fn require_own_open(path: &Path, file: &File) -> io::Result<()> {
    use crate::security_descriptor::{SecurityDescriptor, Sid};
    let verdict = SecurityDescriptor::of(file)?.require_trusted(Some(&Sid::of_user()?));
    verdict.map_err(|why| refused(path, &why))
}

/// The error for a path that must not be used.
pub fn refused(path: &Path, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, format!("{} {why}", path.display()))
}

/// Adds the path to a system error, which does not have it; if another user's folder is in the way, reports that
/// instead.
pub fn named(path: &Path) -> impl Fn(io::Error) -> io::Error {
    move |error| match foreign::in_the_way(path).filter(|_| error.kind() == io::ErrorKind::PermissionDenied) {
        _ if Foreign::of_error(&error).is_some() => error,
        Some(foreign) => foreign.into_io_error(),
        None => io::Error::new(error.kind(), format!("{}: {error}", path.display())),
    }
}
