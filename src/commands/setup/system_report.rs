//! The report of `kubekey setup --system`, for people and for programs.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::generated::Step;
use super::report::{Format, documents, notice_changes, print, warn};
use crate::config::Cluster;
use crate::error::Result;
use crate::kubeconfig::Change;
use crate::terminal;

/// The result of a run.
pub struct Report<'a> {
    /// The settings file.
    pub path: &'a Path,
    /// What was done with this file.
    pub step: Step,
    /// The clusters in the settings.
    pub clusters: &'a [Cluster],
    /// The files that were changed, or would be in a dry run.
    pub changes: &'a [Change],
    /// The backups of these files, in the same order.
    pub backups: &'a [Option<PathBuf>],
    /// What to do after the settings were written.
    pub next: Option<String>,
}

impl Report<'_> {
    /// Prints the report.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Failed`] if standard output cannot be written.
    pub fn tell(&self, format: Format, is_dry_run: bool, out: &mut impl Write) -> Result<()> {
        let printed = print(format, is_dry_run, self.changes, &self.document(is_dry_run), out);
        if format == Format::Text {
            notice_changes(self.changes, is_dry_run);
            warn(self.changes, is_dry_run);
            self.notice_rest();
            if let (Some(next), Step::Write, false) = (&self.next, self.step, is_dry_run) {
                terminal::notice(next);
            }
        }
        printed
    }

    fn notice_rest(&self) {
        let path = self.path.display();
        let is_beside = self.changes.iter().any(|change| change.path == self.path.with_extension("toml.new"));
        match self.step {
            Step::Write => {}
            Step::Nothing => terminal::notice(&format!("{path} is up to date")),
            Step::Keep => terminal::notice(&format!(
                "{path} was edited and is not overwritten; the generated settings have not changed"
            )),
            Step::WriteBeside if is_beside => {}
            Step::WriteBeside => {
                terminal::notice(&format!(
                    "{path} was edited and is not overwritten; the generated settings are in {path}.new"
                ));
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
