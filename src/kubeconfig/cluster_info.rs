//! Why a run does not know its cluster: the kubeconfig does not request cluster information, or the program that ran
//! kubekey does not provide it.

use std::env;

use super::command::command_of;
use super::contexts::Contexts;
use crate::printable::is_plain;

const ASK: &str = "set 'provideClusterInfo: true' in the kubeconfig's exec section";
const USE_KUBECTL: &str = "use kubectl, or another program built on client-go (docs/policy.md names some that are not)";

/// The hint about a run that does not know its cluster.
pub fn how_to_name_cluster() -> String {
    let contexts = Contexts::of_session().ok();
    let of_this_run = contexts.iter().flat_map(Contexts::of_this_run);
    let users: Vec<_> =
        of_this_run.filter_map(|context| Some((context.user, context.exec?.provides_cluster_info))).collect();
    match users.iter().find(|(_, provides)| !provides) {
        Some((user, _)) => format!("{ASK} of the user '{user}'"),
        None if !users.is_empty() => format!(
            "the program that ran kubekey does not say which cluster it talks to, although the kubeconfig has \
             'provideClusterInfo: true': {USE_KUBECTL}"
        ),
        // client-go always sets it.
        None if env::var_os("KUBERNETES_EXEC_INFO").is_none_or(|info| info.is_empty()) => {
            if let Some(command) = by_hand() {
                return how_to_name_context(command, contexts.as_ref());
            }
            format!("let kubectl run kubekey, or another program built on client-go, and {ASK}")
        }
        None => format!(
            "{ASK}; if it is already set, the program that ran kubekey does not name its cluster: {USE_KUBECTL}"
        ),
    }
}

/// The command of a person, who can name a context.
fn by_hand() -> Option<&'static str> {
    ["token", "login"].into_iter().find(|command| env::args_os().skip(1).any(|word| word == *command))
}

fn how_to_name_context(command: &str, contexts: Option<&Contexts>) -> String {
    let ours = contexts.map(Contexts::ours).unwrap_or_default();
    match ours.iter().find(|context| is_plain(context.name)) {
        Some(context) => {
            let command = command_of(command, context.name, None);
            format!("use the settings of a context instead of your own: '{command}'")
        }
        None => "'kubekey setup' writes a context for a cluster; name it with --context".to_owned(),
    }
}
