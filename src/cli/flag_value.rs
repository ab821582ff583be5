//! Which flags have their value in the next word.

use clap::{Arg, Command};

use super::settings;

/// Whether the word after this flag is its value: that of a setting, or of a flag of any of these commands.
pub(super) fn follows(flag: &str, commands: fn() -> Command) -> bool {
    match settings::length_of_setting(flag.as_ref()) {
        Some(length) => length == 2,
        // Not reached by what kubectl runs: to make the command line takes longer than the rest of its run.
        None => !flag.contains('=') && takes(&commands(), flag),
    }
}

fn takes(command: &Command, flag: &str) -> bool {
    let is_short = |arg: &Arg| arg.get_short().is_some_and(|letter| flag == format!("-{letter}"));
    let is_long = |arg: &Arg| arg.get_long().is_some_and(|long| flag.strip_prefix("--") == Some(long));
    let is_it =
        |arg: &Arg| arg.get_action().takes_values() && !arg.is_require_equals_set() && (is_short(arg) || is_long(arg));
    command.get_arguments().any(is_it) || command.get_subcommands().any(|child| takes(child, flag))
}
