//! Changes of kubeconfigs, shown to a person and then written under a lock.

use std::path::{Path, PathBuf};

use super::report;
use crate::cli;
use crate::error::{Error, ErrorKind, Result};
use crate::kubeconfig::{self, Change, Files, Locks};

/// Changes that were written, or in a dry run would be, and the paths of the backups.
pub type Written = (Vec<Change>, Vec<Option<PathBuf>>);

/// The kubeconfigs of this run.
///
/// # Errors
/// As [`Files::find`].
pub fn files_of(asked: &cli::Setup) -> Result<Files> {
    Files::find(asked.kubeconfig.as_deref().map(Path::new))
}

/// Writes what is planned, unless this is a dry run. With `is_shown`, a person must confirm it first.
///
/// # Errors
/// [`ErrorKind::Failed`] if a file cannot be changed, or the person says no; and as `plan`.
pub fn write(
    files: &Files,
    is_dry_run: bool,
    is_shown: bool,
    plan: impl Fn() -> Result<Vec<Change>>,
) -> Result<Written> {
    // Reading needs no lock: no program leaves a kubeconfig half written.
    if is_dry_run {
        return Ok((plan()?, Vec::new()));
    }
    // Confirmed before the lock is taken: a person takes longer than kubectl waits for it.
    let shown = is_shown.then(&plan).transpose()?;
    shown.as_deref().map(report::confirm).transpose()?;
    let locks = Locks::acquire(files)?;
    let changes = plan()?;
    if let Some(shown) = shown {
        require_same(&shown, &changes)?;
    }
    changes.iter().try_for_each(|change| locks.require(&change.path))?;
    kubeconfig::require_all_writable(&changes)?;
    let backups = changes.iter().map(kubeconfig::write).collect::<Result<_>>()?;
    Ok((changes, backups))
}

/// Checks that the changes are those that a person has seen.
///
/// # Errors
/// [`ErrorKind::Failed`] if not.
pub fn require_same(shown: &[Change], changes: &[Change]) -> Result<()> {
    let texts = |changes: &[Change]| changes.iter().map(|change| change.after.clone()).collect::<Vec<_>>();
    match texts(shown) == texts(changes) {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Failed, "nothing was written: the kubeconfig has changed in the meantime")
            .hint("run the command again to see the new changes")),
    }
}
