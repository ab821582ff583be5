//! What opens the user's browser.

use super::values;
use crate::config::given::Given;
use crate::error::Result;
use crate::policy::Policy;

/// What opens the user's browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opener {
    /// Nothing: the URL is only printed.
    Nobody,
    /// This command: a program and its arguments.
    Command(String),
    /// The first command that works of those in the variable `BROWSER`.
    Variable(String),
    /// The desktop's own launcher.
    Desktop,
}

impl Opener {
    /// Chooses the one that is set. `environment` returns the value of a variable.
    pub(super) fn choose(given: &Given, environment: impl Fn(&str) -> Option<String>, policy: &Policy) -> Result<Self> {
        Ok(match given.text("browser-command") {
            _ if values::switch(given.text("skip-open-browser"))? => Self::Nobody,
            Some(command) => Self::Command(values::on_one_line(command)?.text.to_owned()),
            // A kubeconfig can set this variable too.
            None if policy.locks("browser-command") => Self::Desktop,
            None => match environment("BROWSER").filter(|commands| !commands.trim().is_empty()) {
                Some(commands) => Self::Variable(commands),
                None => Self::Desktop,
            },
        })
    }
}
