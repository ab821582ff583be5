//! Files that are trusted only if nobody but their owner can change them.

mod owner;
#[cfg(any(windows, test))]
pub mod repair;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

pub use owner::Owner;
use owner::Untrusted;

use crate::encoding::utf8;
#[cfg(unix)]
use unix as platform;
#[cfg(windows)]
use windows as platform;

/// Reads a file of at most `largest` bytes. Of a link, the target and its folder are checked; on Windows, a link among
/// the administrator's files is refused.
///
/// # Errors
/// If it does not exist, is not trusted, or cannot be read.
pub fn read(path: &Path, owner: Owner, largest: u64) -> io::Result<String> {
    Ok(utf8(&read_bytes(path, owner, largest)?)?.to_owned())
}

/// The same for bytes that need not be UTF-8.
///
/// # Errors
/// As [`read`].
pub fn read_bytes(path: &Path, owner: Owner, largest: u64) -> io::Result<Vec<u8>> {
    let path = platform::itself(path, owner)?;
    // Checked before it is opened: opening a FIFO would wait for its writer.
    if !fs::metadata(&path)?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    path.parent().map_or(Ok(()), |folder| platform::require_folder(folder, owner, "its folder"))?;
    let file = platform::open(&path, owner)?;
    read_all(file, largest)
}

/// Reads a file that is only inspected, whoever owns it.
///
/// # Errors
/// If it does not exist, is not UTF-8, is larger than `largest` bytes, or cannot be read.
pub fn read_any(path: &Path, largest: u64) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    Ok(utf8(&read_all(File::open(path)?, largest)?)?.to_owned())
}

fn read_all(file: File, largest: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(largest + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > largest {
        true => Err(io::Error::other(format!("it is larger than {largest} bytes"))),
        false => Ok(bytes),
    }
}

/// Checks that only the system's administrator can add files to this folder or remove them, and returns whether the
/// folder exists.
///
/// # Errors
/// If others can, or the folder cannot be checked.
pub fn require_folder(path: &Path) -> io::Result<bool> {
    if is_absent(path) {
        return Ok(false);
    }
    platform::require_folder(path, Owner::System, "it").map(|()| true)
}

/// Whether nothing is there, not even a broken link.
pub fn is_absent(path: &Path) -> bool {
    path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// What to do about a file for which there are [`commands()`].
pub const HINT: &str = "another user may have written it: read it, and delete it unless it is yours; to keep it, run as \
     administrator:";

/// The commands that make a file trusted again which was refused because of its owner or its access control list; none
/// if the error says itself what to do.
pub fn commands(error: &io::Error) -> &[String] {
    error.get_ref().and_then(|error| error.downcast_ref::<Untrusted>()).map_or(&[], |untrusted| &untrusted.commands)
}
