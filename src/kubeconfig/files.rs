//! The files that `kubectl config` would read, and the one that it would write to.

use std::io;
use std::path::{Path, PathBuf};

use crate::atomic_file;
use crate::error::{Error, ErrorKind, Result};

/// The kubeconfigs of this run, in kubectl's order: of entries with the same name the first counts.
pub struct Files {
    all: Vec<PathBuf>,
    default: usize,
}

impl Files {
    /// The file that was asked for, else those of `KUBECONFIG`, else `~/.kube/config`.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if there is no home folder to look in.
    pub fn find(asked: Option<&Path>) -> Result<Self> {
        let listed = std::env::var_os("KUBECONFIG").unwrap_or_default();
        let mut all: Vec<PathBuf> = match asked {
            Some(path) => vec![path.to_owned()],
            None => std::env::split_paths(&listed).filter(|path| !path.as_os_str().is_empty()).collect(),
        };
        if all.is_empty() {
            all.push(std::env::home_dir().ok_or_else(no_home)?.join(".kube/config"));
        }
        let mut known = std::collections::HashSet::new();
        // One file by two names would be waited for by ourselves.
        all.retain(|path| known.insert(path.canonicalize().unwrap_or_else(|_| path.clone())));
        // What client-go does (PathOptions.GetDefaultFilename): the first that exists, else the last.
        let default = all.iter().position(|path| path.exists()).unwrap_or(all.len() - 1);
        let all = all.iter().map(std::path::absolute).collect::<io::Result<_>>();
        let all = all.map_err(|error| Error::new(ErrorKind::Usage, format!("KUBECONFIG cannot be used: {error}")))?;
        Ok(Self { all, default })
    }

    /// All of them; never empty.
    pub fn all(&self) -> &[PathBuf] {
        &self.all
    }

    /// Which one gets what is in none.
    pub fn index_of_default(&self) -> usize {
        self.default
    }
}

fn no_home() -> Error {
    Error::new(ErrorKind::Usage, "there is no home folder to write a kubeconfig in").hint("give --kubeconfig FILE")
}

/// The text of a file; `None` where there is none.
///
/// # Errors
/// If it cannot be read.
pub fn read(path: &Path) -> Result<Option<String>> {
    let text = atomic_file::read(path).map_err(|error| unusable(path, &error.to_string()))?;
    text.map(String::from_utf8).transpose().map_err(|_| unusable(path, "it is not text in UTF-8"))
}

/// The error for a file that cannot be changed as wanted.
pub fn unusable(path: &Path, why: &str) -> Error {
    Error::new(ErrorKind::Failed, format!("{} cannot be changed: {why}", path.display()))
        .hint("nothing was written; mend the file, or give another one with --kubeconfig")
}
