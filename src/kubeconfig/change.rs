//! The changes that put entries into the kubeconfigs: which file each entry is in, and how that file changes.

use std::path::PathBuf;

use serde_json::Map;

use super::document::Document;
use super::entry::{Entry, Kind};
use super::files::{self, Files};
use super::moved::{self, Moved};
use super::repointed::Repointed;
use crate::encoding::Encoding;
use crate::error::Result;
use crate::secret::Secret;
use crate::shell::quoted;

/// The current context after the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Current {
    /// The first of the new contexts.
    Set,
    /// The previous one, or the first of the new ones if there was none.
    Keep,
    /// Unchanged, for users who have a separate file.
    Leave,
}

/// A file and its changes.
pub struct Change {
    /// The path as the user names it, without following links.
    pub path: PathBuf,
    /// Its current text; `None` if there is no file.
    pub before: Option<String>,
    /// Its text after the change.
    pub after: String,
    /// The encoding of both texts.
    pub encoding: Encoding,
    /// The changes, one line each.
    pub actions: Vec<String>,
    /// Clusters in it whose server changes.
    pub moved: Vec<Moved>,
    /// Contexts in it whose cluster or user changes.
    pub repointed: Vec<Repointed>,
    /// Secrets of the file's users that are not to be shown.
    pub secrets: Vec<Secret>,
}

/// The changes that put these entries into the files; empty if they are there already.
///
/// # Errors
/// If a file cannot be read, is not a kubeconfig, or cannot be changed without changing more than the entries; and if a
/// cluster of that name was not written by kubekey.
pub fn plan(files: &Files, clusters: &[[Entry; 3]], current: Current) -> Result<Vec<Change>> {
    let mut open = files.all().iter().map(|path| Open::read(path.clone())).collect::<Result<Vec<_>>>()?;
    clusters.iter().try_for_each(|cluster| refuse_another(&open, cluster))?;
    let entries = clusters.as_flattened();
    for cluster in clusters {
        if let Some(holder) = holder_of(&mut open, &cluster[0]) {
            holder.leave_server(cluster)?;
        }
    }
    for entry in entries {
        let index = open.iter().position(|open| open.document.has(entry)).unwrap_or_else(|| files.index_of_default());
        open[index].put(entry)?;
    }
    let old = open.iter().find_map(|open| open.document.current_context());
    let new = entries.iter().find(|entry| entry.kind == Kind::Context).map(|context| &context.name);
    let is_to_be_set = |new: &&String| match current {
        Current::Leave => false,
        Current::Keep => old.is_none(),
        Current::Set => old.as_ref() != Some(new),
    };
    if let Some(new) = new.filter(is_to_be_set) {
        open[files.index_of_default()].set_current_context(new)?;
    }
    open.into_iter().filter(|open| !open.actions.is_empty()).map(Open::finish).collect()
}

/// A user's entry that takes the place of the one of the same name.
pub struct Replacement {
    /// The entry.
    pub entry: Entry,
    /// The fields of the old entry that it must not keep.
    pub removes: &'static [&'static str],
}

/// The changes that put these entries in the place of others, each in the first file that has it. `secrets` are not to
/// be shown with them.
///
/// # Errors
/// If a file cannot be read, is not a kubeconfig, or cannot be changed without changing more than the entries.
pub fn plan_replacements(files: &Files, replacements: &[Replacement], secrets: &[Secret]) -> Result<Vec<Change>> {
    let mut open = files.all().iter().map(|path| Open::read(path.clone())).collect::<Result<Vec<_>>>()?;
    for Replacement { entry, removes } in replacements {
        let Some(holder) = holder_of(&mut open, entry) else { continue };
        for field in *removes {
            let removed = holder.document.remove(entry, field);
            removed.map_err(|why| files::unusable(&holder.path, &why))?;
        }
        holder.put(entry)?;
        holder.secrets.extend_from_slice(secrets);
    }
    open.into_iter().filter(|open| !open.actions.is_empty()).map(Open::finish).collect()
}

