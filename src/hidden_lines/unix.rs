//! A terminal: one that edits lines itself cuts them after 4,095 bytes (termios(3)), so this run does that. It restores the
//! terminal also when a signal ends it.

use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::signal::Signal;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::stdio::stdin;
use rustix::termios::{LocalModes, tcgetattr};
use signal_hook::{flag, low_level};
use tokio::sync::mpsc::UnboundedSender;
use zeroize::Zeroizing;

use crate::controlling_terminal::is_in_foreground;
use crate::line_editor::Raw;

type Line = Zeroizing<Vec<u8>>;

/// The most bytes of a line. What follows them is dropped.
const MOST: usize = 64 * 1024;

/// How often the reader looks whether it must stop, and whether it still has the terminal.
const LOOK: Duration = Duration::from_millis(50);

/// The signals that a terminal or a person sends to end or stop a run.
const WATCHED: [Signal; 5] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGTSTP];

/// Reads lines until it is dropped.
pub struct Reader {
    is_stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    pub fn start(lines: UnboundedSender<Line>) -> io::Result<Self> {
        let raw = hide()?;
        let signals = Signals::register()?;
        let is_stopped = Arc::new(AtomicBool::new(false));
        let stop = is_stopped.clone();
        let thread = thread::Builder::new().spawn(move || read(raw, &lines, &signals, &stop))?;
        Ok(Self { is_stopped, thread: Some(thread) })
    }
}

impl Drop for Reader {
    /// Waits until the terminal is restored.
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // One that panicked has restored the terminal, too.
            let _ = thread.join();
        }
    }
}

/// Signals still take effect, on every process in the foreground.
fn hide() -> io::Result<Raw> {
    Raw::start(LocalModes::ICANON | LocalModes::ECHO | LocalModes::IEXTEN)
}

/// Whether the standard input is a terminal that a person types at. One that edits no lines belongs to a program with a screen
/// of its own, as k9s.
pub fn can_be_typed() -> bool {
    let edits_lines = tcgetattr(stdin()).is_ok_and(|modes| modes.local_modes.contains(LocalModes::ICANON));
    edits_lines && is_in_foreground(stdin())
}

fn read(raw: Raw, lines: &UnboundedSender<Line>, signals: &Signals, is_stopped: &AtomicBool) {
    let (mut raw, mut typed) = (Some(raw), Typed::default());
    while !is_stopped.load(Ordering::SeqCst) {
        if let Some(signal) = signals.arrived() {
            raw = None;
            // A run that was only stopped continues.
            let _ = low_level::emulate_default_handler(signal);
        } else if !is_in_foreground(stdin()) {
            raw = None;
            thread::sleep(LOOK);
        } else if raw.is_none() {
            let Ok(hidden) = hide() else { return };
            raw = Some(hidden);
        } else if is_readable(signals) {
            let Some(bytes) = read_some() else { return };
            for line in bytes.iter().filter_map(|byte| typed.take(*byte)) {
                match line {
                    Some(line) => drop(lines.send(line)),
                    None => return,
                }
            }
        }
    }
}

/// Waits a moment for input. A signal ends the wait at once: the shell must not find the terminal as it is now.
fn is_readable(signals: &Signals) -> bool {
    let wait = Timespec { tv_sec: 0, tv_nsec: LOOK.subsec_nanos().into() };
    let stdin = PollFd::from_borrowed_fd(stdin(), PollFlags::IN);
    let mut polled = [stdin, PollFd::new(&signals.bell, PollFlags::IN)];
    poll(&mut polled, Some(&wait)).is_ok_and(|ready| ready > 0) && !polled[0].revents().is_empty()
}

/// What has been typed; `None` if the terminal is gone.
fn read_some() -> Option<Line> {
    let mut bytes = Zeroizing::new(vec![0; 4096]);
    match rustix::io::read(stdin(), &mut *bytes) {
        Err(Errno::INTR) => Some(Line::default()),
        Ok(length) if length > 0 => {
            bytes.truncate(length);
            Some(bytes)
        }
        _ => None,
    }
}

