//! The folder of the settings for all users, and the rights that a run needs to write there.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// SDDL: administrators change the folder and all users read it, whatever the folder above it grants.
#[cfg(windows)]
const SECURITY: &str = "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)";

/// Checks that this run may write the settings for all users.
///
/// # Errors
/// [`ErrorKind::Failed`] without root's rights.
#[cfg(unix)]
pub fn require_rights() -> Result<()> {
    match rustix::process::geteuid().is_root() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Failed, "only root can write the settings for all users of this machine")
            .hint("run it with sudo, or with --dry-run to see what it would do")),
    }
}

/// The same for an administrator on Windows, whose programs have full rights only if they were started so.
///
/// # Errors
/// [`ErrorKind::Failed`] without an administrator's full rights.
#[cfg(windows)]
pub fn require_rights() -> Result<()> {
    const MESSAGE: &str = "only an administrator can write the settings for all users of this machine";
    match crate::windows::security::is_elevated() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Failed, MESSAGE).hint(
            "run it in a prompt that you have opened with 'Run as administrator', or with --dry-run to see what it \
             would do",
        )),
    }
}

/// Nothing to prepare: missing folders are made with the file, and nobody but root can have made them before.
///
/// # Errors
/// None.
#[cfg(unix)]
pub fn prepare(_: &Path) -> Result<()> {
    Ok(())
}

/// Makes the folder, which only administrators can change. Every user can make one there before; it is refused.
///
/// # Errors
/// [`ErrorKind::Failed`], with the commands that fix it, if the folder is not an administrator's.
#[cfg(windows)]
pub fn prepare(folder: &Path) -> Result<()> {
    use std::{fs, io};

    use crate::trusted_file;
    use crate::windows::security;
    let is_new = match security::create_folder(folder, SECURITY) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        made => made.map(|()| true),
    };
    let is_new = is_new.map_err(|error| unusable(folder, &error))?;
    let checked = trusted_file::require_folder(folder);
    checked.map(drop).map_err(|error| match is_new {
        // A folder that is refused stops every run, so a new one does not stay.
        true => {
            drop(fs::remove_dir(folder));
            let message =
                format!("{} cannot be made: {error}, although kubekey is run by an administrator", folder.display());
            Error::new(ErrorKind::Failed, message).hint("make it yourself so that only administrators can change it")
        }
        false => unusable(folder, &error),
    })
}

#[cfg(windows)]
fn unusable(folder: &Path, error: &std::io::Error) -> Error {
    use crate::trusted_file;
    let failed = Error::new(ErrorKind::Failed, format!("{} cannot be used: {error}", folder.display()));
    match trusted_file::commands(error) {
        [] => failed.hint("nothing was written; fix the cause and run the command again"),
        commands => failed.hint(trusted_file::HINT).commands(commands.iter().cloned()),
    }
}
