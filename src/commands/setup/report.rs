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

/// The differences, without secrets: those of a kubeconfig stand near what is changed.
fn diff(change: &Change) -> String {
    let text = unified(&change.path.display().to_string(), change.before.as_deref(), &change.after);
    text.split_inclusive('\n').map(without_secret).collect()
}

/// What a line of TOML or YAML can have that is nobody's business.
const SECRETS: [&str; 9] = [
    "client_secret",
    "--client-secret=",
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
