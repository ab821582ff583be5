//! The values that a flag can have.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Arg;

use super::super::context::read;
use super::candidate::{Candidate, first_line};
use super::typed::Typed;

use crate::cli::OfContext;
use crate::config::{Flags, Layers, clusters};
use crate::environment::variable;
use crate::state::State;

/// The values that kubekey parses itself.
const CHOICES: [(&str, &[&str]); 6] = [
    ("flow", &["auto", "browser", "device", "paste", "client-credentials", "token-exchange", "jwt-bearer"]),
    ("output", &["text", "json"]),
    ("prompt", &["none", "login", "consent", "select_account"]),
    ("response-mode", &["auto", "form_post", "query"]),
    ("token-storage", &["auto", "keyring", "kernel", "file", "none"]),
    ("exec-api-version", &["v1", "v1beta1"]),
];

/// What can be typed.
pub(super) enum Values {
    /// One of these.
    Words(Vec<Candidate>),
    /// The path of a file.
    Files,
    /// The path of a folder.
    Folders,
}

impl Values {
    /// Those that are no flags as a word of their own: behind a `=` any name is a value.
    pub fn without_flags(self) -> Self {
        match self {
            Self::Words(words) => Self::Words(words.into_iter().filter(|(word, _)| !word.starts_with('-')).collect()),
            paths => paths,
        }
    }

    /// Those that begin with `typed`, each behind `prefix`.
    pub fn beginning_with(self, prefix: &str, typed: &str) -> Self {
        match self {
            Self::Words(words) => {
                let meant = words.into_iter().filter(|(word, _)| word.starts_with(typed));
                Self::Words(meant.map(|(word, help)| (format!("{prefix}{word}"), help)).collect())
            }
            paths => paths,
        }
    }
}

/// The values of `arg`. What cannot be read has none: nobody reads messages while typing.
pub(super) fn values(typed: &Typed<'_>, arg: &Arg) -> Values {
    let possible = arg.get_possible_values();
    let takes = arg.get_action().takes_values() && !arg.is_require_equals_set();
    if takes && !possible.is_empty() {
        let shown = possible.iter().filter(|value| !value.is_hide_set());
        return Values::Words(shown.map(|one| (one.get_name().to_owned(), first_line(one.get_help()))).collect());
    }
    let name = arg.get_long().unwrap_or_default();
    let is_setup = typed.command.get_name() == "setup";
    let found: Vec<String> = match name {
        _ if arg.is_require_equals_set() => vec!["true".into(), "false".into()],
        "context" => contexts(typed, |name, _| name.to_owned()),
        "cluster" if is_setup => known_clusters(),
        "cluster" => contexts(typed, |_, cluster| cluster.to_owned()),
        "profile" => profiles(),
        "issuer" => issuers(),
        _ => match CHOICES.iter().find(|(flag, _)| *flag == name) {
            Some((_, choices)) => choices.iter().map(|choice| (*choice).to_owned()).collect(),
            None => return paths(arg),
        },
    };
    Values::Words(found.into_iter().map(|word| (word, String::new())).collect())
}

fn paths(arg: &Arg) -> Values {
    let id = arg.get_value_names().and_then(|names| names.first()).map(|name| name.as_str()).unwrap_or_default();
    match id {
        "FILE" => Values::Files,
        "DIR" => Values::Folders,
        _ => Values::Words(Vec::new()),
    }
}

/// A name of each context that runs kubekey, each once, the current context first.
fn contexts(typed: &Typed<'_>, name: impl Fn(&str, &str) -> String) -> Vec<String> {
    let kubeconfig = typed.given("kubeconfig").map(PathBuf::from);
    let contexts = read(&OfContext { kubeconfig, ..OfContext::default() }).ok();
    let ours = contexts.as_ref().map(|contexts| contexts.ours()).unwrap_or_default();
    let mut names: Vec<_> = ours.iter().map(|context| name(context.name, context.cluster)).collect();
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

fn layers() -> Option<Layers> {
    Layers::read(&Flags::default(), variable, None).ok()
}

fn profiles() -> Vec<String> {
    let layers = layers();
    let profiles = layers.iter().flat_map(|layers| &layers.files).flat_map(|file| &file.profiles);
    profiles.map(|(name, _)| name.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

fn known_clusters() -> Vec<String> {
    let clusters = layers().and_then(|layers| Some(clusters(&layers.files).ok()?.0));
    clusters.unwrap_or_default().into_iter().map(|cluster| cluster.name).collect()
}

fn issuers() -> Vec<String> {
    let kept = State::all().unwrap_or_default().into_iter().flat_map(|(_, state)| state.kept);
    kept.map(|kept| kept.issuer).collect::<BTreeSet<_>>().into_iter().collect()
}
