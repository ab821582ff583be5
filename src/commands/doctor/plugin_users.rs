//! The kubeconfig's users that name kubekey: whether client-go can run it as they say.

use serde_json::Value;

use super::copies::program;
use super::line::Line;
use crate::error::Result;
use crate::exec_credential::ApiVersion;
use crate::kubeconfig::{Contexts, Exec};
use crate::policy::Policy;

const CHECK: &str = "user";

/// A line for each user without a mistake, or for each mistake of a user.
pub fn check(contexts: &Result<Contexts>, policy: &Policy) -> Vec<Line> {
    let Ok(contexts) = contexts else { return Vec::new() };
    let users = contexts.users();
    let ours = users.iter().filter(|(_, user)| Exec::read(&user["exec"]).is_some_and(|exec| exec.is_ours()));
    let of_user = |(name, user): &(&str, &Value)| {
        let exec = &user["exec"];
        let found =
            [command(name, exec), version(name, exec), interactive(name, exec), cluster_info(name, exec, policy)];
        let mistakes: Vec<_> = found.into_iter().flatten().collect();
        match mistakes.is_empty() {
            true => vec![Line::ok(CHECK, format!("'{name}' runs {}", text(exec, "command")))],
            false => mistakes,
        }
    };
    ours.flat_map(of_user).collect()
}

/// Whether the program exists. A relative path is one below the kubeconfig's folder, which only client-go knows.
fn command(name: &str, exec: &Value) -> Option<Line> {
    let command = text(exec, "command");
    // On Windows a path may have a root and no drive.
    let is_there = program(command).is_some_and(|path| !path.has_root() || path.is_file());
    let what = format!("'{name}' runs {command}, which does not exist");
    (!is_there).then(|| Line::error(CHECK, what, "fix 'command' of the user, or install kubekey there"))
}

fn version(name: &str, exec: &Value) -> Option<Line> {
    let version = text(exec, "apiVersion");
    let is_known = [ApiVersion::V1, ApiVersion::V1beta1].iter().any(|known| known.name() == version);
    let what = format!("'{name}' has the apiVersion '{version}', which kubekey does not support");
    let what_to_do = format!("set 'apiVersion: {}'", ApiVersion::V1.name());
    (!is_known).then(|| Line::error(CHECK, what, what_to_do))
}

fn interactive(name: &str, exec: &Value) -> Option<Line> {
    const BEST: &str = "set 'interactiveMode: IfAvailable'";
    match text(exec, "interactiveMode") {
        "IfAvailable" => None,
        // Kubernetes: the field is required in v1.
        "" if text(exec, "apiVersion") != ApiVersion::V1.name() => None,
        "" => Some(Line::error(CHECK, format!("'{name}' has no interactiveMode, which v1 requires"), BEST)),
        "Never" => {
            Some(Line::warning(CHECK, format!("'{name}' has interactiveMode 'Never': nothing can be typed"), BEST))
        }
        "Always" => Some(Line::warning(
            CHECK,
            format!("'{name}' has interactiveMode 'Always': without a terminal kubectl does not run kubekey"),
            BEST,
        )),
        other => {
            Some(Line::error(CHECK, format!("'{name}' has interactiveMode '{other}', which does not exist"), BEST))
        }
    }
}

fn cluster_info(name: &str, exec: &Value, policy: &Policy) -> Option<Line> {
    const BEST: &str = "set 'provideClusterInfo: true'";
    if exec["provideClusterInfo"] == true {
        return None;
    }
    let is_required = ["allowed_servers", "require_cluster_info"].iter().any(|key| policy.says(key));
    Some(match is_required {
        true => {
            Line::error(CHECK, format!("'{name}' does not say which cluster it is for, as the policy requires"), BEST)
        }
        false => Line::warning(
            CHECK,
            format!("'{name}' does not say which cluster it is for: settings of the cluster are ignored"),
            BEST,
        ),
    })
}

fn text<'a>(exec: &'a Value, field: &str) -> &'a str {
    exec[field].as_str().unwrap_or_default()
}
