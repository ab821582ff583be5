//! Owners, groups and modes.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::owner::{Owner, Untrusted};
use crate::shell::quoted;

/// The target of a link: only its folder's owner can replace it.
///
/// # Errors
/// If it does not exist.
pub fn itself(path: &Path, _: Owner) -> io::Result<PathBuf> {
    path.canonicalize()
}

/// Checks a folder; `name` is its name in the error.
///
/// # Errors
/// If it cannot be seen, or others can change it.
pub fn require_folder(path: &Path, owner: Owner, name: &str) -> io::Result<()> {
    require_owner(&fs::metadata(path)?, owner, path).map_err(|why| untrusted(name, &why))
}

/// Opens a file, and checks what was opened.
///
/// # Errors
/// If it cannot be opened, or others can change it.
pub fn open(path: &Path, owner: Owner) -> io::Result<File> {
    let file = File::open(path)?;
    require_owner(&file.metadata()?, owner, path).map_err(|why| untrusted("it", &why))?;
    Ok(file)
}

fn untrusted(name: &str, why: &str) -> io::Error {
    io::Error::other(Untrusted { why: format!("{name} {why}"), commands: Vec::new() })
}

/// What others can write may not come from the administrator, or from the user.
fn require_owner(metadata: &fs::Metadata, owner: Owner, path: &Path) -> Result<(), String> {
    let own = rustix::process::geteuid().as_raw();
    let sudo = if metadata.uid() == own { "" } else { "sudo " };
    require_writers((metadata.uid(), metadata.gid(), metadata.mode()), owner, own).map_err(|refused| match refused {
        Refused::Owner => format!("belongs to the user {}", metadata.uid()),
        Refused::Mode => {
            let (mode, path) = (metadata.mode() & 0o7777, quoted(&path.to_string_lossy()));
            format!("can be written by others (mode {mode:o}); '{sudo}chmod go-w {path}' fixes that")
        }
    })
}

/// Who may not have written it.
#[derive(Debug, PartialEq, Eq)]
enum Refused {
    Owner,
    Mode,
}

/// Decides by user, group and mode; `own` is the user that runs this program.
fn require_writers((uid, gid, mode): (u32, u32, u32), owner: Owner, own: u32) -> Result<(), Refused> {
    const ROOT: u32 = 0;
    const GROUP_CAN_WRITE: u32 = 0o020;
    const OTHERS_CAN_WRITE: u32 = 0o002;
    let is_own = owner == Owner::User && uid == own;
    if uid != ROOT && !is_own && owner != Owner::Installer {
        return Err(Refused::Owner);
    }
    // Debian and Fedora give each user a group with the same number, which may write what the user makes.
    let is_trusted = gid == ROOT || (is_own && gid == uid) || owner == Owner::Installer;
    if mode & OTHERS_CAN_WRITE != 0 || (mode & GROUP_CAN_WRITE != 0 && !is_trusted) {
        return Err(Refused::Mode);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::super::read;
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
        for (of, owner, is_trusted) in [
            ((JANE, JANE, 0o664), Owner::User, true),
            ((JANE, JOHN, 0o664), Owner::User, false),
            ((JANE, JANE, 0o666), Owner::User, false),
            ((JOHN, JOHN, 0o664), Owner::User, false),
            ((0, JANE, 0o664), Owner::User, false),
            ((JANE, JANE, 0o664), Owner::System, false),
        ] {
            assert_eq!(require_writers(of, owner, JANE).is_ok(), is_trusted, "{of:?} {owner:?}");
        }
    }

    #[test]
    fn the_owner_and_the_group_count() {
        const STRANGER: u32 = 4711;
        if !rustix::process::geteuid().is_root() {
            let folder = made(0o755, 0o644, "text");
            let error = read(&folder.path().join("file"), Owner::System, LARGEST).unwrap_err();
            assert!(error.to_string().contains("belongs to the user"), "{error}");
            return;
        }
        let by_group = made(0o755, 0o664, "text");
        assert_eq!(reads(&by_group), Ok("text".into()), "root's own group");
        chown(by_group.path().join("file"), None, Some(STRANGER)).unwrap();
        assert!(reads(&by_group).unwrap_err().contains("can be written by others (mode 664)"));
        let foreign = made(0o755, 0o644, "text");
        chown(foreign.path().join("file"), Some(STRANGER), None).unwrap();
        assert!(reads(&foreign).unwrap_err().contains("belongs to the user 4711"));
    }
}
