//! `kubekey` alone, typed in a terminal: what it is, and how to go on. A token on the screen would help nobody.

use std::io::Write;

use super::output::print;
use crate::environment::variable;
use crate::error::Result;
use crate::kubeconfig::{Context, Contexts, command_of};
use crate::printable::sanitise;
use crate::terminal;

/// Whether a person typed the name of this program and nothing else; kubectl reads what it prints, and so may a script.
pub fn is_bare() -> bool {
    let is_alone = std::env::args_os().count() == 1;
    is_alone && variable("KUBERNETES_EXEC_INFO").is_none_or(|info| info.is_empty()) && terminal::is_shown()
}

/// Says what kubekey is, which context it serves, and the commands to go on with.
///
/// # Errors
/// If standard output cannot be written to.
pub fn introduce(out: &mut impl Write) -> Result<()> {
    let contexts = Contexts::of_session().ok();
    let ours = contexts.as_ref().map(Contexts::ours).unwrap_or_default();
    let current = contexts.as_ref().and_then(|contexts| contexts.current.as_deref());
    let (serves, commands) = match ours.first() {
        Some(context) if Some(context.name) == current => (of_current(context), after_setup(context, true)),
        Some(context) => ("The current context does not run it.".to_owned(), after_setup(context, false)),
        None => ("No context of the kubeconfig runs it yet.".to_owned(), before_setup()),
    };
    let called = terminal::called();
    let width = commands.iter().map(|(command, _)| command.chars().count()).max().unwrap_or_default();
    let line = |(command, what): &(String, &str)| format!("  {command:width$}  {what}\n");
    let commands: String = commands.iter().map(line).collect();
    let commands = commands.replace("  kubekey ", &format!("  {called} "));
    let version = env!("CARGO_PKG_VERSION");
    print(
        out,
        &format!(
            "kubekey v{version} signs you in to Kubernetes with OpenID Connect; kubectl runs it.\n{serves}\n\n{commands}"
        ),
    )
}

fn of_current(context: &Context<'_>) -> String {
    let server = context.of_cluster("server").map(|server| format!(" ({server})")).unwrap_or_default();
    sanitise(&format!("It serves the current context '{}'{server}.", context.name))
}

fn after_setup(context: &Context<'_>, is_current: bool) -> Vec<(String, &'static str)> {
    let first = match is_current {
        true => ("kubectl get pods".to_owned(), "signs you in when it is needed"),
        false => (sanitise(&command_of("login", context.name, None)), "signs you in for another context"),
    };
    vec![first, ("kubekey status".to_owned(), "lists the saved sign-ins"), help()]
}

fn before_setup() -> Vec<(String, &'static str)> {
    let setup = ("kubekey setup".to_owned(), "writes a context into the kubeconfig");
    vec![setup, ("kubekey config show --origin".to_owned(), "shows the settings and where they come from"), help()]
}

fn help() -> (String, &'static str) {
    ("kubekey --help".to_owned(), "lists all commands and flags")
}
