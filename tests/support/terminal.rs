//! A person at a terminal: a real one, which the program is the session leader of.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::canary;
use super::process::Process;

/// No test hangs.
const DEADLINE: Duration = Duration::from_secs(20);

/// What Ctrl-C and Ctrl-D send.
pub const INTERRUPT: &str = "\u{3}";
pub const END: &str = "\u{4}";

pub struct Person {
    process: Process,
    keyboard: File,
    output: Receiver<Vec<u8>>,
    /// What is on the screen, and how much of it was waited for.
    screen: String,
    seen: usize,
}

impl Person {
    /// Runs a command with a terminal for stdin and stderr, in the same environment.
    pub fn run(command: &Command) -> Self {
        let keyboard =
            File::from(openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal"));
        grantpt(&keyboard).and_then(|()| unlockpt(&keyboard)).expect("a terminal of ours");
        let name = ptsname(&keyboard, Vec::new()).expect("its name").into_string().expect("UTF-8");
        let no_control = i32::try_from(OFlags::NOCTTY.bits()).expect("a flag");
        let terminal = OpenOptions::new().read(true).write(true).custom_flags(no_control).open(name).expect("its end");
        let mut leader = Command::new("/usr/bin/setsid");
        leader.args(["--ctty", "--wait"]).arg(command.get_program()).args(command.get_args());
        leader.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        leader.current_dir(command.get_current_dir().expect("a folder"));
        leader.stdin(terminal.try_clone().expect("a terminal")).stdout(Stdio::piped()).stderr(terminal);
        let process = Process::start(&mut leader).expect("setsid");
        let output = read(keyboard.try_clone().expect("a terminal"));
        Self { process, keyboard, output, screen: String::new(), seen: 0 }
    }

    /// Waits for this text after what was waited for before.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(at) = self.screen[self.seen..].find(text) {
                self.seen += at + text.len();
                return;
            }
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.screen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("no {text:?} on: {}", self.screen),
            }
        }
    }

    /// Waits for a question and types the answer.
    #[track_caller]
    pub fn answer(&mut self, question: &str, answer: &str) {
        self.wait_for(question);
        self.type_in(&format!("{answer}\n"));
    }

    pub fn type_in(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).expect("a terminal");
    }

    /// Waits for its end, without another answer: the exit code, the screen, and stdout.
    #[track_caller]
    pub fn wait(mut self) -> (Option<i32>, String, String) {
        loop {
            match self.output.recv_timeout(DEADLINE) {
                Ok(bytes) => self.screen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("still running after: {}", self.screen),
            }
        }
        let mut stdout = String::new();
        self.process.child().stdout.take().expect("piped").read_to_string(&mut stdout).expect("text");
        canary::assert_none_in(&self.screen, "the terminal");
        canary::assert_none_in(&stdout, "stdout");
        (self.process.child().wait().expect("a child").code(), self.screen, stdout)
    }
}

/// What comes from the terminal, until nobody has it open any more, which is an error to Linux.
fn read(mut terminal: File) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length) = terminal.read(&mut buffer)
            && length > 0
            && sender.send(buffer[..length].to_vec()).is_ok()
        {}
    });
    receiver
}
