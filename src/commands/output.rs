//! What the commands print on standard output.

use std::io::{self, Write};

use crate::error::{Error, ErrorKind, Result};

/// Writes to standard output. A broken pipe is not an error.
pub(super) fn print(out: &mut impl Write, text: &str) -> Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::Failed, format!("cannot write to standard output: {error}"))
                .hint("check where it goes: the disk may be full, or the reading program has ended"))
        }
        _ => Ok(()),
    }
}
