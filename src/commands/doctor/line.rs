//! One line of the report: what was checked, and what to do.

use serde_json::{Value, json};

use crate::error::Error;
use crate::terminal;

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
    /// Commands for that, each to be copied as it is.
    pub commands: Vec<String>,
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
        Self { verdict: Verdict::Ok, check, what: what.into(), what_to_do: String::new(), commands: Vec::new() }
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
        let line = Self::error(check, error.to_string(), error.what_to_do());
        Self { commands: error.to_run().to_vec(), ..line }
    }

    /// For people: further lines if something is to be done.
    pub fn to_text(&self) -> String {
        let Self { verdict, check, what, what_to_do, commands } = self;
        let mut text = terminal::beside(&format!("{:8} {check:13} ", verdict.name()), what) + "\n";
        if !what_to_do.is_empty() {
            text += &(terminal::beside(&format!("{:23}-> ", ""), what_to_do) + "\n");
        }
        // Not broken, so that they can be copied.
        text.extend(terminal::all_typed(commands).iter().map(|command| format!("{:26}{command}\n", "")));
        text
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let [what, what_to_do] = [&self.what, &self.what_to_do].map(|text| terminal::in_sentence(text));
        let commands = terminal::all_typed(&self.commands);
        let verdict = self.verdict.name();
        json!({ "check": self.check, "verdict": verdict, "what": what, "what_to_do": what_to_do, "commands": commands })
    }
}
