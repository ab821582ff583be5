//! What `KUBEKEY_LOG` adds to the usual messages: the steps of a run, for a bug report. It contains names, sizes,
//! times and outcomes, and never a value that could contain a token, a code or a secret.

use std::fmt;
use std::time::Instant;

use crate::log_level::{LEVELS, Level, is_on, set};
use crate::terminal;

/// Sets the level from the environment.
pub fn start() {
    let Some(wanted) = std::env::var_os("KUBEKEY_LOG").filter(|wanted| !wanted.is_empty()) else { return };
    match LEVELS.iter().find(|(name, _)| wanted.eq_ignore_ascii_case(name)) {
        Some((_, level)) => set(*level),
        None => {
            terminal::warning(&format!("KUBEKEY_LOG is '{}': use error, warn, info, debug or trace", wanted.display()))
        }
    }
}

/// Logs the outcome of a step.
pub fn debug(text: fmt::Arguments<'_>) {
    if is_on(Level::Debug) {
        terminal::log("debug: ", &text.to_string());
    }
}

/// Logs the names of what was received.
pub fn trace(text: fmt::Arguments<'_>) {
    if is_on(Level::Trace) {
        terminal::log("trace: ", &text.to_string());
    }
}

/// The time of a step; the clock is read only if the time will be logged.
pub struct Timer(Option<Instant>);

impl Timer {
    /// Starts to measure.
    pub fn start() -> Self {
        Self(is_on(Level::Debug).then(Instant::now))
    }
}

impl fmt::Display for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0.map_or(0, |start| start.elapsed().as_millis()))
    }
}
