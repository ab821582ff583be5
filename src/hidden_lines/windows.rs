//! The console: it edits lines itself, and ends them at 8,191 characters or later. How it behaves in each terminal of
//! Windows was not tried.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::thread;

use tokio::sync::mpsc::UnboundedSender;
use zeroize::Zeroizing;

use crate::windows::console::HiddenInput;

type Line = Zeroizing<Vec<u8>>;

/// Reads lines until the run ends. A thread that waits for the console cannot be stopped, and ends with the process.
pub struct Reader {
    _hidden: HiddenInput,
}

impl Reader {
    pub fn start(lines: UnboundedSender<Line>) -> io::Result<Self> {
        let hidden = HiddenInput::start()?;
        thread::Builder::new().spawn(move || read(&lines))?;
        Ok(Self { _hidden: hidden })
    }
}

fn read(lines: &UnboundedSender<Line>) {
    let mut line = Line::default();
    while io::stdin().lock().read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        if lines.send(std::mem::take(&mut line)).is_err() {
            return;
        }
    }
}

/// Whether the standard input is a console.
pub fn can_be_typed() -> bool {
    io::stdin().is_terminal()
}
