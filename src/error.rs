//! The error that reaches the user: what went wrong, what to do next, and the exit code.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use clap::error::{ContextKind, ContextValue};

/// What a command returns when it can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of failure it is. Scripts branch on it by the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Anything that has no kind of its own.
    Failed,
    /// A flag, variable or `KUBERNETES_EXEC_INFO` that cannot be used.
    Usage,
    /// A sign-in was needed and did not succeed.
    SignIn,
    /// The same, because nobody answered although a browser was opened.
    Unanswered,
    /// The administrator's policy forbids it.
    Policy,
    /// The provider cannot be reached or is in trouble.
    Unreachable,
    /// A sign-in is saved and cannot be had, or the place that was asked for cannot keep one.
    Storage,
}

impl ErrorKind {
    /// The process's exit code, as listed by `--help`.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::SignIn | Self::Unanswered => 3,
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

/// A failure in one line of lower case without a full stop, and a hint that says what to do next.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
}

impl Error {
    /// An error of this kind. `message` may hold text from outside: [`crate::terminal`] makes it safe to print.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// Adds what the user can do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The kind, which decides the exit code.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What the user can do about it; empty where there is nothing to say.
    pub fn what_to_do(&self) -> &str {
        self.hint.as_deref().unwrap_or_default()
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
        // Asked for its source, an I/O error passes over what it wraps.
        Some(error) => error.get_ref().map(|wrapped| wrapped as &(dyn StdError + 'static)),
        None => error.source(),
    }
}

impl From<clap::Error> for Error {
    /// The arguments are wrong. The usage that clap adds is of no use in the output of kubectl.
    fn from(error: clap::Error) -> Self {
        let text = error.render().to_string();
        let message = match error.kind() {
            clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a subcommand is missing",
            _ => text.split("\n\n").next().unwrap_or_default(),
        };
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        let suggested = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand].map(|kind| error.get(kind));
        let hint = match suggested.into_iter().flatten().next() {
            Some(ContextValue::String(one)) => format!("did you mean {one}? '--help' lists all that there is"),
            Some(ContextValue::Strings(some)) => {
                format!("did you mean {}? '--help' lists all that there is", some.join(" or "))
            }
            _ => "'kubekey --help' lists all flags and commands, and 'kubekey COMMAND --help' those of a command"
                .to_owned(),
        };
        Self::new(ErrorKind::Usage, message.strip_prefix("error: ").unwrap_or(&message)).hint(hint)
    }
}

/// The innermost cause of `error`, which is the one that names the trouble ("connection refused").
pub fn root_cause(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().unwrap_or(error).to_string()
}
