//! What was done for all users of a computer, for people and for programs.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::generated::Step;
use super::report::{Format, documents, notice_changes, print};
use crate::config::Cluster;
use crate::error::Result;
use crate::kubeconfig::Change;
use crate::terminal;

/// What was done.
pub struct Report<'a> {
    /// The file with the settings.
    pub path: &'a Path,
    /// What was done with it.
    pub step: Step,
    /// The clusters that are described.
    pub clusters: &'a [Cluster],
    /// The files that had to be changed.
    pub changes: &'a [Change],
    /// The copies of those, in the same order.
    pub backups: &'a [Option<PathBuf>],
}

impl Report<'_> {
    /// Says it.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Failed`] if nobody reads it.
    pub fn tell(&self, format: Format, is_dry_run: bool, out: &mut impl Write) -> Result<()> {
        let printed = print(format, is_dry_run, self.changes, &self.document(is_dry_run), out);
        if format == Format::Text {
            notice_changes(self.changes, is_dry_run);
            self.notice_rest();
        }
        printed
    }

    fn notice_rest(&self) {
        let path = self.path.display();
        let is_beside = self.changes.iter().any(|change| change.path == self.path.with_extension("toml.new"));
        match self.step {
            Step::Write => {}
            Step::Nothing => terminal::notice(&format!("{path} is there already, nothing to do")),
            Step::Keep => terminal::notice(&format!("{path} was changed by hand and is kept; there is nothing new")),
            Step::WriteBeside if is_beside => {}
            Step::WriteBeside => {
                terminal::notice(&format!("{path} was changed by hand and is kept; what is new is in {path}.new"));
            }
        }
    }

    fn document(&self, is_dry_run: bool) -> Value {
        let clusters: Vec<_> = self.clusters.iter().map(|cluster| json!({"cluster": cluster.name})).collect();
        json!({
            "changed": !self.changes.is_empty(),
            "dryRun": is_dry_run,
            "kept": matches!(self.step, Step::Keep | Step::WriteBeside),
            "clusters": clusters,
            "files": documents(self.changes, self.backups, is_dry_run),
        })
    }
}
