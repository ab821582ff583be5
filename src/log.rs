//! What `KUBEKEY_LOG` asks for beside the usual messages: the steps of a run, for a bug report. It is given names, sizes,
//! times and outcomes, and never a value that a token, a code or a secret could be in.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use crate::terminal;

/// How much is said. Each level has all that those before it have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Why the run failed.
    Error,
    /// What went wrong and did not stop it.
    Warn,
    /// What it does and what the user can do: what is said if nobody asks for anything else.
    Info,
    /// Its steps.
    Debug,
    /// The names of header fields and of JSON fields, too.
    Trace,
}

const LEVELS: [(&str, Level); 5] = [
    ("error", Level::Error),
    ("warn", Level::Warn),
    ("info", Level::Info),
    ("debug", Level::Debug),
    ("trace", Level::Trace),
];

static LEVEL: AtomicU8 = AtomicU8::new(Level::Info as u8);

/// Reads the level from the environment.
pub fn start() {
    let Some(wanted) = std::env::var_os("KUBEKEY_LOG").filter(|wanted| !wanted.is_empty()) else { return };
    match LEVELS.iter().find(|(name, _)| wanted.eq_ignore_ascii_case(name)) {
        Some((_, level)) => LEVEL.store(*level as u8, Ordering::Relaxed),
        None => terminal::warning(&format!(
            "KUBEKEY_LOG is '{}', and there are error, warn, info, debug and trace",
            wanted.display()
        )),
    }
}

/// Whether what belongs to `level` is said.
pub fn is_on(level: Level) -> bool {
    level as u8 <= LEVEL.load(Ordering::Relaxed)
}

/// Says what a step came to.
pub fn debug(text: fmt::Arguments<'_>) {
    if is_on(Level::Debug) {
        terminal::log("debug: ", &text.to_string());
    }
}

/// Says the names of what came.
pub fn trace(text: fmt::Arguments<'_>) {
    if is_on(Level::Trace) {
        terminal::log("trace: ", &text.to_string());
    }
}

/// The time of a step; no clock is read where nobody wants to know it.
pub struct Timer(Option<Instant>);

impl Timer {
    /// Begins to measure.
    pub fn start() -> Self {
        Self(is_on(Level::Debug).then(Instant::now))
    }
}

impl fmt::Display for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0.map_or(0, |start| start.elapsed().as_millis()))
    }
}
