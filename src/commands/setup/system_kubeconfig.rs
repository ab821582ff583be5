//! A kubeconfig for all users of a machine, with the clusters of the system settings.

use std::io;
use std::path::{Path, PathBuf};

use super::entries::{Plugin, entries};
use super::wanted::{self, Wanted};
use crate::config::Cluster;
use crate::error::{Error, ErrorKind, Result};
use crate::kubeconfig::{self, Change, Current, Entry, Files, Locks};
use crate::{atomic_file, cli};

/// The changes to the file of `--kubeconfig`; empty if the flag was not given.
#[derive(Default)]
pub struct Kubeconfig {
    /// The change to the file, if one is needed.
    pub changes: Vec<Change>,
    /// Held until the file is written.
    locks: Option<Locks>,
}

impl Kubeconfig {
    /// Reads the file and plans the changes. Locks it unless this is a dry run.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if there is no cluster, [`ErrorKind::Failed`] if the file cannot be changed.
    pub fn plan(clusters: &[Cluster], asked: &cli::Setup) -> Result<Self> {
        let Some(path) = asked.kubeconfig.as_deref().map(Path::new) else { return Ok(Self::default()) };
        if clusters.is_empty() {
            return Err(Error::new(ErrorKind::Usage, format!("there is no cluster to write into {}", path.display()))
                .hint("give --cluster and --server, or [[clusters]] in --answers"));
        }
        let entries = entries_of(clusters, asked)?;
        let files = Files::find(Some(path))?;
        let locks = if asked.dry_run { None } else { Some(lock(&files)?) };
        let changes = kubeconfig::plan(&files, &entries, Current::Leave)?;
        if let Some(locks) = &locks {
            changes.iter().try_for_each(|change| locks.require(&change.path))?;
            kubeconfig::require_all_writable(&changes)?;
        }
        match changes.iter().find(|change| change.before.is_none() && change.path.is_symlink()) {
            Some(change) => Err(failed(&change.path, &io::Error::other("it is a broken link"))),
            None => Ok(Self { changes, locks }),
        }
    }

    /// Writes the file. Returns the paths of the backups.
    ///
    /// # Errors
    /// [`ErrorKind::Failed`] if it cannot be written; the file is then unchanged.
    pub fn write(&self) -> Result<Vec<Option<PathBuf>>> {
        // What is planned for a dry run is not written.
        debug_assert!(self.changes.is_empty() || self.locks.is_some());
        self.changes.iter().map(write).collect()
    }
}

fn lock(files: &Files) -> Result<Locks> {
    for folder in files.all().iter().filter_map(|path| path.parent()) {
        atomic_file::create_public_dir(folder).map_err(|error| failed(folder, &error))?;
    }
    Locks::acquire(files)
}

/// A new file is readable by all users; an existing one keeps its mode.
fn write(change: &Change) -> Result<Option<PathBuf>> {
    match change.before {
        Some(_) => kubeconfig::write(change),
        None => atomic_file::publish(&change.path, change.after.as_bytes(), None)
            .map(|()| None)
            .map_err(|error| failed(&change.path, &error)),
    }
}

fn failed(path: &Path, error: &io::Error) -> Error {
    Error::new(ErrorKind::Failed, format!("{} cannot be written: {error}", path.display()))
        .hint("give another file with --kubeconfig")
}

/// Only the profile is written as an argument. All else is in the system settings, where the administrator can change
/// it later for all users.
fn entries_of(clusters: &[Cluster], asked: &cli::Setup) -> Result<Vec<[Entry; 3]>> {
    let plugin = Plugin::of(asked)?;
    let arguments = |wanted: &Wanted| wanted.profile.iter().map(|profile| format!("--profile={profile}")).collect();
    let all = wanted::all(clusters)?;
    Ok(all.iter().map(|wanted| entries(wanted, &plugin, arguments(wanted))).collect())
}
