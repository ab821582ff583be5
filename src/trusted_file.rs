//! Files that are believed only if nobody but their owner can change them.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Who may own a file and its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The system's administrator.
    System,
    /// The user, who named the file, or the administrator.
    User,
    /// Anybody, and a group: whoever can write there can replace this program, too.
    Installer,
}

/// Reads a file of at most `largest` bytes. Where a link leads, the place it leads to is looked at.
///
/// # Errors
/// If it is not there, is not to be believed, or cannot be read.
pub fn read(path: &Path, owner: Owner, largest: u64) -> io::Result<String> {
    String::from_utf8(read_bytes(path, owner, largest)?).map_err(io::Error::other)
}

/// The same for what need not be text.
///
/// # Errors
/// As [`read`].
pub fn read_bytes(path: &Path, owner: Owner, largest: u64) -> io::Result<Vec<u8>> {
    let path = path.canonicalize()?;
    // Looked at before it is opened: to open a FIFO is to wait for its writer.
    if !fs::metadata(&path)?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    if let Some(folder) = path.parent() {
        require_owner(&fs::metadata(folder)?, owner).map_err(|why| io::Error::other(format!("its folder {why}")))?;
    }
    let file = File::open(&path)?;
    require_owner(&file.metadata()?, owner).map_err(|why| io::Error::other(format!("it {why}")))?;
    read_all(file, largest)
}

/// Reads a file that is only looked at, whoever owns it.
///
/// # Errors
/// If it is not there, is no text, is larger than `largest` bytes, or cannot be read.
pub fn read_any(path: &Path, largest: u64) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    String::from_utf8(read_all(File::open(path)?, largest)?).map_err(io::Error::other)
}

fn read_all(file: File, largest: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(largest + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > largest {
        true => Err(io::Error::other(format!("it is larger than {largest} bytes"))),
        false => Ok(bytes),
    }
}

/// Requires that nobody but the system's administrator can put a file into this folder or take one out, and says whether
/// there is one.
///
/// # Errors
/// If somebody can, or it cannot be looked at.
pub fn require_folder(path: &Path) -> io::Result<bool> {
    if is_absent(path) {
        return Ok(false);
    }
    let metadata = fs::metadata(path)?;
    require_owner(&metadata, Owner::System).map(|()| true).map_err(|why| io::Error::other(format!("it {why}")))
}

/// Whether there is nothing, not even a link that leads nowhere for now.
pub fn is_absent(path: &Path) -> bool {
    path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// What others can write is not the administrator's word, nor the user's.
#[cfg(unix)]
fn require_owner(metadata: &fs::Metadata, owner: Owner) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;

    let own = rustix::process::geteuid().as_raw();
    require_writers((metadata.uid(), metadata.gid(), metadata.mode()), owner, own)
}

/// Judges by user, group and mode; `own` is the user that runs this.
#[cfg(unix)]
fn require_writers((uid, gid, mode): (u32, u32, u32), owner: Owner, own: u32) -> Result<(), String> {
    const ROOT: u32 = 0;
    const GROUP_CAN_WRITE: u32 = 0o020;
    const OTHERS_CAN_WRITE: u32 = 0o002;
    let is_own = owner == Owner::User && uid == own;
    if uid != ROOT && !is_own && owner != Owner::Installer {
        return Err(format!("belongs to user {uid}"));
    }
    // Debian and Fedora give a user a group of its own, of the same number, and let it write what the user makes.
    let is_trusted = gid == ROOT || (is_own && gid == uid) || owner == Owner::Installer;
    if mode & OTHERS_CAN_WRITE != 0 || (mode & GROUP_CAN_WRITE != 0 && !is_trusted) {
        return Err(format!("can be written by others (mode {:o}); 'chmod go-w' mends that", mode & 0o7777));
    }
    Ok(())
}

/// Access control lists are not looked at, so only what the user named is believed.
#[cfg(not(unix))]
fn require_owner(_: &fs::Metadata, owner: Owner) -> Result<(), String> {
    match owner {
        Owner::User | Owner::Installer => Ok(()),
        Owner::System => Err("cannot be checked for its owner on this system".into()),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;

    const LARGEST: u64 = 10;

    /// A file in a folder, with these modes.
    fn made(folder_mode: u32, mode: u32, text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), text).unwrap();
        fs::set_permissions(folder.path().join("file"), Permissions::from_mode(mode)).unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(folder_mode)).unwrap();
        folder
    }

    fn reads(folder: &tempfile::TempDir) -> Result<String, String> {
        read(&folder.path().join("file"), Owner::User, LARGEST).map_err(|error| error.to_string())
    }

    #[test]
    fn what_others_can_write_is_not_believed() {
        assert_eq!(reads(&made(0o755, 0o644, "text")), Ok("text".into()));
        assert!(reads(&made(0o755, 0o646, "text")).unwrap_err().starts_with("it can be written"));
        assert!(reads(&made(0o757, 0o644, "text")).unwrap_err().starts_with("its folder can be written"));
    }

    #[test]
    fn a_file_has_its_largest_size() {
        assert_eq!(reads(&made(0o755, 0o644, &"x".repeat(10))), Ok("x".repeat(10)));
        assert!(reads(&made(0o755, 0o644, &"x".repeat(11))).unwrap_err().contains("larger than 10 bytes"));
    }

    #[test]
    fn behind_a_link_the_real_folder_is_looked_at() {
        let (folder, open) = (made(0o755, 0o644, "text"), made(0o777, 0o644, "text"));
        fs::remove_file(folder.path().join("file")).unwrap();
        symlink(open.path().join("file"), folder.path().join("file")).unwrap();
        assert!(reads(&folder).unwrap_err().starts_with("its folder can be written"));
    }

    #[test]
    fn a_users_own_group_may_write_what_is_the_users_and_no_other_group() {
        const JANE: u32 = 1000;
        const JOHN: u32 = 1001;
        for (of, owner, is_believed) in [
            ((JANE, JANE, 0o664), Owner::User, true),
            ((JANE, JOHN, 0o664), Owner::User, false),
            ((JANE, JANE, 0o666), Owner::User, false),
            ((JOHN, JOHN, 0o664), Owner::User, false),
            ((0, JANE, 0o664), Owner::User, false),
            ((JANE, JANE, 0o664), Owner::System, false),
        ] {
            assert_eq!(require_writers(of, owner, JANE).is_ok(), is_believed, "{of:?} {owner:?}");
        }
    }

    #[test]
    fn the_owner_and_the_group_count() {
        const STRANGER: u32 = 4711;
        if !rustix::process::geteuid().is_root() {
            let folder = made(0o755, 0o644, "text");
            let error = read(&folder.path().join("file"), Owner::System, LARGEST).unwrap_err();
            assert!(error.to_string().contains("belongs to user"), "{error}");
            return;
        }
        let by_group = made(0o755, 0o664, "text");
        assert_eq!(reads(&by_group), Ok("text".into()), "root's own group");
        chown(by_group.path().join("file"), None, Some(STRANGER)).unwrap();
        assert!(reads(&by_group).unwrap_err().contains("can be written by others (mode 664)"));
        let foreign = made(0o755, 0o644, "text");
        chown(foreign.path().join("file"), Some(STRANGER), None).unwrap();
        assert!(reads(&foreign).unwrap_err().contains("belongs to user 4711"));
    }
}
