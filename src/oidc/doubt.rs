//! Why a token of a response cannot be used, and what that means for the session.

use crate::error::Error;

/// Why a token was rejected.
#[derive(Debug)]
pub enum Doubt {
    /// Newer keys of the provider may verify it.
    Key(Error),
    /// A time in it contradicts our clock, and so would that of any other token.
    Clock(Error),
    /// Anything else.
    Other(Error),
}

impl From<Doubt> for Error {
    fn from(doubt: Doubt) -> Self {
        let (Doubt::Key(error) | Doubt::Clock(error) | Doubt::Other(error)) = doubt;
        error
    }
}
