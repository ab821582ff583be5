//! A context's entry whose cluster or user changes.

use super::document::Document;
use super::entry::Entry;

/// An existing context that was for something else.
pub struct Repointed {
    /// Its name.
    pub name: String,
    cluster: Option<String>,
    user: Option<String>,
}

impl Repointed {
    /// What a context was for before this entry is written; `None` if that stays, or the context is new.
    pub fn by(document: &Document, context: &Entry) -> Option<Self> {
        let old = |field: &str| document.text(context, field).filter(|name| !name.is_empty());
        let (cluster, user) = (old("cluster"), old("user"));
        let is_other =
            |old: &Option<String>, field: &str| old.as_ref().is_some_and(|old| context.fields[field] != **old);
        let is_repointed = is_other(&cluster, "cluster") || is_other(&user, "user");
        is_repointed.then(|| Self { name: context.name.clone(), cluster, user })
    }

    /// What it is for before it is written, in one line.
    pub fn plan(&self) -> String {
        format!("would change context '{}', which uses {}", self.name, self.used())
    }

    /// What it was for, in one line.
    pub fn in_words(&self) -> String {
        format!("context '{}' used {} before", self.name, self.used())
    }

    fn used(&self) -> String {
        let of = |kind: &str, name: &Option<String>| name.as_ref().map(|name| format!("{kind} '{name}'"));
        let used: Vec<_> = of("cluster", &self.cluster).into_iter().chain(of("user", &self.user)).collect();
        used.join(" and ")
    }
}
