//! What a person meant who has put a context where none belongs, given a value that a flag of a command does not take, or
//! called a flag as another program does.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::command::Command;
use super::other_names;
use crate::config::keys::Key;
use crate::error::Error;
use crate::shell::quoted;

/// The commands that use a context.
const OF_CONTEXT: [&str; 6] = ["login", "logout", "status", "token", "whoami", "doctor"];

/// The flags for a context.
const FLAGS: [&str; 3] = ["--context", "--cluster", "--kubeconfig"];

/// The error for a command line with these words, of which `commands` are the subcommands.
pub(super) fn error(error: clap::Error, words: &[OsString], commands: &[String]) -> Error {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    // After two dashes no word is a command or a flag.
    let words: Vec<_> = words.iter().map(|word| &**word).take_while(|word| *word != "--").collect();
    let at = words.iter().position(|word| commands.iter().any(|command| command == word));
    let list = || at.map(|at| ("to list its flags, run:", format!("kubekey {} --help", words[at])));
    let argument = match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(argument))) => Some(argument),
        _ => None,
    };
    let meant = argument.and_then(|argument| other_names::meant(argument));
    let hint = match argument {
        Some(argument) => misplaced(argument, &words, at),
        None if error.kind() == ErrorKind::InvalidValue => list(),
        None => None,
    };
    // No hint leads to a setting that is refused.
    let refusing = || Command::begun_with(&words[at?..])?.name_without(setting(meant, &error)?);
    let hint = hint.or_else(|| refusing().and_then(|_| list()));
    let error = Error::from(error);
    let bare = || Error::new(error.kind(), error.to_string());
    match (hint, meant) {
        (Some((hint, command)), _) => bare().hint(hint).commands([command]),
        (None, Some(meant)) => bare().hint(format!("did you mean {meant}?")),
        (None, None) => error,
    }
}

/// The setting that was meant, or else that clap suggests, if it is one.
fn setting(meant: Option<&str>, error: &clap::Error) -> Option<&'static Key> {
    let suggested = match error.get(ContextKind::SuggestedArg) {
        Some(ContextValue::String(flag)) => Some(&**flag),
        _ => None,
    };
    meant.or(suggested).and_then(|flag| Key::of_flag(flag.trim_start_matches('-')))
}

/// A name without its flag, or a flag before the command.
fn misplaced(argument: &str, words: &[&str], at: Option<usize>) -> Option<(&'static str, String)> {
    let command = at.map_or("login", |at| words[at]);
    if !OF_CONTEXT.contains(&command) {
        return None;
    }
    if at.is_some() && words.contains(&argument) && !argument.starts_with('-') {
        return Some((
            "to use a context of this name, run:",
            format!("kubekey {command} --context {}", quoted(argument)),
        ));
    }
    let flag = FLAGS.into_iter().find(|flag| *flag == argument)?;
    let (index, word) = words.iter().enumerate().find(|(_, word)| word.starts_with(flag))?;
    let value = word.split_once('=').map(|(_, value)| value).or(words.get(index + 1).copied())?;
    let hint = "this flag comes after a command that uses a context, such as:";
    Some((hint, format!("kubekey {command} {flag} {}", quoted(value))))
}
