//! A program under `strace`, which shows its system calls and can kill it at one of them.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

/// This command in the same environment, with a trace of its system calls in `file`.
pub fn strace<S: AsRef<OsStr>>(command: &Command, file: &Path, options: &[S]) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-qq", "-o"]).arg(file).args(options).arg("--").arg(command.get_program()).args(command.get_args());
    strace.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        strace.current_dir(folder);
    }
    strace
}

/// Where the traced run can be killed: at each system call from the first one that names `what`. For each, its name for
/// messages, and the options with which `strace` kills the same run there.
pub fn places_to_kill(trace: &Path, what: &str) -> Vec<(String, [String; 4])> {
    let trace = fs::read_to_string(trace).expect("a trace");
    let calls: Vec<_> = trace.lines().filter_map(|line| Some((line.split_once('(')?.0, line))).collect();
    let first = calls.iter().position(|(_, line)| line.contains(what)).expect("a call that names it");
    let place = |index: usize| {
        let name = calls[index].0;
        let number = calls[..=index].iter().filter(|(other, _)| *other == name).count();
        let options = [format!("trace={name}"), format!("inject={name}:signal=KILL:when={number}")];
        let [trace, inject] = options;
        (format!("{name} number {number}"), ["-e".to_owned(), trace, "-e".to_owned(), inject])
    };
    (first..calls.len()).map(place).collect()
}
