//! One line of the report: what was checked, and what to do.

use serde_json::{Value, json};

use crate::error::Error;
use crate::printable::sanitise;
use crate::terminal::as_typed;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, or may not be needed.
    Warning,
    /// It does not work.
    Error,
}

/// The result of one check.
pub struct Line {
    /// How it ended.
    pub verdict: Verdict,
    /// The part that was checked.
    pub check: &'static str,
    /// What was found.
    pub what: String,
    /// What the user can do about it; empty if nothing is to be done.
    pub what_to_do: String,
}

impl Verdict {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Line {
    /// It is as it should be.
    pub fn ok(check: &'static str, what: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, check, what: what.into(), what_to_do: String::new() }
    }

    /// It works, and something is to be said about it.
    pub fn warning(check: &'static str, what: impl Into<String>, what_to_do: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, what_to_do: what_to_do.into(), ..Self::ok(check, what) }
    }

    /// It does not work.
    pub fn error(check: &'static str, what: impl Into<String>, what_to_do: impl Into<String>) -> Self {
        Self { verdict: Verdict::Error, ..Self::warning(check, what, what_to_do) }
    }

    /// It ended with this error.
    pub fn of(check: &'static str, error: &Error) -> Self {
        let commands = error.to_run().iter().map(|command| format!(" '{command}'"));
        let what_to_do = error.what_to_do().to_owned() + &commands.collect::<Vec<_>>().join(",");
        Self::error(check, error.to_string(), what_to_do)
    }

    /// For people: two lines if something is to be done.
    pub fn to_text(&self) -> String {
        let Self { verdict, check, what, what_to_do } = self;
        let todo = match what_to_do.is_empty() {
            true => String::new(),
            false => format!("{:8} {:13} -> {}\n", "", "", as_typed(&sanitise(what_to_do))),
        };
        format!("{:8} {check:13} {}\n{todo}", verdict.name(), sanitise(what))
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let (what, what_to_do) = (sanitise(&self.what), as_typed(&sanitise(&self.what_to_do)));
        json!({ "check": self.check, "verdict": self.verdict.name(), "what": what, "what_to_do": what_to_do })
    }
}
