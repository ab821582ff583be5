//! A person at a real terminal, of which the program is the session leader.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::process::{Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcgetpgrp, tcsetwinsize};

use super::process::Process;
use super::{canary, said};

/// No test hangs.
const DEADLINE: Duration = Duration::from_secs(20);

/// What Ctrl-C and Ctrl-D send.
pub const INTERRUPT: &str = "\u{3}";
pub const END: &str = "\u{4}";

pub struct Person {
    process: Process,
    keyboard: File,
    output: Receiver<Vec<u8>>,
    /// What is on the screen, and how much of it has been waited for.
    screen: String,
    seen: usize,
    /// What the terminal may show although it has a secret in it.
    shown: Vec<String>,
}

/// The same command with a terminal as its standard output, too.
pub fn shown(kubekey: &Command) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", r#""$0" "$@" >/dev/tty; echo "exit code $?" >/dev/tty"#]).arg(kubekey.get_program());
    shell.args(kubekey.get_args()).env_clear();
    shell.envs(kubekey.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(kubekey.get_current_dir().expect("a folder"));
    shell
}

impl Person {
    /// Runs a command with a terminal as stdin and stderr, in the same environment.
    pub fn run(command: &Command) -> Self {
        Self::run_at(command, 0)
    }

    /// The same at a terminal of this width, and 24 rows; 0 means that it does not know its size.
    pub fn run_at(command: &Command, columns: u16) -> Self {
        let keyboard =
            File::from(openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal"));
        grantpt(&keyboard).and_then(|()| unlockpt(&keyboard)).expect("a terminal of ours");
        set_width(&keyboard, columns);
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
        Self { process, keyboard, output, screen: String::new(), seen: 0, shown: Vec::new() }
    }

    /// Waits for this string after what was waited for before.
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

    /// Waits until all that came so far is as it has to be.
    #[track_caller]
    pub fn wait_until(&mut self, is_right: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !is_right(&self.screen) {
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.screen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("it stays so: {:?}", self.screen),
            }
        }
    }

    /// Makes the terminal so wide.
    pub fn resize(&self, columns: u16) {
        set_width(&self.keyboard, columns);
    }

    /// Waits for the rest of the line after what was waited for before, and returns it.
    #[track_caller]
    pub fn wait_for_line(&mut self) -> String {
        let start = self.seen;
        self.wait_for("\n");
        self.screen[start..self.seen].trim_end().to_owned()
    }

    /// Waits for a line that the user must copy, whatever is secret in it, and returns it.
    #[track_caller]
    pub fn wait_for_shown(&mut self, start: &str) -> String {
        self.wait_for(start);
        let line = format!("{start}{}", self.wait_for_line());
        self.shown.push(line.clone());
        line
    }

    /// The modes of the terminal.
    pub fn modes(&self) -> LocalModes {
        tcgetattr(&self.keyboard).expect("a terminal").local_modes
    }

    /// Sends a signal to the program alone.
    pub fn signal(&self, signal: Signal) {
        let program = tcgetpgrp(&self.keyboard).expect("a program in the foreground");
        kill_process(program, signal).expect("a process of ours");
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

    /// Waits for its end, without another answer. Returns the exit code, the screen, and stdout.
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
        self.assert_as_before();
        let rest = self.shown.iter().fold(self.screen.clone(), |screen, shown| screen.replace(shown, ""));
        canary::assert_none_in(&rest, "the terminal");
        canary::assert_none_but_tokens_in(&stdout);
        said::note(stdout.as_bytes());
        (self.process.child().wait().expect("a child").code(), self.screen, stdout)
    }
}

impl Person {
    /// The shell that follows needs line editing, echo, and a Ctrl-C that interrupts.
    #[track_caller]
    fn assert_as_before(&self) {
        let modes = self.modes();
        let wanted = LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
        assert!(modes.contains(wanted), "{modes:?}: {}", self.screen);
    }

    /// What is on the screen so far.
    pub fn screen(&self) -> &str {
        &self.screen
    }
}

/// Reads from the terminal until no process has it open any more, which Linux reports as an error.
fn read(mut terminal: File) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let (mut buffer, mut all) = ([0; 4096], Vec::new());
        while let Ok(length) = terminal.read(&mut buffer)
            && length > 0
            && sender.send(buffer[..length].to_vec()).is_ok()
        {
            all.extend_from_slice(&buffer[..length]);
        }
        said::note(&all);
    });
    receiver
}

fn set_width(terminal: &File, columns: u16) {
    let rows = if columns == 0 { 0 } else { 24 };
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(terminal, size).expect("a terminal");
}