/// The line so far.
#[derive(Default)]
struct Typed {
    line: Line,
    /// In the middle of what a key sends that is no character (ECMA-48 §5.4): the byte before.
    escaped: Option<u8>,
}

impl Typed {
    /// Takes the next byte. Returns the line that it ends, or `Some(None)` at the end of the input.
    fn take(&mut self, byte: u8) -> Option<Option<Line>> {
        match byte {
            b'\r' | b'\n' => return Some(Some(std::mem::take(&mut self.line))),
            // Ctrl-D
            0x04 if self.line.is_empty() => return Some(None),
            0x08 | 0x7f => drop(self.line.pop()),
            // Ctrl-U
            0x15 => self.line.clear(),
            0x1b => self.escaped = Some(byte),
            _ if let Some(before) = self.escaped => {
                let is_last = if before == 0x1b { !b"[O".contains(&byte) } else { (0x40..0x7f).contains(&byte) };
                self.escaped = (!is_last).then_some(byte);
            }
            _ if byte.is_ascii_control() || self.line.len() == MOST => {}
            _ => self.line.push(byte),
        }
        None
    }
}

/// The signals that have arrived. Once this is dropped they have their usual effect again.
struct Signals {
    /// Gets a byte with each.
    bell: UnixStream,
    last: Arc<AtomicUsize>,
    is_usual: Arc<AtomicBool>,
}

impl Signals {
    fn register() -> io::Result<Self> {
        let (bell, ringer) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        let signals = Self { bell, last: Arc::default(), is_usual: Arc::default() };
        for signal in WATCHED.map(|signal| signal as i32) {
            flag::register_conditional_default(signal, signals.is_usual.clone())?;
            flag::register_usize(signal, signals.last.clone(), signal as usize)?;
            low_level::pipe::register(signal, ringer.try_clone()?)?;
        }
        Ok(signals)
    }

    fn arrived(&self) -> Option<i32> {
        let _ = (&self.bell).read(&mut [0; 64]);
        i32::try_from(self.last.swap(0, Ordering::SeqCst)).ok().filter(|signal| *signal != 0)
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.is_usual.store(true, Ordering::SeqCst);
        if let Some(signal) = self.arrived() {
            let _ = low_level::emulate_default_handler(signal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<Option<String>> {
        let mut typed = Typed::default();
        let lines = bytes.iter().filter_map(|byte| typed.take(*byte));
        lines.map(|line| line.map(|line| String::from_utf8(line.to_vec()).unwrap())).collect()
    }

    #[test]
    fn a_line_is_what_the_keys_leave_of_it() {
        for (bytes, expected) in [
            (&b"http://x/?code=1\n"[..], &[Some("http://x/?code=1")][..]),
            (b"a\rb\n", &[Some("a"), Some("b")]),
            (b"abc\x7f\x08d\n", &[Some("ad")]),
            (b"\x7fabc\x15d\n", &[Some("d")]),
            (b"a\x1b[Db\x1b[200~c\x1b[201~\x1bOAd\n", &[Some("abcd")]),
            (b"a\x00\x01b\n", &[Some("ab")]),
            (b"a\x04\n\x04", &[Some("a"), None]),
            ("ä\n".as_bytes(), &[Some("ä")]),
            (b"\n", &[Some("")]),
        ] {
            let expected: Vec<_> = expected.iter().map(|line| line.map(str::to_owned)).collect();
            assert_eq!(lines(bytes), expected, "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_line_has_an_end() {
        let long = lines(&[vec![b'a'; MOST + 9], b"\nb\n".to_vec()].concat());
        assert_eq!(long.iter().map(|line| line.as_ref().unwrap().len()).collect::<Vec<_>>(), [MOST, 1]);
    }
}
