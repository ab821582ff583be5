//! The error that reaches the user: what went wrong, what to do next, and the exit code.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use clap::error::{ContextKind, ContextValue};

/// The maximum length of [`Error::told`]: with what is printed before it, less than the 80 columns of a terminal.
const TOLD_LENGTH: usize = 70;

/// The most commands that a hint lists.
pub const MOST_COMMANDS: usize = 5;

const ELLIPSIS: &str = " ...";

/// The result of anything that can fail with an [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// The kind of a failure. Scripts branch on it by the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Anything without a kind of its own.
    Failed,
    /// A flag, variable or `KUBERNETES_EXEC_INFO` that cannot be used.
    Usage,
    /// A sign-in was needed and did not succeed.
    SignIn,
    /// The same, because the user did not answer although a browser was opened.
    Unanswered,
    /// The same, because no browser was opened and no user could see the URL.
    Unseen,
    /// The same, because the program that ran this kubekey had ended.
    Abandoned,
    /// The administrator's policy forbids it.
    Policy,
    /// The provider cannot be reached or is in trouble.
    Unreachable,
    /// A sign-in is saved and cannot be read, or the requested storage cannot save one.
    Storage,
}

impl ErrorKind {
    /// The process's exit code, as listed by `--help`.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::SignIn | Self::Unanswered | Self::Unseen | Self::Abandoned => 3,
            Self::Policy => 4,
            Self::Unreachable => 5,
            Self::Storage => 6,
        }
    }

    /// The kind that has this exit code.
    pub fn from_exit_code(code: u8) -> Option<Self> {
        [Self::Failed, Self::Usage, Self::SignIn, Self::Policy, Self::Unreachable, Self::Storage]
            .into_iter()
            .find(|kind| kind.exit_code() == code)
    }
}

/// A failure: one line in lower case without a full stop, and a hint that says what to do next.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    commands: Vec<String>,
    is_told: bool,
}

impl Error {
    /// An error of this kind. `message` may hold text from outside: [`crate::terminal`] makes it safe to print.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, commands: Vec::new(), is_told: false }
    }

    /// Adds what the user can do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds commands for the end of the hint, each to be copied as it is: the first of them, if there are many.
    pub fn commands(mut self, commands: impl IntoIterator<Item = String>) -> Self {
        self.commands.extend(commands.into_iter().take(MOST_COMMANDS));
        self
    }

    /// The short form of an error that the user has already read: one line of a screen, with as much of the hint as
    /// fits. What kubectl prints in between may have pushed the rest off.
    pub fn told(&self) -> Self {
        let mut line = "as above".to_owned();
        let hint = std::iter::once(self.what_to_do()).chain(self.to_run().iter().map(String::as_str));
        for (index, word) in hint.flat_map(|part| part.split_terminator(' ')).enumerate() {
            let separator = if index == 0 { ": " } else { " " };
            if line.chars().count() + word.chars().count() + separator.len() > TOLD_LENGTH - ELLIPSIS.len() {
                line.push_str(ELLIPSIS);
                break;
            }
            line.push_str(separator);
            line.push_str(word);
        }
        Self { is_told: true, ..Self::new(self.kind, line) }
    }

    /// Whether it was made by [`Error::told`].
    pub fn is_told(&self) -> bool {
        self.is_told
    }

    /// The kind, which decides the exit code.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What the user can do about it; empty if there is no hint.
    pub fn what_to_do(&self) -> &str {
        self.hint.as_deref().unwrap_or_default()
    }

    /// The commands at the end of the hint.
    pub fn to_run(&self) -> &[String] {
        &self.commands
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {}

/// `error` and its causes, the innermost last.
pub fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| cause(*error))
}

fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>() {
        // The source of an I/O error skips the error that it wraps.
        Some(error) => error.get_ref().map(|wrapped| wrapped as &(dyn StdError + 'static)),
        None => error.source(),
    }
}

impl From<clap::Error> for Error {
    /// The arguments are wrong. The usage text that clap adds does not help in the output of kubectl.
    fn from(error: clap::Error) -> Self {
        let text = error.render().to_string();
        let message = match error.kind() {
            clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a subcommand is missing",
            _ => text.split("\n\n").next().unwrap_or_default(),
        };
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        let suggested = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand].map(|kind| error.get(kind));
        let of_all = "to list all commands and flags, or the flags of one command, run:";
        let hint = match suggested.into_iter().flatten().next() {
            Some(ContextValue::String(one)) => format!("did you mean {one}? {of_all}"),
            // clap has the best one last.
            Some(ContextValue::Strings(some)) => {
                let some: Vec<_> = some.iter().rev().map(String::as_str).collect();
                format!("did you mean {}? {of_all}", some.join(" or "))
            }
            _ => of_all.to_owned(),
        };
        let error = Self::new(ErrorKind::Usage, message.strip_prefix("error: ").unwrap_or(&message));
        match subcommand(&text) {
            Some(command) if !hint.starts_with("did you mean") => {
                error.hint("to list its flags, run:").commands([format!("kubekey {command} --help")])
            }
            _ => error.hint(hint).commands(["kubekey --help", "kubekey COMMAND --help"].map(str::to_owned)),
        }
    }
}

/// The subcommand in clap's usage text.
fn subcommand(text: &str) -> Option<String> {
    let (_, usage) = text.split_once("Usage: ")?;
    let is_name = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let words: Vec<_> = usage.split_whitespace().skip_while(|word| *word != "kubekey").skip(1).collect();
    let names: Vec<_> = words.into_iter().take_while(|word| is_name(word) && !word.starts_with('-')).collect();
    (!names.is_empty()).then(|| names.join(" "))
}

/// The innermost cause of `error`, which names the actual problem ("connection refused").
pub fn root_cause(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().unwrap_or(error).to_string()
}
