//! The terminal, or the console of Windows, that a run was started from, for what the user must see although a program reads stderr.

use std::io::{self, IsTerminal as _};

/// Whether a user can see what a run prints: on stderr, or else on its controlling terminal.
#[expect(clippy::disallowed_methods, reason = "nothing is written")]
pub fn is_watched() -> bool {
    io::stderr().is_terminal() || system::open().is_some()
}

/// Prints lines on the controlling terminal, unless stderr goes there, or another program has it in the foreground. The
/// lines must be [sanitised](crate::printable::sanitise).
#[expect(clippy::disallowed_methods, reason = "nothing is written")]
pub fn print(lines: &[String]) {
    if !io::stderr().is_terminal()
        && let Some(terminal) = system::open()
    {
        system::print(terminal, lines);
    }
}

/// Whether this run has the terminal in the foreground: a job in the background must not write to it, and is stopped if it
/// reads from it.
#[cfg(unix)]
pub fn is_in_foreground(terminal: impl std::os::fd::AsFd) -> bool {
    rustix::termios::tcgetpgrp(terminal).is_ok_and(|foreground| foreground == rustix::process::getpgrp())
}

#[cfg(unix)]
mod system {
    use std::fs::{File, OpenOptions};
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    use nix::sys::signal::{SigSet, SigmaskHow, Signal};
    use rustix::fs::OFlags;

    use super::is_in_foreground;

    /// The controlling terminal, if this run has it in the foreground.
    pub fn open() -> Option<File> {
        // A terminal that was stopped with Ctrl-S must not block the run.
        let flags = OFlags::NOCTTY | OFlags::NONBLOCK;
        let terminal = OpenOptions::new().write(true).custom_flags(flags.bits() as i32).open("/dev/tty").ok()?;
        is_in_foreground(&terminal).then_some(terminal)
    }

    pub fn print(mut terminal: File, lines: &[String]) {
        // A shell may take the terminal back at any moment. With this signal blocked a write succeeds all the same, and does
        // not stop the run (termios(3), TOSTOP).
        let stop = SigSet::from_iter([Signal::SIGTTOU]);
        let Ok(before) = stop.thread_swap_mask(SigmaskHow::SIG_BLOCK) else { return };
        // A terminal in raw mode needs the carriage return.
        let text: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        // What does not fit is lost: stderr has it, too.
        let _ = terminal.write_all(text.as_bytes());
        let _ = before.thread_set_mask();
    }
}

#[cfg(windows)]
mod system {
    use std::fs::{File, OpenOptions};

    use crate::windows::console;

    /// The console, if a user can see it.
    pub fn open() -> Option<File> {
        OpenOptions::new().write(true).open("CONOUT$").ok().filter(|_| console::has_window())
    }

    pub fn print(console: File, lines: &[String]) {
        console::write(&console, &lines.iter().map(|line| format!("{line}\r\n")).collect::<String>());
    }
}
