//! Mistakes in configuration files: a run stops at the first one, `kubekey config check` lists all of them.

use std::collections::HashSet;

use super::escape;
use super::place::Place;
use crate::error::{Error, ErrorKind, Result};

/// The hint if a run has stopped at the first mistake.
const HINT: &str = "check all files, or list all keys and their types:";
const COMMANDS: [&str; 2] = ["kubekey config check", "kubekey config schema"];

/// A mistake in a file.
pub struct Mistake {
    /// Where it is.
    pub place: Place,
    /// What is wrong.
    pub error: Error,
}

impl Mistake {
    /// A mistake whose message shows the line.
    pub(super) fn new(place: Place, why: &str) -> Self {
        Self { error: wrong(&place, why), place }
    }

    /// A mistake about an escape that was meant to be a backslash.
    pub(super) fn of_escape(place: Place, why: &str) -> Self {
        Self { error: wrong(&place, why).hint(escape::HINT), place }
    }
}

/// The part of a file that could be read, and the mistakes in it.
pub struct Checked<T> {
    /// What could be read.
    pub good: T,
    /// The mistakes, in the order in which they were found.
    pub mistakes: Vec<Mistake>,
}

impl<T> Checked<T> {
    /// The contents, if there are no mistakes.
    ///
    /// # Errors
    /// The first mistake.
    pub fn or_first(self) -> Result<T> {
        match self.mistakes.into_iter().next() {
            Some(Mistake { error, .. }) if error.what_to_do().is_empty() => {
                Err(error.hint(HINT).commands(COMMANDS.map(str::to_owned)))
            }
            Some(mistake) => Err(mistake.error),
            None => Ok(self.good),
        }
    }
}

/// The mistakes without those in lines with a syntax error, which are only consequences of it.
pub(super) fn without_consequences(mistakes: Vec<Mistake>, syntax: &[Mistake]) -> impl Iterator<Item = Mistake> {
    let lines: HashSet<_> = syntax.iter().map(|mistake| mistake.place.line()).collect();
    mistakes.into_iter().filter(move |mistake| !lines.contains(&mistake.place.line()))
}

/// The error for a mistake in a file, without a hint: that depends on the caller.
pub(super) fn wrong(place: &Place, why: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("{place}, column {}: {why}: {}", place.column(), place.shown_line()))
}
