//! Whose a file must be to be trusted.

use std::fmt;

/// Who may own a file and its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The system's administrator.
    System,
    /// The user, who named the file, or the administrator.
    User,
    /// Any user and any group: whoever can write there can replace this program too.
    Installer,
}

/// A file or folder that others can change, and the commands that fix that.
#[derive(Debug)]
pub struct Untrusted {
    /// What is wrong, for the end of a message.
    pub why: String,
    /// Each to be copied as it is; none if the reason says what to do.
    pub commands: Vec<String>,
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Untrusted {}
