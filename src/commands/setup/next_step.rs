//! What comes after `kubekey setup --system`: the command that makes the settings useful, in words.

use super::settings_file::SettingsFile;
use crate::commands::config::Answers;
use crate::config::Cluster;
use crate::kubeconfig::of_file;
use crate::printable::is_plain;
use crate::shell::quoted;
use crate::terminal;

/// The step after these settings, with `clusters`, were written to `file`, and to the kubeconfig if one was given; `None`
/// if they do not tell who the provider is: then another file has it, or the report says that nothing is set.
pub fn next_step(
    answers: &Answers,
    clusters: &[Cluster],
    file: &SettingsFile,
    kubeconfig: Option<&str>,
) -> Option<String> {
    match (has(answers, "issuer-url"), has(answers, "client-id")) {
        (false, false) => None,
        (true, false) => Some(missing(file, "client_id", "--client-id ID")),
        (false, true) => Some(missing(file, "issuer_url", "--issuer-url URL")),
        (true, true) => of_user(clusters, kubeconfig),
    }
}

fn has(answers: &Answers, flag: &str) -> bool {
    let of_profiles = answers.profiles().iter().flat_map(|(_, values)| values);
    answers.settings().chain(of_profiles).any(|value| value.key.flag == flag)
}

fn missing(file: &SettingsFile, key: &str, flag: &str) -> String {
    format!(
        "next: set {key}, too, in this or another file, such as with '{}'",
        terminal::typed(&file.command_with(flag))
    )
}

fn of_user(clusters: &[Cluster], kubeconfig: Option<&str>) -> Option<String> {
    let setup = terminal::typed("kubekey setup");
    let Some(cluster) = clusters.first() else {
        return Some(format!("next: each user runs '{setup}', which asks for a cluster"));
    };
    let Some(kubeconfig) = kubeconfig else {
        return Some(format!("next: each user runs '{setup}' once, and then kubectl"));
    };
    let context = cluster.context.as_ref().unwrap_or(&cluster.name);
    let command = format!("kubectl --context {}{} get pods", quoted(context), of_file(Some(kubeconfig)));
    // Shown otherwise, a name would be another one.
    is_plain(&command).then(|| format!("try it: {command}"))
}
