//! How much kubekey writes to stderr.

use std::sync::atomic::{AtomicU8, Ordering};

/// How much is written. Each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Why the run failed.
    Error,
    /// What went wrong without stopping the run.
    Warn,
    /// What the run does and what the user can do: the default.
    Info,
    /// The steps of the run.
    Debug,
    /// The names of header fields and of JSON fields too.
    Trace,
}

/// The names of the levels.
pub const LEVELS: [(&str, Level); 5] = [
    ("error", Level::Error),
    ("warn", Level::Warn),
    ("info", Level::Info),
    ("debug", Level::Debug),
    ("trace", Level::Trace),
];

static LEVEL: AtomicU8 = AtomicU8::new(Level::Info as u8);

/// Sets the level from here on.
pub fn set(level: Level) {
    LEVEL.store(level as u8, Ordering::Relaxed);
}

/// The name of the level.
pub fn name() -> &'static str {
    let level = LEVEL.load(Ordering::Relaxed);
    LEVELS.iter().find(|(_, known)| *known as u8 == level).map_or("info", |(name, _)| name)
}

/// Whether messages of `level` are written.
pub fn is_on(level: Level) -> bool {
    level as u8 <= LEVEL.load(Ordering::Relaxed)
}
