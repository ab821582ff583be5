//! Where a sign-in is saved.

use std::path::PathBuf;

/// Where the tokens of this run are saved.
#[derive(Clone, Debug)]
pub enum Store {
    /// The operating system's keyring.
    Keyring,
    /// Only the kernel's keys.
    Kernel,
    /// A file in this folder.
    File(PathBuf),
    /// Nowhere: each run must sign in. Has the reason, unless it was a choice.
    Nowhere(Option<String>),
}

impl Store {
    /// Its name in messages and in the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::Kernel => "kernel",
            Self::File(_) => "file",
            Self::Nowhere(_) => "nowhere",
        }
    }
}
