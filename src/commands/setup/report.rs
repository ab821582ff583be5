//! The report of `kubekey setup`: for people on stderr, for programs on stdout; of a dry run, a diff on stdout.

use std::io::Write;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::dialog;
use super::diff::unified;
use crate::error::{Error, ErrorKind, Result};
use crate::kubeconfig::{Change, Entry, Moved, Repointed, of_file};
use crate::output;
use crate::printable::is_plain;
use crate::shell::quoted;
use crate::terminal;

/// The format of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Words for people.
    Text,
    /// One JSON document.
    Json,
}

impl Format {
    /// # Errors
    /// [`ErrorKind::Usage`] for an unknown format.
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

/// The result of a run.
pub struct Report<'a> {
    /// The entries of each cluster: cluster, user and context.
    pub entries: &'a [[Entry; 3]],
    /// The files that were changed, or would be in a dry run.
    pub changes: &'a [Change],
    /// The backups of these files, in the same order.
    pub backups: &'a [Option<PathBuf>],
    /// Whether this was a dry run, which writes nothing.
    pub is_dry_run: bool,
    /// The kubeconfig that was given.
    pub kubeconfig: Option<&'a str>,
}

impl Report<'_> {
    /// Prints the report, without the warnings if `is_shown`: [`confirm`] has printed them.
    ///
    /// # Errors
    /// [`ErrorKind::Failed`] if standard output cannot be written.
    pub fn tell(&self, format: Format, is_shown: bool, out: &mut impl Write) -> Result<()> {
        let printed = print(format, self.is_dry_run, self.changes, &self.document(), out);
        if format == Format::Text {
            notice_changes(self.changes, self.is_dry_run);
            if !is_shown {
                warn(self.changes, self.is_dry_run);
            }
            self.notices();
        }
        printed
    }

    fn notices(&self) {
        let contexts: Vec<_> = self.entries.iter().map(|[.., context]| context.name.as_str()).collect();
        match (&contexts[..], self.changes.is_empty()) {
            ([context], true) => terminal::notice(&format!("context '{context}' is already set up")),
            (_, true) => {
                terminal::notice(&format!("contexts '{}' are already set up", contexts.join("', '")));
            }
            ([context, ..], false) if !self.is_dry_run => {
                let command = format!("kubectl --context {}{} get pods", quoted(context), of_file(self.kubeconfig));
                // Shown otherwise, a name would be another one.
                if is_plain(&command) {
                    terminal::notice(&format!("try it: {command}"));
                }
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

/// Writes the document to stdout; of a dry run in text format, the differences.
///
/// # Errors
/// [`ErrorKind::Failed`] if standard output cannot be written.
pub fn print(
    format: Format,
    is_dry_run: bool,
    changes: &[Change],
    document: &Value,
    out: &mut impl Write,
) -> Result<()> {
    let text = match format {
        Format::Json => format!("{document}\n"),
        Format::Text if is_dry_run => changes.iter().map(diff).collect(),
        Format::Text => return Ok(()),
    };
    output::print(out, &text).map_err(|error| match is_dry_run || changes.is_empty() {
        true => error,
        false => error.hint("the files were still written"),
    })
}

/// Prints for each file what was done, or would be.
pub fn notice_changes(changes: &[Change], is_dry_run: bool) {
    let verb = if is_dry_run { "would write" } else { "wrote" };
    for change in changes {
        terminal::notice(&format!("{verb} {}: {}", change.path.display(), change.actions.join(", ")));
    }
}

/// Prints the warnings for each file.
pub fn warn(changes: &[Change], is_dry_run: bool) {
    changes.iter().flat_map(|change| warnings(change, is_dry_run)).for_each(|warning| terminal::warning(&warning));
}

/// Shows a person the changes and asks whether to write them. The default answer is yes, but no if a cluster or a
/// context would be moved.
///
/// # Errors
/// [`ErrorKind::Failed`] if the answer is no.
pub fn confirm(changes: &[Change]) -> Result<()> {
    changes.iter().for_each(|change| terminal::show(&diff(change)));
    warnings_of_moved(changes, false).for_each(|warning| terminal::warning(&warning));
    let moved = changes.iter().flat_map(|change| &change.moved).map(Moved::plan);
    let repointed = changes.iter().flat_map(|change| &change.repointed).map(Repointed::plan);
    let moved: Vec<_> = moved.chain(repointed).collect();
    let question = if moved.is_empty() { "write it?".to_owned() } else { format!("{}: write it?", moved.join(", ")) };
    match changes.is_empty() || dialog::confirm(&question, moved.is_empty()) {
        true => Ok(()),
        false => {
            Err(Error::new(ErrorKind::Failed, "nothing was written").hint("run the command again when you are ready"))
        }
    }
}

fn warnings(change: &Change, is_dry_run: bool) -> impl Iterator<Item = String> {
    let in_words = if is_dry_run { Repointed::plan } else { Repointed::in_words };
    warnings_of_moved(std::slice::from_ref(change), !is_dry_run).chain(change.repointed.iter().map(in_words))
}

fn warnings_of_moved(changes: &[Change], is_written: bool) -> impl Iterator<Item = String> {
    changes.iter().flat_map(|change| &change.moved).flat_map(move |moved| moved.warnings(is_written))
}

/// The changes as JSON, for programs. `backups` are in the same order; there may be fewer.
pub fn documents(changes: &[Change], backups: &[Option<PathBuf>], is_dry_run: bool) -> Vec<Value> {
    let backups = backups.iter().map(Option::as_ref).chain(std::iter::repeat(None));
    let document = |(change, backup): (&Change, Option<&PathBuf>)| {
        let path = change.path.to_string_lossy();
        let mut file = json!({"path": path, "created": change.before.is_none(), "actions": change.actions});
        let warnings: Vec<_> = warnings(change, is_dry_run).collect();
        if !warnings.is_empty() {
            file["warnings"] = warnings.into();
        }
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

/// The differences, without secrets: a kubeconfig may have some near a changed line.
fn diff(change: &Change) -> String {
    let text = unified(&change.path.display().to_string(), change.before.as_deref(), &change.after);
    let text: String = text.split_inclusive('\n').map(without_secret).collect();
    // Where they are in a list of arguments, their line does not tell what they are.
    change.secrets.iter().fold(text, |text, secret| text.replace(secret.expose(), "***"))
}

/// Keys and flags in TOML and YAML whose values are secret.
const SECRETS: [&str; 11] = [
    "client_secret",
    "--client-secret=",
    "--oidc-client-secret=",
    "--password=",
    "client-secret",
    "token",
    "id-token",
    "refresh-token",
    "password",
    "client-key-data",
    "client-certificate-data",
];

fn without_secret(line: &str) -> String {
    let is_name = |character: char| character.is_alphanumeric() || "-_".contains(character);
    let end_of_key = |key: &&str| {
        line.match_indices(*key).find_map(|(at, key)| {
            let rest = &line[at + key.len()..];
            let value = rest.trim_start_matches(['"', '\'', ' ']);
            let is_whole = !line[..at].ends_with(is_name) || key.starts_with('-');
            (is_whole && (key.ends_with('=') || value.starts_with([':', '=']))).then_some(at + key.len())
        })
    };
    match SECRETS.iter().filter_map(end_of_key).min() {
        Some(end) if line[..end].ends_with('=') => format!("{}***\n", &line[..end]),
        Some(end) => {
            let sign = line[end..].find([':', '=']).map_or(end, |at| end + at + 1);
            format!("{} ***\n", &line[..sign])
        }
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::without_secret;

    #[test]
    fn no_secret_of_a_kubeconfig_or_a_configuration_is_shown() {
        for (line, shown) in [
            (" client_secret = \"s3cret\"\n", " client_secret = ***\n"),
            ("+      - --client-secret=s3cret\n", "+      - --client-secret=***\n"),
            ("     token: s3cret\n", "     token: ***\n"),
            ("   user: {username: me, \"password\": s3cret}\n", "   user: {username: me, \"password\": ***\n"),
            ("-    client-key-data: s3cret\n", "-    client-key-data: ***\n"),
        ] {
            assert_eq!(without_secret(line), shown);
        }
        for line in [" tokenFile: /a\n", " name: token\n", " my-token: x\n", " client_secret_file = \"/a\"\n"] {
            assert_eq!(without_secret(line), line);
        }
    }
}
