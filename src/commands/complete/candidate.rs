//! The words that can be typed next, each with what it means.

use clap::builder::StyledStr;
use clap::{Arg, Command};

/// A word, and what it means.
pub(super) type Candidate = (String, String);

/// The subcommands.
pub(super) fn children(command: &Command) -> Vec<Candidate> {
    let shown = command.get_subcommands().filter(|child| !child.is_hide_set() && child.get_name() != "help");
    shown.map(|child| (child.get_name().to_owned(), first_line(child.get_about()))).collect()
}

/// The flags of a command before those that all commands have.
pub(super) fn flags(command: &Command) -> Vec<Candidate> {
    let (own, common): (Vec<_>, Vec<_>) =
        command.get_arguments().filter(|arg| !arg.is_hide_set()).partition(|arg| !arg.is_global_set());
    let candidate = |arg: &Arg| Some((format!("--{}", arg.get_long()?), first_line(arg.get_help())));
    own.into_iter().chain(common).filter_map(candidate).collect()
}

/// The beginning of a help text.
pub(super) fn first_line(text: Option<&StyledStr>) -> String {
    text.map(|text| text.to_string().lines().next().unwrap_or_default().to_owned()).unwrap_or_default()
}
