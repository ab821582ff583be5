//! Kubeconfigs as `kubectl config` reads and changes them: which file an entry is in, what has to be written, and how.
//!
//! Only the named entries change: comments, order, anchors and what nobody here knows stay as they are.

mod aliases;
mod document;
mod files;
mod lock;
mod value;
mod write;

use std::path::PathBuf;

use serde_json::{Map, Value};

pub use document::Document;
pub use files::Files;
pub use lock::Locks;
pub use write::write;

use crate::error::Result;

/// The lists of a kubeconfig.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `clusters`
    Cluster,
    /// `users`
    User,
    /// `contexts`
    Context,
}

impl Kind {
    /// The name of the list.
    fn list(self) -> &'static str {
        match self {
            Self::Cluster => "clusters",
            Self::User => "users",
            Self::Context => "contexts",
        }
    }

    /// The field beside `name` that holds the rest, which is also what people call one.
    fn field(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::User => "user",
            Self::Context => "context",
        }
    }
}

/// An entry as it is to be. Fields that are not in it stay as they are.
pub struct Entry {
    /// The list that it is in.
    pub kind: Kind,
    /// Its name there.
    pub name: String,
    /// What it has to have.
    pub fields: Map<String, Value>,
    /// What it must not have beside that, since kubectl would refuse it or use it instead.
    pub excludes: &'static [&'static str],
}

/// Which context is the current one afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Current {
    /// The first of the new ones.
    Set,
    /// The one that was, and the first of the new ones if there was none.
    Keep,
}

/// A file with what becomes of it.
pub struct Change {
    /// As the user calls it.
    pub path: PathBuf,
    /// Its text; `None` where there is no file.
    pub before: Option<String>,
    /// The text that it is to have.
    pub after: String,
    /// What is done, a line each.
    pub actions: Vec<String>,
}

/// What has to be written for these entries to be there; nothing, if they are.
///
/// # Errors
/// If a file cannot be read, is no kubeconfig, or cannot be changed without changing more than the entries.
pub fn plan(files: &Files, entries: &[Entry], current: Current) -> Result<Vec<Change>> {
    let mut open = files.all().iter().map(|path| Open::read(path.clone())).collect::<Result<Vec<_>>>()?;
    for entry in entries {
        let has_it = |open: &Open| open.document.has(entry);
        let index = open.iter().position(has_it).unwrap_or_else(|| files.index_of_default());
        open[index].put(entry)?;
    }
    let old = open.iter().find_map(|open| open.document.current_context());
    let new = entries.iter().find(|entry| entry.kind == Kind::Context).map(|context| &context.name);
    if let Some(new) = new.filter(|new| old.is_none() || (current == Current::Set && old.as_ref() != Some(new))) {
        open[files.index_of_default()].set_current_context(new)?;
    }
    open.into_iter().filter(|open| !open.actions.is_empty()).map(Open::finish).collect()
}

/// A file while it is planned.
struct Open {
    path: PathBuf,
    before: Option<String>,
    document: Document,
    actions: Vec<String>,
}

impl Open {
    fn read(path: PathBuf) -> Result<Self> {
        let before = files::read(&path)?;
        let document = Document::parse(before.as_deref().unwrap_or_default());
        let document = document.map_err(|why| files::unusable(&path, &why))?;
        Ok(Self { path, before, document, actions: Vec::new() })
    }

    fn put(&mut self, entry: &Entry) -> Result<()> {
        let action = if self.document.has(entry) { "changed" } else { "added" };
        let is_changed = self.document.put(entry).map_err(|why| files::unusable(&self.path, &why))?;
        if is_changed {
            self.actions.push(format!("{} '{}' {action}", entry.kind.field(), entry.name));
        }
        Ok(())
    }

    fn set_current_context(&mut self, name: &str) -> Result<()> {
        self.document.set_current_context(name).map_err(|why| files::unusable(&self.path, &why))?;
        self.actions.push(format!("current context is '{name}'"));
        Ok(())
    }

    fn finish(self) -> Result<Change> {
        let after = self.document.into_text().map_err(|why| files::unusable(&self.path, &why))?;
        Ok(Change { path: self.path, before: self.before, after, actions: self.actions })
    }
}
