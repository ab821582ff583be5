//! The files that `kubectl config` would read, and the file that it would write to.

use std::io;
use std::path::{Path, PathBuf};

use super::home::{self, DEFAULT};
use crate::atomic_file;
use crate::encoding::{self, Encoding};
use crate::error::{Error, ErrorKind, Result};
use crate::foreign::Foreign;
use crate::windows_name;

/// The largest file that is read, in bytes: some 130,000 users, which take about 15 seconds and 800 MB.
pub const LARGEST: u64 = 16 * 1024 * 1024;

/// The kubeconfigs of this run, in kubectl's order: the first entry with a name applies.
pub struct Files {
    all: Vec<PathBuf>,
    default: usize,
}

impl Files {
    /// The requested file, otherwise those of `KUBECONFIG`, otherwise `~/.kube/config`.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if there is no home folder.
    pub fn find(asked: Option<&Path>) -> Result<Self> {
        let listed = std::env::var_os("KUBECONFIG").unwrap_or_default();
        let mut all: Vec<PathBuf> = match asked {
            Some(path) => vec![path.to_owned()],
            None => std::env::split_paths(&listed).filter(|path| !path.as_os_str().is_empty()).collect(),
        };
        if all.is_empty() {
            all.push(home::folder().ok_or_else(no_home)?.join(DEFAULT));
        }
        if let Some((path, why)) = all.iter().find_map(|path| Some((path, windows_name::why_not(path)?))) {
            return Err(unusable(path, &why).hint("give --kubeconfig FILE with another name"));
        }
        let mut known = std::collections::HashSet::new();
        // With one file under two names, this run would wait for its own lock.
        all.retain(|path| known.insert(path.canonicalize().unwrap_or_else(|_| path.clone())));
        // What client-go does (PathOptions.GetDefaultFilename): the first that exists, else the last.
        let default = all.iter().position(|path| path.exists()).unwrap_or(all.len() - 1);
        let all = all.iter().map(std::path::absolute).collect::<io::Result<_>>();
        let all = all.map_err(|error| {
            Error::new(ErrorKind::Usage, format!("KUBECONFIG cannot be used: {error}"))
                .hint("give full paths, or change to a folder that exists")
        })?;
        Ok(Self { all, default })
    }

    /// All of them; never empty.
    pub fn all(&self) -> &[PathBuf] {
        &self.all
    }

    /// The index of the file for entries that are in none.
    pub fn index_of_default(&self) -> usize {
        self.default
    }
}

fn no_home() -> Error {
    Error::new(ErrorKind::Usage, "no home folder was found for the kubeconfig").hint("give --kubeconfig FILE")
}

/// The text of a file, and its encoding; `None` if there is no file.
///
/// # Errors
/// If it cannot be read, or is too large.
pub fn read(path: &Path) -> Result<Option<(String, Encoding)>> {
    let bytes = atomic_file::read(path, LARGEST).map_err(|error| unreadable(path, &error))?;
    bytes.map(|bytes| decode(&bytes)).transpose().map_err(|error| {
        let unusable = unusable(path, &error.to_string());
        match encoding::conversion(path, &error) {
            Some(command) => unusable.hint("nothing was written; save it as UTF-8:").commands([command]),
            None => unusable,
        }
    })
}

/// The text of a kubeconfig, as kubectl reads it, and its encoding.
///
/// # Errors
/// If it is neither UTF-8 nor UTF-16 with a byte order mark.
pub fn decode(bytes: &[u8]) -> io::Result<(String, Encoding)> {
    let encoding = Encoding::marked(bytes);
    Ok((encoding.decode(bytes)?, encoding))
}

/// Requires that what is to be written can be read again.
///
/// # Errors
/// If it is too large for that.
pub fn require_readable(path: &Path, bytes: &[u8]) -> Result<()> {
    atomic_file::require_at_most(LARGEST, bytes.len() as u64).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    let unreadable = unusable(path, &error.to_string());
    match error.kind() {
        io::ErrorKind::FileTooLarge => unreadable
            .hint("nothing was written; give a smaller file with --kubeconfig, and name both of them in KUBECONFIG"),
        // Whether there is a file is not visible.
        io::ErrorKind::PermissionDenied if path.symlink_metadata().is_err() => {
            let folder = path.parent().unwrap_or(path);
            without_file(path, &format!("the folder {} cannot be read: {error}", folder.display()))
        }
        _ => unreadable,
    }
}

/// The error for a file that cannot be changed as requested.
pub fn unusable(path: &Path, why: &str) -> Error {
    Error::new(ErrorKind::Failed, format!("{} cannot be changed: {why}", path.display()))
        .hint("nothing was written; fix the file, or give another one with --kubeconfig")
}

/// The error for a file that does not exist, which names the folder if that does not exist either.
fn uncreatable(path: &Path, error: &io::Error) -> Error {
    let what = match path.parent().filter(|folder| !folder.is_dir()) {
        Some(folder) => format!("the folder {}", folder.display()),
        None => path.display().to_string(),
    };
    without_file(path, &format!("{what} cannot be created: {error}"))
}

/// An error whose cause is not in a file: its hint is about the folder.
fn without_file(path: &Path, message: &str) -> Error {
    let of_home = home::folder().map(|home| home.join(DEFAULT));
    let what_to_do = match of_home.is_some_and(|of_home| of_home == path) {
        true => "set HOME to a folder that you can write to, or give a file with --kubeconfig",
        false => "make the folder writable, or give another file with --kubeconfig",
    };
    Error::new(ErrorKind::Failed, message).hint(format!("nothing was written; {what_to_do}"))
}

/// The error for a file or a folder that cannot be written; if it belongs to another user, the hint says what to do.
pub fn unwritable(path: &Path, error: &io::Error) -> Error {
    let is_there = path.symlink_metadata().is_ok();
    let unwritable = if is_there { unusable(path, &error.to_string()) } else { uncreatable(path, error) };
    match Foreign::of_error(error) {
        Some(foreign) => {
            let what_to_do = foreign.what_to_do();
            let what_to_do = what_to_do.unwrap_or_else(|| format!("run it as {}", foreign.owner()));
            unwritable.hint(format!("nothing was written; {what_to_do}"))
        }
        None => unwritable,
    }
}
