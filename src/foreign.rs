//! Folders of another user: under a `sudo` that keeps `HOME`, the administrator works in a user's home, and whatever is
//! created there locks the user out.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::shell::quoted;
use crate::user;

/// A folder or file that belongs to another user than the one this program runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    path: PathBuf,
    owner: String,
    /// The user who runs this program; `None` for the administrator.
    user: Option<String>,
}

impl Foreign {
    /// What the user can do about it, if it is in the home.
    pub fn what_to_do(&self) -> Option<String> {
        let home = user::home_dir()?;
        let owner_of_home = unix::nearest(&home).map(|(_, owner)| owner);
        let is_of_root = owner_of_home.is_none_or(|owner| owner == 0);
        let path = self.path.display().to_string();
        let other = owner_of_home.filter(|owner| !unix::is_own(*owner)).map(unix::owner_name);
        match (&self.user, other) {
            (None, _) if !is_of_root => {
                Some("run it without sudo, or with 'sudo -H', which uses root's own home".to_owned())
            }
            _ if !self.path.starts_with(home) => None,
            (None, _) => Some(format!("run 'chown -R root {}'", quoted(&path))),
            // What is in there is rightly the other user's.
            (Some(_), Some(other)) => Some(format!("HOME is a folder of {other}: set HOME to your own")),
            (Some(user), None) => Some(format!("run 'sudo chown -R {} {}'", quoted(user), quoted(&path))),
        }
    }

    /// The owner's name.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Whether it belongs to a user, and this program runs as root.
    pub fn is_of_user(&self) -> bool {
        self.user.is_none()
    }

    /// The problem, its consequence, and what to do.
    pub fn in_words(&self) -> String {
        let follows = match self.user {
            None => "nothing is created there, so a sign-in is saved only in the kernel",
            Some(_) => "nothing can be saved there",
        };
        format!("{self}: {follows}; {}", self.what_to_do().unwrap_or_default())
    }

    /// The same as a file system error.
    pub fn into_io_error(self) -> io::Error {
        io::Error::new(io::ErrorKind::PermissionDenied, self)
    }

    /// The [`Foreign`] inside `error`, if there is one.
    pub fn of_error(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} belongs to {}", self.path.display(), self.owner)?;
        if self.user.is_none() { f.write_str(", and kubekey runs as root") } else { Ok(()) }
    }
}

impl Error for Foreign {}

/// Refuses to let the administrator create something at `path` if the nearest existing folder belongs to a user. A user
/// without a name, as in many containers, is not an administrator.
///
/// # Errors
/// With a [`Foreign`] inside.
pub fn require_own_ground(path: &Path) -> io::Result<()> {
    match unix::nearest(path).filter(|_| unix::is_root()) {
        Some((path, owner)) if owner != 0 => Err(unix::foreign(path, owner).into_io_error()),
        _ => Ok(()),
    }
}

/// What prevents this program from creating something at `path`, if that is another user's folder in the home.
pub fn keeps_out(path: &Path) -> Option<Foreign> {
    let path = user::home_dir().filter(|home| path.starts_with(home)).map(|_| path)?;
    let of_root = require_own_ground(path).err();
    of_root.as_ref().and_then(Foreign::of_error).cloned().or_else(|| in_the_way(path))
}

/// What keeps this user out of `path`: a folder of another user below the home that is not writable.
pub fn in_the_way(path: &Path) -> Option<Foreign> {
    let (nearest, owner) = unix::nearest(path)?;
    let home = user::home_dir()?;
    let is_below = nearest != home && nearest.starts_with(&home);
    (is_below && !unix::is_own(owner) && !unix::is_writable(nearest)).then(|| unix::foreign(nearest, owner))
}

/// The [`Foreign`] for `path`, whose owner has this user ID.
#[cfg(unix)]
pub fn of(path: &Path, owner: u32) -> Foreign {
    unix::foreign(path, owner)
}

#[cfg(unix)]
mod unix {
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use rustix::fs::{Access, access};
    use rustix::process::geteuid;

    use super::{Foreign, user};

    pub fn is_root() -> bool {
        geteuid().is_root()
    }

    pub fn is_own(owner: u32) -> bool {
        geteuid().as_raw() == owner
    }

    pub fn is_writable(path: &Path) -> bool {
        access(path, Access::WRITE_OK | Access::EXEC_OK).is_ok()
    }

    /// The first of `path` and its parent folders that is visible, and its owner.
    pub fn nearest(path: &Path) -> Option<(&Path, u32)> {
        path.ancestors().find_map(|path| Some((path, fs::metadata(path).ok()?.uid())))
    }

    pub fn foreign(path: &Path, owner: u32) -> Foreign {
        let user = (!is_root()).then(|| {
            let own = geteuid().as_raw();
            user::name(own).unwrap_or_else(|| own.to_string())
        });
        Foreign { path: path.to_owned(), owner: owner_name(owner), user }
    }

    pub fn owner_name(owner: u32) -> String {
        user::name(owner).unwrap_or_else(|| format!("the user {owner}"))
    }
}

/// On Windows, what is created in a user's profile stays accessible to that user.
#[cfg(not(unix))]
mod unix {
    use std::path::Path;

    use super::Foreign;

    pub fn is_root() -> bool {
        false
    }

    pub fn is_own(_: u32) -> bool {
        true
    }

    pub fn is_writable(_: &Path) -> bool {
        true
    }

    pub fn nearest(_: &Path) -> Option<(&Path, u32)> {
        None
    }

    pub fn owner_name(_: u32) -> String {
        String::new()
    }

    pub fn foreign(path: &Path, _: u32) -> Foreign {
        Foreign { path: path.to_owned(), owner: String::new(), user: None }
    }
}
