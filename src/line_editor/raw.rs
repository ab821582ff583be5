//! A terminal that passes on each key at once and echoes none.

use std::io;

use nix::sys::signal::{SigSet, SigmaskHow, Signal, raise};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

/// A terminal in raw mode; dropping this restores it.
pub struct Raw {
    before: Termios,
    off: LocalModes,
}

impl Raw {
    /// Changes the terminal of the standard input: it no longer does what the modes in `off` do.
    ///
    /// # Errors
    /// If that is not a terminal.
    pub fn start(off: LocalModes) -> io::Result<Self> {
        let before = tcgetattr(rustix::stdio::stdin())?;
        let raw = Self { before, off };
        raw.set()?;
        Ok(raw)
    }

    fn set(&self) -> io::Result<()> {
        let mut modes = self.before.clone();
        modes.local_modes -= self.off;
        modes.special_codes[SpecialCodeIndex::VMIN] = 1;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        Ok(tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &modes)?)
    }

    /// Lets a signal take effect, with the terminal restored. A stopped process may continue.
    ///
    /// # Errors
    /// If the terminal is gone afterwards.
    pub fn pause(&mut self, signal: Signal) -> io::Result<()> {
        self.restore();
        let _ = raise(signal);
        self.before = tcgetattr(rustix::stdio::stdin())?;
        self.set()
    }

    /// Leaves the modes alone that a shell has set since then. A terminal that is gone needs no restoring.
    fn restore(&self) {
        let is_ours = |now: &Termios| now.local_modes == self.before.local_modes - self.off;
        if !tcgetattr(rustix::stdio::stdin()).as_ref().is_ok_and(is_ours) {
            return;
        }
        // The shell may have the terminal. With this signal blocked that does not stop the run (tcsetattr(3)).
        let before = SigSet::from_iter([Signal::SIGTTOU]).thread_swap_mask(SigmaskHow::SIG_BLOCK);
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &self.before);
        let _ = before.and_then(|before| before.thread_set_mask());
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.restore();
    }
}
