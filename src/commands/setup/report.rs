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
        let printed = print(format, self.is_dry_run, self.changes, &self.document(), out);
        if format == Format::Text {
            self.notices();
        }
        printed
    }

    fn notices(&self) {
        notice_changes(self.changes, self.is_dry_run);
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
        json!({
            "changed": !self.changes.is_empty(),
            "dryRun": self.is_dry_run,
            "clusters": clusters,
            "files": documents(self.changes, self.backups, self.is_dry_run),
        })
    }
}

/// Writes to stdout what belongs there: the document, or of a dry run the differences.
///
/// # Errors
/// [`ErrorKind::Failed`] if nobody reads it.
pub fn print(
    format: Format,
    is_dry_run: bool,
    changes: &[Change],
    document: &Value,
    out: &mut impl Write,
) -> Result<()> {
    let written = match format {
        Format::Json => writeln!(out, "{document}"),
        Format::Text if is_dry_run => changes.iter().try_for_each(|change| out.write_all(diff(change).as_bytes())),
        Format::Text => Ok(()),
    };
    written.and_then(|()| out.flush()).map_err(|error: io::Error| {
        Error::new(ErrorKind::Failed, format!("the report cannot be written: {error}"))
            .hint("the files are as they would be otherwise")
    })
}

/// Says of each file what is done.
pub fn notice_changes(changes: &[Change], is_dry_run: bool) {
    let verb = if is_dry_run { "would be written" } else { "is written" };
    for change in changes {
        terminal::notice(&format!("{} {verb}: {}", change.path.display(), change.actions.join(", ")));
    }
}

/// The same for programs; the backups are in the same order, as far as there are any.
pub fn documents(changes: &[Change], backups: &[Option<PathBuf>], is_dry_run: bool) -> Vec<Value> {
    let backups = backups.iter().map(Option::as_ref).chain(std::iter::repeat(None));
    let document = |(change, backup): (&Change, Option<&PathBuf>)| {
        let path = change.path.to_string_lossy();
        let mut file = json!({"path": path, "created": change.before.is_none(), "actions": change.actions});
        if let Some(backup) = backup {
            file["backup"] = backup.to_string_lossy().into();
        }
        if is_dry_run {
            file["diff"] = diff(change).into();
        }
        file
    };
    changes.iter().zip(backups).map(document).collect()
}

/// The differences, without the value of a client secret.
fn diff(change: &Change) -> String {
    let text = unified(&change.path.display().to_string(), change.before.as_deref(), &change.after);
    text.split_inclusive('\n').map(without_secret).collect()
}

fn without_secret(line: &str) -> String {
    const KEY: &str = "client_secret";
    match line.find(KEY).map(|at| line.split_at(at + KEY.len())) {
        Some((key, value)) if value.trim_start_matches(['"', '\'', ' ']).starts_with('=') => format!("{key} = ***\n"),
        _ => line.to_owned(),
    }
}
