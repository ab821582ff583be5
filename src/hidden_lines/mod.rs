//! Lines that a person pastes at a terminal, of any length. Nothing of them is shown, and the terminal is restored at every
//! end.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::io;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use zeroize::Zeroizing;

#[cfg(unix)]
use unix::Reader;
#[cfg(windows)]
use windows::Reader;

#[cfg(unix)]
pub use unix::can_be_typed;
#[cfg(windows)]
pub use windows::can_be_typed;

/// The lines of the standard input, hidden until this is dropped.
pub struct HiddenLines {
    lines: UnboundedReceiver<Zeroizing<Vec<u8>>>,
    _reader: Reader,
}

impl HiddenLines {
    /// Hides what is typed from now on.
    ///
    /// # Errors
    /// If the standard input is not a terminal, or the system has no thread for this.
    pub fn start() -> io::Result<Self> {
        let (sender, lines) = unbounded_channel();
        Ok(Self { lines, _reader: Reader::start(sender)? })
    }

    /// The next line, without its end; `None` once the person has ended the input, or the terminal is gone.
    pub async fn next(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        self.lines.recv().await
    }
}
