//! `kubekey doctor`: what a sign-in depends on, each part tried, and what to do about those that do not work.
//!
//! It signs nobody in and prints no token. Each check is bounded in time by what it tries.

mod browser;
mod configuration;
mod copies;
mod flow;
mod kuberc;
mod line;
mod names;
mod plugin_users;
mod provider;
mod saved;
mod share;
mod storage;
mod templates;
mod used_context;

use std::io::Write;

use serde_json::json;

use super::context::{is_settled, read};
use crate::cli::{Examine, Format};
use crate::config::Flags;
use crate::environment::variable;
use crate::error::{Error, ErrorKind, Result};
use crate::exec_credential::ExecInfo;
use crate::kubeconfig::Contexts;
use crate::output::print;
use crate::policy::Policy;
use crate::settings::Settings;
use line::{Line, Verdict};

/// Prints a line for each check.
///
/// # Errors
/// [`ErrorKind::Failed`] if one of them is an error, after all have been printed.
pub fn doctor(flags: &Flags, asked: &Examine, out: &mut impl Write) -> Result<()> {
    let contexts = read(&asked.of);
    let (lines, token_names) = examine(flags, asked, &contexts);
    let lines = match asked.share {
        true => share::without_names(lines, &names::all(flags, &asked.of, &contexts, token_names)),
        false => lines,
    };
    let errors = lines.iter().filter(|line| line.verdict == Verdict::Error).count();
    match asked.output {
        Format::Json => {
            let lines: Vec<_> = lines.iter().map(Line::to_json).collect();
            print(out, &format!("{:#}\n", json!({ "errors": errors, "lines": lines })))?;
        }
        Format::Text => print(out, &lines.iter().map(Line::to_text).collect::<String>())?,
    }
    match errors {
        0 => Ok(()),
        errors => Err(Error::new(ErrorKind::Failed, format!("{errors} of the checks found an error"))
            .hint("what to do is below each of them")),
    }
}

/// All checks, in the order of a run; and names in the user's token, which only the last of them knows.
fn examine(flags: &Flags, asked: &Examine, contexts: &Result<Contexts>) -> (Vec<Line>, Vec<String>) {
    let mut lines = vec![copies::version(), copies::on_this_path()];
    let policy = match Policy::load() {
        Ok(policy) => policy,
        // Nothing is done until it is fixed.
        Err(error) => {
            lines.push(Line::of("policy", &error));
            return (lines, Vec::new());
        }
    };
    lines.extend(of_files(asked, contexts, &policy));
    let exec_info = ExecInfo::parse(variable("KUBERNETES_EXEC_INFO").as_deref());
    let known = exec_info.and_then(|info| Ok((configuration::settings(flags, &info, &policy)?, info)));
    let (settings, exec_info) = match known {
        Ok(known) => known,
        Err(error) => {
            let is_context_wrong =
                lines.iter().any(|line| line.check == used_context::CHECK && line.verdict == Verdict::Error);
            match contexts {
                // What was not read has the settings, and 'kubekey setup' cannot change it.
                Err(_) => lines.push(Line::error("settings", error.to_string(), "fix the kubeconfig first")),
                Ok(_) if is_context_wrong => {}
                Ok(_) => lines.push(Line::of("settings", &error)),
            }
            return (lines, Vec::new());
        }
    };
    lines.extend(of_sign_in(&settings, &exec_info));
    let context = asked.of.context.as_deref().filter(|_| is_settled());
    let context = context.and_then(|name| contexts.as_ref().ok()?.find(name));
    let (of_saved, names) = saved::check(&settings, &exec_info, &policy, context.as_ref());
    lines.extend(of_saved);
    (lines, names)
}

/// What is written on this machine.
fn of_files(asked: &Examine, contexts: &Result<Contexts>, policy: &Policy) -> Vec<Line> {
    let mut lines = vec![configuration::policy(policy)];
    lines.extend(configuration::files(policy));
    lines.push(used_context::check(contexts, asked, is_settled()));
    lines.extend(plugin_users::check(contexts, policy));
    lines.push(kuberc::check(contexts));
    lines
}

/// What a sign-in would need.
fn of_sign_in(settings: &Settings, exec_info: &ExecInfo) -> Vec<Line> {
    let (found, mut lines) = provider::check(settings);
    lines.extend(configuration::client_secret(settings));
    let verdict = flow::here(settings, exec_info, found.as_ref());
    lines.push(flow::check(settings, verdict.as_ref()));
    // A program has no browser.
    if !settings.is_machine() {
        lines.push(flow::listener(settings));
        lines.push(browser::check(settings, verdict.as_ref()));
        lines.extend(templates::check(settings));
    }
    lines.extend(storage::check(settings));
    lines.extend(saved::cool_down(settings));
    lines
}
