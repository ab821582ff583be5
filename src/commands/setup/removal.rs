//! `kubekey setup --system --remove`: what an uninstallation removes. A file that an administrator has edited stays.

use std::fs;
use std::path::Path;

use super::generated;
use super::system_folder;
use crate::config::file;
use crate::error::{Error, ErrorKind, Result};
use crate::trusted_file;
use crate::{atomic_file, terminal};

/// Removes the settings file at `path` and the one that a run has put beside it, if they are as they were generated,
/// and their folder, if nothing else is in it. Returns whether anything was removed.
///
/// # Errors
/// [`ErrorKind::Failed`] without root's rights, if others than administrators can change the folder, or if a file
/// cannot be removed.
pub fn remove(path: &Path) -> Result<bool> {
    system_folder::require_rights()?;
    let folder = path.parent().unwrap_or(path);
    // Somebody else's folder may lead anywhere.
    if !trusted_file::require_folder(folder).map_err(|error| failed(folder, &error))? {
        return Ok(false);
    }
    let mut is_changed = false;
    for path in [path.with_extension("toml.new"), path.to_owned()] {
        is_changed |= remove_generated(&path)?;
    }
    // It stays if something else is in it.
    drop(fs::remove_dir(folder));
    Ok(is_changed)
}

fn remove_generated(path: &Path) -> Result<bool> {
    let text = match path.is_symlink() {
        true => return kept(path),
        false => atomic_file::read(path, file::LARGEST).map_err(|error| failed(path, &error))?,
    };
    match text {
        None => Ok(false),
        Some(text) if generated::is_as_generated(generated::SYSTEM, &String::from_utf8_lossy(&text)) => {
            fs::remove_file(path).map_err(|error| failed(path, &error))?;
            terminal::notice(&format!("removed {}", path.display()));
            Ok(true)
        }
        Some(_) => kept(path),
    }
}

fn kept(path: &Path) -> Result<bool> {
    terminal::notice(&format!("{} was edited and stays", path.display()));
    Ok(false)
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Failed, format!("{} cannot be removed: {error}", path.display()))
        .hint("fix the cause and run the command again, or remove the file yourself")
        .commands(trusted_file::commands(error).iter().cloned())
}
