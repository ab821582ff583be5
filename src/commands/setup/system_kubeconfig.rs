//! A kubeconfig for all users of a computer, with the clusters of its settings.

use std::path::{Path, PathBuf};

use super::command_path::command;
use super::entries::entries;
use super::wanted::{self, Wanted};
use crate::config::Cluster;
use crate::error::{Error, ErrorKind, Result};
use crate::kubeconfig::{self, Change, Current, Entry, Files, Locks};
use crate::{atomic_file, cli};

/// What has to be written into the file that was asked for; nothing, if none was.
#[derive(Default)]
pub struct Kubeconfig {
    /// The file's change, if there has to be one.
    pub changes: Vec<Change>,
    /// Held until it is written.
    locks: Option<Locks>,
}

impl Kubeconfig {
    /// Looks at the file, and locks it unless this is a dry run.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if there is no cluster, [`ErrorKind::Failed`] if the file cannot be changed.
    pub fn plan(clusters: &[Cluster], asked: &cli::Setup) -> Result<Self> {
        let Some(path) = asked.kubeconfig.as_deref().map(Path::new) else { return Ok(Self::default()) };
        if clusters.is_empty() {
            return Err(Error::new(ErrorKind::Usage, format!("there is no cluster to write into {}", path.display()))
                .hint("give --cluster and --server, or [[clusters]] in --answers"));
        }
        let entries = entries_of(clusters, asked.command_name)?;
        let files = Files::find(Some(path))?;
        let locks = if asked.dry_run { None } else { Some(lock(&files)?) };
        let changes = kubeconfig::plan(&files, entries.as_flattened(), Current::Keep)?;
        changes.iter().try_for_each(|change| locks.as_ref().map_or(Ok(()), |locks| locks.require(&change.path)))?;
        Ok(Self { changes, locks })
    }

    /// Writes it, and gives back the copies of what was there before.
    ///
    /// # Errors
    /// [`ErrorKind::Failed`] if it cannot be written; then it is as it was.
    pub fn write(&self) -> Result<Vec<Option<PathBuf>>> {
        debug_assert!(self.changes.is_empty() || self.locks.is_some(), "what is planned for a dry run is not written");
        self.changes.iter().map(write).collect()
    }
}

fn lock(files: &Files) -> Result<Locks> {
    for folder in files.all().iter().filter_map(|path| path.parent()) {
        atomic_file::create_public_dir(folder).map_err(|error| failed(folder, &error))?;
    }
    Locks::acquire(files)
}

/// A new one is for all users, and one that was there keeps its mode.
fn write(change: &Change) -> Result<Option<PathBuf>> {
    match change.before {
        Some(_) => kubeconfig::write(change),
        None => {
            let written = atomic_file::publish(&change.path, change.after.as_bytes(), None);
            atomic_file::remove_remains(&change.path);
            written.map(|()| None).map_err(|error| failed(&change.path, &error))
        }
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Failed, format!("{} cannot be written: {error}", path.display()))
        .hint("give another file with --kubeconfig")
}

/// All but the profile stands in the settings, where it can be changed for all later.
fn entries_of(clusters: &[Cluster], is_bare: bool) -> Result<Vec<[Entry; 3]>> {
    let command = command(is_bare)?;
    let arguments = |wanted: &Wanted| wanted.profile.iter().map(|profile| format!("--profile={profile}")).collect();
    let all = wanted::all(clusters)?;
    Ok(all.iter().map(|wanted| entries(wanted, &command, arguments(wanted))).collect())
}
