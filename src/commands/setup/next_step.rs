//! What comes after `kubekey setup --system`: the command that makes the settings useful, in words.

use super::settings_file::SettingsFile;
use crate::config::given::{Given, Origin, Value};
use crate::config::keys::Key;
use crate::config::layers::merge;
use crate::config::{self, Cluster, File};
use crate::error::Result;
use crate::kubeconfig::of_file;
use crate::printable::is_plain;
use crate::shell::quoted;
use crate::terminal;

/// The step after the file was written, and `clusters` to the kubeconfig if one was given; `None` if the files of the
/// administrator do not tell who the provider is: then a user's own file has it, or the report says that nothing is set.
pub fn next_step(file: &SettingsFile, clusters: &[Cluster], kubeconfig: Option<&str>) -> Option<String> {
    let files = file.effective().ok()?.collect::<Result<Vec<_>>>().ok()?;
    let known = config::clusters(&files).ok()?.0;
    let given = match known.as_slice() {
        [] => vec![given(&files, None)?],
        known => known.iter().map(|cluster| given(&files, cluster.profile.as_ref())).collect::<Option<_>>()?,
    };
    let has = |flag| given.iter().all(|given| given.text(flag).is_some());
    let has_none = given.iter().any(|given| given.text("issuer-url").or(given.text("client-id")).is_none());
    match (has("issuer-url"), has("client-id")) {
        (true, true) => of_user(&known, clusters, kubeconfig),
        _ if has_none => None,
        // Whoever chooses the profile lacks nothing.
        _ if known.is_empty() && files.iter().any(|file| !file.profiles.is_empty()) => None,
        (false, _) => Some(missing(file, "issuer_url", "--issuer-url URL")),
        (true, false) => Some(missing(file, "client_id", "--client-id ID")),
    }
}

/// The settings that apply with this profile to who has no others; `None` if it does not exist.
fn given(files: &[File], profile: Option<&String>) -> Option<Given> {
    let key = Key::of_flag("profile")?;
    let chosen = profile.map(|profile| Value { key, texts: vec![profile.clone()], origin: Origin::Flag });
    merge(files, chosen.into_iter().collect()).ok()
}

fn missing(file: &SettingsFile, key: &str, flag: &str) -> String {
    format!(
        "next: set {key}, too, in this or another file, such as with '{}'",
        terminal::typed(&file.command_with(flag))
    )
}

fn of_user(known: &[Cluster], written: &[Cluster], kubeconfig: Option<&str>) -> Option<String> {
    let setup = terminal::typed("kubekey setup");
    if known.is_empty() {
        return Some(format!("next: each user runs '{setup}', which asks for a cluster"));
    }
    let (Some(cluster), Some(kubeconfig)) = (written.first(), kubeconfig) else {
        return Some(format!("next: each user runs '{setup}' once, and then kubectl"));
    };
    let context = cluster.context.as_ref().unwrap_or(&cluster.name);
    let command = format!("kubectl --context {}{} get pods", quoted(context), of_file(Some(kubeconfig)));
    // Shown otherwise, a name would be another one.
    is_plain(&command).then(|| format!("try it: {command}"))
}
