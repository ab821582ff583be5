//! `kubekey` alone, typed in a terminal: what it is, and how to go on. A token on the screen would help nobody.

use std::io::Write;
use std::path::Path;

use super::setup::offer;
use crate::config::check_files;
use crate::environment::variable;
use crate::error::Result;
use crate::kubeconfig::{Context, Contexts, command_of};
use crate::output::print;
use crate::printable::is_plain;
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
    let contexts = Contexts::of_session();
    let broken = broken(&contexts);
    let contexts = contexts.ok();
    let ours = contexts.as_ref().map(Contexts::ours).unwrap_or_default();
    let current = contexts.as_ref().and_then(|contexts| contexts.current.as_deref());
    let (serves, commands) = match ours.first() {
        Some(context) if Some(context.name) == current => (of_current(context), after_setup(context, true)),
        Some(context) => ("The current context does not run it.".to_owned(), after_setup(context, false)),
        None => ("No context of the kubeconfig runs it yet.".to_owned(), before_setup()),
    };
    let (serves, commands) = broken.map_or((serves, commands), |broken| (broken, to_repair()));
    let offer = contexts.as_ref().and_then(|contexts| offer(contexts, None::<&Path>));
    let moves = offer.map(|offer| (offer.command, format!("moves the users of {} to it", offer.programs)));
    let commands = moves.into_iter().chain(commands.map(|(command, what)| (command, what.to_owned())));
    let commands: Vec<_> = commands.map(|(command, what)| (terminal::typed(&command), what)).collect();
    let width = commands.iter().map(|(command, _)| command.chars().count()).max().unwrap_or_default();
    let line = |(command, what): &(String, String)| terminal::beside(&format!("  {command:width$}  "), what) + "\n";
    let commands: String = commands.iter().map(line).collect();
    let what = concat!(
        "kubekey v",
        env!("CARGO_PKG_VERSION"),
        " signs you in to Kubernetes with OpenID Connect; kubectl runs it."
    );
    let [what, serves] = [what, &serves].map(|text| terminal::beside("", text));
    print(out, &format!("{what}\n{serves}\n\n{commands}"))
}

/// What stops every run, in words: a kubeconfig or a configuration that cannot be read.
fn broken(contexts: &Result<Contexts>) -> Option<String> {
    let unreadable = contexts.as_ref().err().map(ToString::to_string);
    let files = || check_files().ok()?.mistakes.into_iter().next().map(|mistake| mistake.error.to_string());
    unreadable.or_else(files).map(|why| format!("It cannot serve you until this is corrected: {why}"))
}

fn to_repair() -> [(String, &'static str); 3] {
    let doctor = ("kubekey doctor".to_owned(), "checks all that a sign-in depends on, and says what to do");
    [doctor, ("kubekey config check".to_owned(), "lists all mistakes in the configuration files"), help()]
}

fn of_current(context: &Context<'_>) -> String {
    let server = context.of_cluster("server").map(|server| format!(" ({server})")).unwrap_or_default();
    format!("It serves the current context '{}'{server}.", context.name)
}

fn after_setup(context: &Context<'_>, is_current: bool) -> [(String, &'static str); 3] {
    let first = match is_current {
        true => ("kubectl get pods".to_owned(), "signs you in when it is needed"),
        // Who has a name that cannot be shown as it is knows it.
        false => {
            let name = if is_plain(context.name) { context.name } else { "NAME" };
            (command_of("login", name, None), "signs you in for another context")
        }
    };
    [first, ("kubekey status".to_owned(), "lists the saved sign-ins"), help()]
}

fn before_setup() -> [(String, &'static str); 3] {
    let setup = ("kubekey setup".to_owned(), "writes a context into the kubeconfig");
    [setup, ("kubekey config show --origin".to_owned(), "shows the settings and where they come from"), help()]
}

fn help() -> (String, &'static str) {
    ("kubekey --help".to_owned(), "lists all commands and flags")
}
