//! One line that a person types at a terminal, with arrow keys and Tab. Afterwards the terminal is always restored.

mod keys;
mod line;
mod raw;

use std::io;

use rustix::termios::LocalModes;

use keys::{Key, Keys};
pub use line::Complete;
use line::Line;
pub use raw::Raw;

/// Reads a line after this question; `None` if the person ends the input. Ctrl-C does what it does elsewhere; the up
/// arrow brings back `recalled`.
///
/// # Errors
/// If this is not a terminal.
pub fn read(
    question: &str,
    recalled: &str,
    complete: Complete<'_>,
    write: &dyn Fn(&str),
) -> io::Result<Option<String>> {
    let mut raw = Raw::start(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN)?;
    let mut line = Line::new(question, write);
    line.begin();
    let mut keys = Keys::default();
    let answer = loop {
        let Some(key) = keys.next() else { break None };
        line.follow_width();
        match key {
            Key::Enter => break Some(line.text()),
            Key::End if line.text.is_empty() => break None,
            Key::Signal(signal) => {
                write("\n");
                raw.pause(signal)?;
                line.begin();
            }
            Key::Tab => line.complete(complete),
            Key::Up if !recalled.is_empty() => line.replace(recalled),
            key => line.edit(key),
        }
    };
    write("\n");
    Ok(answer)
}
