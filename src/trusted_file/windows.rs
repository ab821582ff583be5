//! Owners and access control lists of Windows.
//!
//! Of the administrator's files, the file, its folder and the folders up to `%ProgramData%` are checked. That suffices:
//! `%ProgramData%` and what is above it belong to the system. They let every user create folders there, but not remove
//! or rename those of others, which needs DELETE on the folder itself or FILE_DELETE_CHILD on the one above it. A folder
//! that grants others neither, and whose owner is an administrator, stays the one that was checked. A user can only
//! come first; then the user is the owner, and the folder is refused.

use std::fs::File;
use std::io;
use std::iter;
use std::os::windows::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::owner::{Owner, Untrusted};
use super::repair::{commands_for_system, commands_for_user};
use crate::security_descriptor::{SecurityDescriptor, Sid};
use crate::windows::{folders, security};

/// The target of a link that the user made. Every user can make one in `%ProgramData%`, so the administrator's files
/// are taken as they are, and a link among them is refused when it is opened.
///
/// # Errors
/// If it does not exist.
pub fn itself(path: &Path, owner: Owner) -> io::Result<PathBuf> {
    if owner == Owner::System { Ok(path.to_owned()) } else { path.canonicalize() }
}

/// Checks a folder, and those above it that are below `%ProgramData%`; `name` is its name in the error.
///
/// # Errors
/// If one cannot be opened, or others can change it.
pub fn require_folder(path: &Path, owner: Owner, name: &str) -> io::Result<()> {
    let data = folders::program_data().filter(|_| owner == Owner::System);
    let is_below = |folder: &&Path| data.as_ref().is_some_and(|data| folder.starts_with(data) && *folder != data);
    let above = path.ancestors().skip(1).take_while(is_below).map(|folder| (folder, folder.display().to_string()));
    iter::once((path, name.to_owned()))
        .chain(above)
        .try_for_each(|(folder, name)| require_owner(&security::open_to_inspect(folder)?, (folder, &name), owner))
}

/// Opens a file, and checks what was opened.
///
/// # Errors
/// If it cannot be opened, or others can change it.
pub fn open(path: &Path, owner: Owner) -> io::Result<File> {
    let file = if owner == Owner::System { security::itself().open(path) } else { File::open(path) }?;
    require_owner(&file, (path, "it"), owner).map(|()| file)
}

/// Decides by owner and access control list of what is open.
fn require_owner(file: &File, (path, name): (&Path, &str), owner: Owner) -> io::Result<()> {
    let user = match owner {
        Owner::Installer => return Ok(()),
        Owner::System => None,
        Owner::User => Some(Sid::of_user()?),
    };
    let metadata = file.metadata()?;
    // Files of the user's may be in a cloud: these are reparse points, but not links.
    let is_link = match owner {
        Owner::System => metadata.file_attributes() & security::FILE_ATTRIBUTE_REPARSE_POINT != 0,
        _ => metadata.is_symlink(),
    };
    if is_link {
        let why = format!("{name} is a link or another reparse point: remove it");
        return Err(io::Error::other(Untrusted { why, commands: Vec::new() }));
    }
    SecurityDescriptor::of(file)?.require_trusted(user.as_ref()).map_err(|why| {
        let commands = match (user, metadata.is_dir()) {
            (None, is_folder) => commands_for_system(path, is_folder),
            (Some(user), is_folder) => commands_for_user(path, is_folder, &user),
        };
        io::Error::other(Untrusted { why: format!("{name} {why}"), commands })
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::{commands, read, require_folder};
    use super::{Owner, open};

    /// The folder belongs to the user, or the user has all rights there; both refuse it.
    #[test]
    fn a_folder_that_any_user_can_make_is_not_the_administrators() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "text").unwrap();
        let error = require_folder(folder.path()).unwrap_err();
        assert!(error.to_string().starts_with("it "), "{error}");
        assert_eq!(commands(&error).len(), 3, "{error}");
        let error = read(&file, Owner::System, 10).unwrap_err();
        assert!(error.to_string().starts_with("its folder "), "{error}");
        assert_eq!(read(&file, Owner::User, 10).unwrap(), "text");
        assert_eq!(read(&file, Owner::Installer, 10).unwrap(), "text");
        assert!(!require_folder(&folder.path().join("absent")).unwrap());
    }

    #[test]
    fn what_is_open_is_checked() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "text").unwrap();
        let error = open(&file, Owner::System).unwrap_err();
        assert!(error.to_string().starts_with("it "), "{error}");
        assert!(open(&file, Owner::User).is_ok());
    }
}
