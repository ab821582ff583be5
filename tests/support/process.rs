//! Child processes that do not outlive the test.

use std::io;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use super::said;

/// Runs a program to its end, and returns what it printed.
pub fn output(command: &mut Command) -> io::Result<Output> {
    let output = started(|| command.output())?;
    [&output.stderr, &output.stdout].iter().for_each(|text| said::note(text));
    Ok(output)
}

/// On a busy machine wine reports one process in a thousand as this error: it ended before it ran any code
/// (`NtCreateUserProcess` in wine's `dlls/ntdll/unix/process.c`).
fn started<T>(mut start: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    const ERROR_INTERNAL_ERROR: i32 = 1359;

    start().or_else(|error| match error.raw_os_error() {
        Some(ERROR_INTERNAL_ERROR) if cfg!(windows) => start(),
        _ => Err(error),
    })
}

/// Killed when it is dropped.
pub struct Process(Child);

impl Process {
    pub fn start(command: &mut Command) -> io::Result<Self> {
        started(|| command.spawn()).map(Process)
    }

    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Guards these processes for as long as the guard lives: it kills them when this program ends without dropping
    /// anything, because it was killed or aborted. Drop the guard before them.
    #[cfg(unix)]
    pub fn guard(guarded: &[&Process]) -> io::Result<Self> {
        let ids = guarded.iter().map(|process| process.0.id().to_string());
        // No other process holds the other end of its input, so the input ends with this program.
        let script = r#"trap "" INT TERM HUP; read -r end; kill -s KILL "$@""#;
        Process::start(Command::new("sh").args(["-c", script, "guard"]).args(ids).stdin(Stdio::piped()))
    }

    /// Sends a signal by its name without `SIG`.
    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        send(name, &self.0.id().to_string());
    }

    /// Sends the signal later, from any thread.
    #[cfg(unix)]
    pub fn signaller(&self, name: &'static str) -> impl FnOnce() + Send + 'static {
        let id = self.0.id().to_string();
        move || send(name, &id)
    }

    /// The same for a process that may have ended: its ID is not reused, since nothing has waited for it yet.
    #[cfg(unix)]
    pub fn signal_if_running(&self, name: &str) {
        let id = rustix::process::Pid::from_raw(self.0.id() as i32).expect("a process");
        let signal = match name {
            "KILL" => rustix::process::Signal::KILL,
            "INT" => rustix::process::Signal::INT,
            "TERM" => rustix::process::Signal::TERM,
            "HUP" => rustix::process::Signal::HUP,
            other => panic!("which signal is {other}?"),
        };
        rustix::process::kill_process(id, signal).expect("a process of ours");
    }

    /// Kills it at once, even if it is stopped, and waits for its end.
    pub fn kill(&mut self) -> io::Result<ExitStatus> {
        self.0.kill()?;
        self.0.wait()
    }
}

#[cfg(unix)]
fn send(name: &str, id: &str) {
    // `kill` is built into the shell; the program of that name is not on every machine.
    let sent = Command::new("sh").args(["-c", r#"kill -s "$0" "$1""#, name, id]).status();
    assert!(sent.is_ok_and(|status| status.success()), "SIG{name} to {id}");
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.kill());
    }
}
