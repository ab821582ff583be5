//! The permissions of a file, so that another one can get the same.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

/// The extended attribute that holds an access control list, and the largest size of an attribute in bytes (xattr(7)).
#[cfg(target_os = "linux")]
const ACL: &str = "system.posix_acl_access";
#[cfg(target_os = "linux")]
const LARGEST_ACL: usize = 64 * 1024;

/// The permissions of a file: its owner, group, mode and access control list; on Windows, the list.
pub struct Access {
    metadata: Metadata,
    /// The access control list; `None` if there is none.
    acl: Option<Acl>,
}

/// As the system stores it; on macOS as its entries.
#[cfg(not(target_os = "macos"))]
type Acl = Vec<u8>;
#[cfg(target_os = "macos")]
type Acl = Vec<exacl::AclEntry>;

impl Access {
    /// Reads the permissions of a file.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn of(path: &Path) -> io::Result<Self> {
        Ok(Self { metadata: fs::metadata(path)?, acl: acl(path)? })
    }

    /// Whether both give the same users the same rights.
    pub fn is_like(&self, other: &Self) -> bool {
        rights(&self.metadata) == rights(&other.metadata) && self.acl == other.acl
    }

    /// Gives a file the same permissions, as far as this user may. If the group cannot be set, no group gets rights.
    ///
    /// # Errors
    /// Those of the file system.
    #[cfg(unix)]
    pub fn give_to(&self, file: &File) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
        let (new, was) = (file.metadata()?, &self.metadata);
        let mut permissions = was.permissions();
        if (new.uid(), new.gid()) != (was.uid(), was.gid()) {
            match fchown(file, Some(was.uid()), Some(was.gid())) {
                // This user is not in that group. The file's own group must not get its rights.
                Err(_) if new.uid() == was.uid() => permissions.set_mode(permissions.mode() & !0o070),
                changed => changed?,
            }
        }
        file.set_permissions(permissions)?;
        #[cfg(target_os = "linux")]
        if let Some(acl) = &self.acl {
            rustix::fs::fsetxattr(file, ACL, acl, rustix::fs::XattrFlags::empty())?;
        }
        #[cfg(target_os = "macos")]
        self.acl.as_ref().map_or(Ok(()), |acl| set_acl(acl, file))?;
        Ok(())
    }

    /// Gives a file the same access control list, unless it has inherited that already. The owner is who writes it.
    ///
    /// # Errors
    /// Those of the file system.
    #[cfg(windows)]
    pub fn give_to(&self, file: &File) -> io::Result<()> {
        use crate::security_descriptor::{has_same_dacl, to_set};
        use crate::windows::security;
        let new = security::dacl(file)?;
        match self.acl.clone().filter(|old| !has_same_dacl(old, &new)) {
            Some(old) => security::set_dacl(file, &to_set(old)),
            None => Ok(()),
        }
    }
}

/// Owner, group and mode.
#[cfg(unix)]
fn rights(metadata: &Metadata) -> (u32, u32, u32) {
    use std::os::unix::fs::MetadataExt;

    (metadata.uid(), metadata.gid(), metadata.mode())
}

#[cfg(not(unix))]
fn rights(metadata: &Metadata) -> fs::Permissions {
    metadata.permissions()
}

/// The access control list. Where there is one, the group bits of the mode are its mask, and grant more without it
/// (acl(5)).
#[cfg(target_os = "linux")]
fn acl(path: &Path) -> io::Result<Option<Acl>> {
    let mut buffer = vec![0; LARGEST_ACL];
    let length = rustix::fs::getxattr(path, ACL, &mut *buffer).ok();
    buffer.truncate(length.unwrap_or(0));
    Ok(length.map(|_| buffer))
}

/// The access control list. A file whose list cannot be read must not be replaced by one that more users can read.
#[cfg(windows)]
fn acl(path: &Path) -> io::Result<Option<Acl>> {
    let file = crate::busy_file::open(fs::OpenOptions::new().read(true), path)?;
    crate::windows::security::dacl(&file).map(Some)
}

/// The access control list, which on macOS is besides the mode; `None` where the file system has none.
#[cfg(target_os = "macos")]
fn acl(path: &Path) -> io::Result<Option<Acl>> {
    match exacl::getfacl(path, None) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(None),
        found => found.map(Some),
    }
}

/// Sets the list unless the file has inherited it already.
#[cfg(target_os = "macos")]
fn set_acl(acl: &Acl, file: &File) -> io::Result<()> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let path = rustix::fs::getpath(file)?;
    let path = Path::new(OsStr::from_bytes(path.to_bytes()));
    if exacl::getfacl(path, None)? == *acl { Ok(()) } else { exacl::setfacl(&[path], acl, None) }
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
fn acl(_: &Path) -> io::Result<Option<Acl>> {
    Ok(None)
}

#[cfg(all(test, windows))]
mod tests {
    use std::fs::{self, File};

    use super::Access;
    use crate::atomic_file::{replace, write};
    use crate::security_descriptor::has_same_dacl;
    use crate::windows::security::{dacl, set_dacl, user};

    /// A descriptor with a protected list that gives all rights to the user alone ([MS-DTYP] §2.4.6, §2.4.5, §2.4.4.2).
    fn for_user_alone() -> Vec<u8> {
        let user = user().unwrap();
        let user = &user[..8 + 4 * usize::from(user[1])];
        let (entry, list) = (8 + user.len() as u8, 16 + user.len() as u8);
        let mut bytes = vec![1, 0, 0x04, 0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0];
        bytes.extend([2, 0, list, 0, 1, 0, 0, 0, 0, 0, entry, 0, 0xff, 0x01, 0x1f, 0]);
        bytes.extend(user);
        bytes
    }

    #[test]
    fn a_file_that_is_replaced_keeps_its_access_control_list() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("file"), folder.path().join("other"));
        let list = |path| dacl(&File::open(path).unwrap()).unwrap();
        write(&path, b"old").unwrap();
        write(&other, b"with what it inherits").unwrap();
        set_dacl(&File::open(&path).unwrap(), &for_user_alone()).unwrap();
        let before = list(&path);
        assert!(!has_same_dacl(&before, &list(&other)), "it was changed");
        let access = Access::of(&path).unwrap();
        replace(&path, b"new", Some(&access)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert!(has_same_dacl(&before, &list(&path)) && Access::of(&path).unwrap().is_like(&access));
        assert!(!Access::of(&other).unwrap().is_like(&access));
    }
}
