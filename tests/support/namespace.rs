//! A user namespace: it has its own keys in the kernel, so that a test can remove all of them.

use std::io::Read;
use std::process::{Child, Command, Stdio};

/// A namespace that exists until this value is dropped.
pub struct Namespace(Child);

impl Namespace {
    pub fn new() -> Self {
        let mut holder = Command::new("unshare");
        holder.args(["--user", "--map-current-user", "/bin/sh", "-c", "echo; exec sleep infinity"]);
        let mut holder = holder.stdout(Stdio::piped()).spawn().expect("unshare");
        // Its first output comes from inside.
        let mut ready = [0];
        holder.stdout.as_mut().expect("its output").read_exact(&mut ready).expect("a user namespace");
        Self(holder)
    }

    /// The same command in it.
    pub fn inside(&self, command: &Command) -> Command {
        let mut inside = Command::new("/usr/bin/nsenter");
        inside.args(["--user", "--preserve-credentials", &format!("--target={}", self.0.id())]);
        inside.arg(command.get_program()).args(command.get_args()).env_clear();
        inside.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.get_current_dir().into_iter().for_each(|folder| _ = inside.current_dir(folder));
        inside
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
