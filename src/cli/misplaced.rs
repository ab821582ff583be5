//! What a person meant who has put a context where none belongs, given a value that a flag of a command does not take, or
//! called a flag as another program does.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::other_names;
use crate::error::Error;
use crate::shell::quoted;

/// The commands that use a context.
const OF_CONTEXT: [&str; 6] = ["login", "logout", "status", "token", "whoami", "doctor"];

/// The flags for a context.
const FLAGS: [&str; 3] = ["--context", "--cluster", "--kubeconfig"];

/// The error for a command line with these words, of which `commands` are the subcommands.
pub(super) fn error(error: clap::Error, words: &[OsString], commands: &[String]) -> Error {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let words: Vec<_> = words.iter().map(|word| &**word).collect();
    let at = words.iter().position(|word| commands.iter().any(|command| command == word));
    let hint = match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(argument))) => misplaced(argument, &words, at),
        (ErrorKind::InvalidValue, _) => {
            at.map(|at| ("to list its flags, run:", format!("kubekey {} --help", words[at])))
        }
        _ => None,
    };
    let meant = match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(argument))) => other_names::meant(argument),
        _ => None,
    };
    let error = Error::from(error);
    let bare = || Error::new(error.kind(), error.to_string());
    match (hint, meant) {
        (Some((hint, command)), _) => bare().hint(hint).commands([command]),
        (None, Some(meant)) => bare().hint(format!("did you mean {meant}?")),
        (None, None) => error,
    }
}

/// A name without its flag, or a flag before the command.
fn misplaced(argument: &str, words: &[&str], at: Option<usize>) -> Option<(&'static str, String)> {
    let command = at.map_or("login", |at| words[at]);
    if !OF_CONTEXT.contains(&command) {
        return None;
    }
    if let (Some(_), false) = (at, argument.starts_with('-')) {
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
