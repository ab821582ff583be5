//! What was done, for people on stderr and for programs on stdout; and what would be, as a diff on stdout.

use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::diff::unified;
use crate::error::{Error, ErrorKind, Result};
use crate::kubeconfig::{Change, Entry};
use crate::terminal;

/// How it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// In words.
    Text,
    /// As one JSON document.
    Json,
}

impl Format {
    /// # Errors
    /// [`ErrorKind::Usage`] for one that is not known.
    pub fn parse(text: Option<&str>) -> Result<Self> {
        match text {
            None | Some("text") => Ok(Self::Text),
            Some("json") => Ok(Self::Json),
            Some(other) => {
                Err(Error::new(ErrorKind::Usage, format!("--output '{other}' cannot be used"))
                    .hint("give text or json"))
            }
        }
    }
}

/// What was done.
pub struct Report<'a> {
    /// The cluster, the user and the context, of each cluster.
    pub entries: &'a [[Entry; 3]],
    /// The files that had to be changed.
    pub changes: &'a [Change],
    /// The copies of those, in the same order.
    pub backups: &'a [Option<PathBuf>],
    /// Whether nothing was written.
    pub is_dry_run: bool,
}

impl Report<'_> {
    /// Says it.
    ///
    /// # Errors
    /// [`ErrorKind::Failed`] if nobody reads it.
    pub fn tell(&self, format: Format, out: &mut impl Write) -> Result<()> {
        let written = match format {
            Format::Json => writeln!(out, "{}", self.document()),
            Format::Text if self.is_dry_run => self.write_diffs(out),
            Format::Text => Ok(()),
        };
        if format == Format::Text {
            self.notices();
        }
        written.and_then(|()| out.flush()).map_err(|error: io::Error| {
            Error::new(ErrorKind::Failed, format!("the report cannot be written: {error}"))
                .hint("the kubeconfig is as it would be otherwise")
        })
    }

    fn write_diffs(&self, out: &mut impl Write) -> io::Result<()> {
        self.changes.iter().try_for_each(|change| {
            let before = change.before.as_deref();
            out.write_all(unified(&change.path.display().to_string(), before, &change.after).as_bytes())
        })
    }

    fn notices(&self) {
        for change in self.changes {
            let verb = if self.is_dry_run { "would be written" } else { "is written" };
            terminal::notice(&format!("{} {verb}: {}", change.path.display(), change.actions.join(", ")));
        }
        let contexts: Vec<_> = self.entries.iter().map(|[.., context]| format!("'{}'", context.name)).collect();
        match (&contexts[..], self.changes.is_empty()) {
            ([context], true) => terminal::notice(&format!("context {context} is there already, nothing to do")),
            (_, true) => {
                terminal::notice(&format!("contexts {} are there already, nothing to do", contexts.join(", ")));
            }
            ([context, ..], false) if !self.is_dry_run => {
                terminal::notice(&format!("try it: kubectl --context {context} get pods"));
            }
            _ => {}
        }
    }

    fn document(&self) -> Value {
        let clusters: Vec<_> = self
            .entries
            .iter()
            .map(
                |[cluster, user, context]| json!({"cluster": cluster.name, "user": user.name, "context": context.name}),
            )
            .collect();
        let files: Vec<_> = self.changes.iter().enumerate().map(|(index, change)| self.file(index, change)).collect();
        json!({
            "changed": !self.changes.is_empty(),
            "dryRun": self.is_dry_run,
            "clusters": clusters,
            "files": files,
        })
    }

    fn file(&self, index: usize, change: &Change) -> Value {
        let path = change.path.to_string_lossy();
        let mut file = json!({"path": path, "created": change.before.is_none(), "actions": change.actions});
        if let Some(backup) = self.backups.get(index).into_iter().flatten().next() {
            file["backup"] = backup.to_string_lossy().into();
        }
        if self.is_dry_run {
            file["diff"] = unified(&path, change.before.as_deref(), &change.after).into();
        }
        file
    }
}
