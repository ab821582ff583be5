//! What the commands print on standard output.

use std::io::{self, Write};

use crate::error::{Error, ErrorKind, Result};

/// Writes to standard output. A broken pipe is not an error.
///
/// # Errors
/// As [`written`].
pub fn print(out: &mut impl Write, text: &str) -> Result<()> {
    written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// What the result of such a write means.
///
/// # Errors
/// [`ErrorKind::Failed`] if not all of it was written, unless the reader has ended.
pub fn written(result: io::Result<()>) -> Result<()> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::Failed, format!("cannot write to standard output: {error}"))
                .hint("check where it goes: the disk may be full"))
        }
        _ => Ok(()),
    }
}
