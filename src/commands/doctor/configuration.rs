//! The configuration and the policy in force.

use super::super::config::{find_mistakes, unknown_variables};
use super::line::Line;
use crate::config::{Flags, Layers};
use crate::environment::variable;
use crate::error::Result;
use crate::exec_credential::ExecInfo;
use crate::policy::Policy;
use crate::printable;
use crate::settings::Settings;

/// The policy's files and what they set.
pub fn policy(policy: &Policy) -> Line {
    match policy.places() {
        [] => Line::ok("policy", "there is none"),
        places => {
            let keys: Vec<_> = policy.said().iter().map(|said| said.key.name).collect();
            Line::ok("policy", format!("{} sets {}", places.join(", "), keys.join(", ")))
        }
    }
}

/// The configuration files, each mistake in them, and variables that are ignored.
pub fn files(policy: &Policy) -> Vec<Line> {
    let (files, mistakes) = match find_mistakes(policy) {
        Ok(found) => found,
        Err(error) => return vec![Line::of("configuration", &error)],
    };
    let mut lines: Vec<_> = mistakes
        .iter()
        .map(|mistake| match mistake.error.what_to_do() {
            "" => {
                Line::error("configuration", mistake.error.to_string(), "check all files with 'kubekey config check'")
            }
            _ => Line::of("configuration", &mistake.error),
        })
        .collect();
    if lines.is_empty() {
        let paths: Vec<_> = files.iter().map(|file| file.start.path.display().to_string()).collect();
        let shown = if paths.is_empty() { "there are no files".to_owned() } else { paths.join(", ") };
        lines.push(Line::ok("configuration", shown));
    }
    let ignored = policy.passed_over(variable).map(|(name, flag)| {
        let what = format!("the variable {name} is ignored: the policy locks {flag}");
        Line::warning("configuration", what, "unset it, or ask your administrator")
    });
    let misspelt = unknown_variables().map(|(name, nearest)| {
        Line::warning("configuration", format!("the variable {name} is ignored"), format!("did you mean {nearest}?"))
    });
    lines.extend(ignored);
    lines.extend(misspelt);
    lines
}

/// Whether the client secret can be read, if one is set.
pub fn client_secret(settings: &Settings) -> Option<Line> {
    Some(match settings.client_secret.as_ref()?.read() {
        Ok(secret) => {
            printable::hide(secret.expose());
            Line::ok("client secret", "one is set")
        }
        Err(error) => Line::of("client secret", &error),
    })
}

/// The effective settings.
///
/// # Errors
/// As in a run of kubectl, after which nothing else can be checked.
pub fn settings(flags: &Flags, exec_info: &ExecInfo, policy: &Policy) -> Result<Settings> {
    let layers = Layers::read(flags, variable, exec_info.cluster.as_ref())?;
    Settings::resolve(&layers.given, variable, policy)
}
