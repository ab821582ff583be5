//! Who may do what with a file, so that one can be like another.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

/// The extended attribute that holds an access control list, and the most bytes that an attribute can have (xattr(7)).
#[cfg(target_os = "linux")]
const ACL: &str = "system.posix_acl_access";
#[cfg(target_os = "linux")]
const LARGEST_ACL: usize = 64 * 1024;

/// Who may do what with a file.
pub struct Access {
    metadata: Metadata,
    /// The access control list, in the form of the file system.
    acl: Option<Vec<u8>>,
}

impl Access {
    /// That of a file.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn of(path: &Path) -> io::Result<Self> {
        Ok(Self { metadata: fs::metadata(path)?, acl: acl(path) })
    }

    /// Whether the same people may do the same.
    pub fn is_like(&self, other: &Self) -> bool {
        rights(&self.metadata) == rights(&other.metadata) && self.acl == other.acl
    }

    /// Gives a file the same, as far as this user may. What it may not give it takes from others.
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
                // A group that its owner is not in. Another one must not get its rights.
                Err(_) if new.uid() == was.uid() => permissions.set_mode(permissions.mode() & !0o070),
                changed => changed?,
            }
        }
        file.set_permissions(permissions)?;
        #[cfg(target_os = "linux")]
        if let Some(acl) = &self.acl {
            rustix::fs::fsetxattr(file, ACL, acl, rustix::fs::XattrFlags::empty())?;
        }
        Ok(())
    }

    /// A new file has the rights of its folder.
    ///
    /// # Errors
    /// None.
    #[cfg(not(unix))]
    pub fn give_to(&self, _: &File) -> io::Result<()> {
        Ok(())
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

/// Where there is one, the mode's bits for the group are its mask, and mean more without it (acl(5)).
#[cfg(target_os = "linux")]
fn acl(path: &Path) -> Option<Vec<u8>> {
    let mut buffer = vec![0; LARGEST_ACL];
    let length = rustix::fs::getxattr(path, ACL, &mut *buffer).ok()?;
    buffer.truncate(length);
    Some(buffer)
}

#[cfg(not(target_os = "linux"))]
fn acl(_: &Path) -> Option<Vec<u8>> {
    None
}
