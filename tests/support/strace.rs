//! A program under `strace`, which tells what it asks of the kernel and can kill it there.

use std::path::Path;
use std::process::Command;

/// This command, in the same environment, with a trace of its system calls in `file`.
pub fn strace(command: &Command, file: &Path, options: &[&str]) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-qq", "-o"]).arg(file).args(options).arg("--").arg(command.get_program()).args(command.get_args());
    strace.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        strace.current_dir(folder);
    }
    strace
}
