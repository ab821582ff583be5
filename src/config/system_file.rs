//! Files that are believed only if they are the administrator's.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use crate::own_file::{named, refused};

/// The most that is read of a file, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// Reads a file that only the administrator can change, and no one else its folder; `None` if there is none.
///
/// # Errors
/// If it is there and not to be believed, or cannot be read.
pub fn read(path: &Path) -> io::Result<Option<String>> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(named(path)(error)),
    };
    // Looked at before it is opened: to open a FIFO is to wait for its writer.
    if !metadata.is_file() {
        return Err(refused(path, "is not a file"));
    }
    if let Some(folder) = path.parent() {
        require_administrator(folder, &fs::metadata(folder).map_err(named(folder))?)?;
    }
    let file = File::open(path).map_err(named(path))?;
    require_administrator(path, &file.metadata()?)?;
    let mut text = String::new();
    file.take(LARGEST + 1).read_to_string(&mut text).map_err(named(path))?;
    match text.len() as u64 > LARGEST {
        true => Err(refused(path, "is larger than 1 MiB")),
        false => Ok(Some(text)),
    }
}

/// What others can write is not the administrator's word.
#[cfg(unix)]
fn require_administrator(path: &Path, metadata: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;

    const ROOT: u32 = 0;
    const GROUP_CAN_WRITE: u32 = 0o020;
    const OTHERS_CAN_WRITE: u32 = 0o002;
    let (uid, mode) = (metadata.uid(), metadata.mode());
    if uid != ROOT {
        return Err(refused(path, &format!("belongs to user {uid} instead of root")));
    }
    if mode & OTHERS_CAN_WRITE != 0 || (mode & GROUP_CAN_WRITE != 0 && metadata.gid() != ROOT) {
        return Err(refused(path, &format!("can be written by others (mode {:o})", mode & 0o7777)));
    }
    Ok(())
}

/// Access control lists are not looked at, so nothing is believed.
#[cfg(not(unix))]
fn require_administrator(path: &Path, _: &fs::Metadata) -> io::Result<()> {
    Err(refused(path, "cannot be checked for its owner on this system"))
}
