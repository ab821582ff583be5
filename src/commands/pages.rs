//! `kubekey pages`: the built-in pages, to start from, and a preview of all pages.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use crate::config::{Flags, Layers};
use crate::environment::variable;
use crate::error::{Error, ErrorKind, Result};
use crate::policy::Policy;
use crate::settings::PageSettings;
use crate::shell::quoted;
use crate::sign_in::{BUILT_IN_PAGES, preview};
use crate::{atomic_file, terminal};

/// Writes the built-in pages into `dir`, which is made if it is missing. Existing files are never overwritten.
///
/// # Errors
/// [`ErrorKind::Failed`] if a file exists or cannot be written.
pub fn write_pages(dir: &Path) -> Result<()> {
    // The setting takes no relative path.
    let dir = &std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let cannot = |path: &Path, error: io::Error| {
        let hint = match error.kind() {
            io::ErrorKind::AlreadyExists => "move it away, or give another folder: kubekey overwrites no page",
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space, or give another folder",
            _ => "give a folder that you can write to",
        };
        Error::new(ErrorKind::Failed, format!("{} cannot be written: {error}", path.display())).hint(hint)
    };
    let paths = BUILT_IN_PAGES.map(|(name, text)| (dir.join(name), text));
    if let Some((path, _)) = paths.iter().find(|(path, _)| path.symlink_metadata().is_ok()) {
        return Err(cannot(path, io::ErrorKind::AlreadyExists.into()));
    }
    // The pages are no secret, and for all users the administrator's folder must be readable.
    atomic_file::create_public_dir(dir).map_err(|error| cannot(dir, error))?;
    for (index, (path, text)) in paths.iter().enumerate() {
        if let Err(error) = write_new(path, text) {
            paths[..index].iter().for_each(|(path, _)| drop(fs::remove_file(path)));
            return Err(cannot(path, error));
        }
    }
    paths.iter().for_each(|(path, _)| terminal::notice(&format!("wrote {}", path.display())));
    let folder = quoted(&dir.display().to_string());
    terminal::notice(&format!("edit them, and see them with 'kubekey pages --preview --dir {folder}'"));
    Ok(())
}

/// A part of a page would be in the way of the next run.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes()).inspect_err(|_| drop(fs::remove_file(path)))
}

/// Shows all pages with sample data in the browser, made from the templates in `dir`, or from those that a sign-in would
/// use, until the process ends.
///
/// # Errors
/// [`ErrorKind::Usage`] or [`ErrorKind::Policy`] for a setting that cannot be used; [`ErrorKind::SignIn`] if no port is free.
pub fn preview_pages(flags: &Flags, dir: Option<&Path>) -> Result<()> {
    let policy = Policy::load()?;
    let layers = Layers::read(flags, variable, None)?;
    layers.warn();
    let mut settings = PageSettings::resolve(&layers.given, variable, &policy)?;
    if let Some(dir) = dir {
        let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
        if !dir.is_dir() {
            let message = format!("{} is not a folder", dir.display());
            return Err(Error::new(ErrorKind::Usage, message).hint("give --dir the folder with your templates"));
        }
        settings.template_dir = Some(dir);
    }
    preview(&settings)
}
