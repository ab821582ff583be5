//! Files that a setting names. They may belong to any user and may be links, because administrators and Kubernetes set
//! them up that way; but they must be files, and of a sensible size.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::config::given::unusable;
use crate::error::{Error, Result};

/// Reads the file that a setting names. The bytes are zeroed when they are dropped.
///
/// # Errors
/// [`crate::error::ErrorKind::Usage`], naming setting and file, if it does not exist, is not a file, cannot be read,
/// is empty, or has more than `largest` bytes.
pub fn read(label: &str, path: &Path, largest: usize) -> Result<Zeroizing<Vec<u8>>> {
    let why = match open(path).and_then(|file| read_all(file, largest)) {
        Ok(bytes) if bytes.is_empty() => "it is empty".to_owned(),
        Ok(bytes) if bytes.len() > largest => format!("it has more than {largest} bytes"),
        Ok(bytes) => return Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => "there is no such file".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(unusable_file(label, path, &why))
}

/// The error for a file that a setting names and that cannot be used.
pub(super) fn unusable_file(label: &str, path: &Path, why: &str) -> Error {
    unusable(label, &path.to_string_lossy(), why)
}

/// The buffer must not grow: what a growing one leaves behind is not zeroed.
fn read_all(file: File, largest: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(largest + 1));
    file.take(largest as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Checks what was opened rather than its name. A plain open of a FIFO would wait for its writer.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32);
    }
    let file = options.read(true).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is not a file")),
    }
}
