//! Child processes that don't outlive the test.

use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};

/// Killed when it is dropped.
pub struct Process(Child);

impl Process {
    pub fn start(command: &mut Command) -> io::Result<Self> {
        command.spawn().map(Process)
    }

    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// A guard over these, for as long as it lives itself: it kills them when this program ends and drops nothing,
    /// because it was killed or aborted. Drop it before them.
    pub fn guard(guarded: &[&Process]) -> io::Result<Self> {
        let ids = guarded.iter().map(|process| process.0.id().to_string());
        // The end of its input, of which nobody else holds the other end, is the end of this program.
        let script = r#"trap "" INT TERM HUP; read -r end; kill -s KILL "$@""#;
        Process::start(Command::new("sh").args(["-c", script, "guard"]).args(ids).stdin(Stdio::piped()))
    }

    /// Sends a signal by its name without `SIG`.
    pub fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        // The shell has `kill` built in; the program of that name is not on every machine.
        let sent = Command::new("sh").args(["-c", r#"kill -s "$0" "$1""#, name, &id]).status();
        assert!(sent.is_ok_and(|status| status.success()), "SIG{name} to {id}");
    }

    /// Kills it at once, even when it is stopped, and waits for its end.
    pub fn kill(&mut self) -> io::Result<ExitStatus> {
        self.0.kill()?;
        self.0.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.kill());
    }
}
