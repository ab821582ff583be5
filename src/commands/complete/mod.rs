//! Completion in shells: the scripts, and `kubekey complete`, which they run with the words that are typed. It knows what
//! no script can: the contexts, clusters, profiles and issuers of this user.

mod candidate;
mod script;
mod typed;
mod values;

use std::ffi::OsString;
use std::io::Write;

use clap::CommandFactory;

pub use script::{completion_script, print_script};

use crate::cli::Cli;
use crate::error::Result;
use crate::output::print;
use crate::printable::is_plain;
use candidate::{children, flags};
use typed::Typed;
use values::{Values, values};

/// The words of `kubekey complete -- WORDS... +CURRENT`, without the first two; `None` for every other command line.
/// It is no subcommand of the table: nobody types it, and any word of a user's may follow.
pub fn words_to_complete() -> Option<Vec<String>> {
    let mut words = std::env::args_os().skip(1);
    let is_asked = words.next()? == "complete" && words.next()? == "--";
    let text = |word: OsString| word.to_string_lossy().into_owned();
    is_asked.then(|| words.map(text).collect())
}

/// Prints a line for each candidate: the word, a tab, and what it means. `:files` and `:folders` leave it to the shell.
///
/// # Errors
/// If standard output cannot be written to.
pub fn complete(words: &[String], out: &mut impl Write) -> Result<()> {
    let mut root = Cli::command();
    root.build();
    let lines = match candidates(&Typed::read(&root, words)) {
        Values::Files => ":files\t\n".to_owned(),
        Values::Folders => ":folders\t\n".to_owned(),
        Values::Words(words) => {
            // A name that the scripts would take for one of the words above cannot be completed; nor one that does not show
            // what it is.
            let can_be_typed =
                |text: &str| !text.is_empty() && ![":files", ":folders"].contains(&text) && is_plain(text);
            words
                .iter()
                .filter(|(word, _)| can_be_typed(word))
                .map(|(word, help)| format!("{word}\t{help}\n"))
                .collect()
        }
    };
    print(out, &lines)
}

fn candidates(typed: &Typed<'_>) -> Values {
    if let Some(arg) = typed.awaiting {
        return values(typed, arg).without_flags().beginning_with("", &typed.current);
    }
    if let Some((name, value)) = typed.current.split_once('=')
        && let Some(arg) = typed.flag(name)
    {
        return values(typed, arg).beginning_with(&format!("{name}="), value);
    }
    let words = match (typed.current.starts_with('-'), typed.positional()) {
        (false, Some(arg)) => return values(typed, arg).without_flags().beginning_with("", &typed.current),
        (false, None) if typed.command.get_subcommands().any(|child| !child.is_hide_set()) => children(typed.command),
        _ => flags(typed.command),
    };
    Values::Words(words).beginning_with("", &typed.current)
}