/// Whether a cluster's entry would lose its CA with this server.
///
/// # Errors
/// If a file cannot be read, or is not a kubeconfig.
pub fn loses_authority(files: &Files, name: &str, server: &str) -> Result<bool> {
    let fields = Map::from_iter([("server".to_owned(), server.into())]);
    let cluster =
        Entry { kind: Kind::Cluster, name: name.to_owned(), fields, excludes: &[], replaces: None, keeps: &[] };
    let mut open = files.all().iter().map(|path| Open::read(path.clone())).collect::<Result<Vec<_>>>()?;
    Ok(holder_of(&mut open, &cluster).is_some_and(|holder| moved::loses_authority(&holder.document, &cluster)))
}

fn holder_of<'a>(open: &'a mut [Open], entry: &Entry) -> Option<&'a mut Open> {
    open.iter_mut().find(|open| open.document.has(entry))
}

/// Rejects a cluster with another server and no user of ours: kubekey did not write it, and its users would send their
/// credentials for it to our server.
fn refuse_another(open: &[Open], [cluster, user, _]: &[Entry; 3]) -> Result<()> {
    if open.iter().any(|open| open.document.has(user)) {
        return Ok(());
    }
    let Some(holder) = open.iter().find(|open| open.document.has(cluster)) else { return Ok(()) };
    match holder.document.text(cluster, "server") {
        Some(server) if !cluster.fields["server"].as_str().is_some_and(|new| moved::is_same_url(new, &server)) => {
            let why = format!("it has another cluster '{}', at {server}", cluster.name);
            let (name, file) = (quoted(&cluster.name), quoted(&holder.path.to_string_lossy()));
            Err(files::unusable(&holder.path, &why).hint(format!(
                "nothing was written; rename one of the two clusters, or remove the existing one with 'kubectl config delete-cluster {name} --kubeconfig {file}'",
            )))
        }
        _ => Ok(()),
    }
}

/// A file while its changes are planned.
struct Open {
    path: PathBuf,
    before: Option<String>,
    encoding: Encoding,
    document: Document,
    actions: Vec<String>,
    moved: Vec<Moved>,
    repointed: Vec<Repointed>,
    secrets: Vec<Secret>,
}

impl Open {
    fn read(path: PathBuf) -> Result<Self> {
        let (before, encoding) = files::read(&path)?.unzip();
        let encoding = encoding.unwrap_or(Encoding::Utf8);
        let document = Document::parse(before.as_deref().unwrap_or_default());
        let document = document.map_err(|why| files::unusable(&path, &why))?;
        let (actions, moved, repointed, secrets) = Default::default();
        Ok(Self { path, before, encoding, document, actions, moved, repointed, secrets })
    }

    /// The message about the server replaces the one about the change of the entry.
    fn leave_server(&mut self, cluster: &[Entry; 3]) -> Result<()> {
        let moved = moved::leave_server(&mut self.document, cluster);
        self.moved.extend(moved.map_err(|why| files::unusable(&self.path, &why))?);
        Ok(())
    }

    fn put(&mut self, entry: &Entry) -> Result<()> {
        if entry.kind == Kind::Context {
            self.repointed.extend(Repointed::by(&self.document, entry));
        }
        let action = if self.document.has(entry) { "changed" } else { "added" };
        let is_changed = self.document.put(entry).map_err(|why| files::unusable(&self.path, &why))?;
        let moved = self.moved.iter().find(|moved| entry.kind == Kind::Cluster && moved.name == entry.name);
        match moved {
            Some(moved) => self.actions.push(moved.action()),
            None if is_changed => self.actions.push(format!("{} '{}' {action}", entry.kind.field(), entry.name)),
            None => {}
        }
        Ok(())
    }

    fn set_current_context(&mut self, name: &str) -> Result<()> {
        self.document.set_current_context(name).map_err(|why| files::unusable(&self.path, &why))?;
        self.actions.push(format!("current context is '{name}'"));
        Ok(())
    }

    fn finish(self) -> Result<Change> {
        let Self { path, before, encoding, document, actions, moved, repointed, secrets } = self;
        let after = document.into_text().map_err(|why| files::unusable(&path, &why))?;
        files::require_readable(&path, &encoding.encode(&after))?;
        Ok(Change { path, before, after, encoding, actions, moved, repointed, secrets })
    }
}
