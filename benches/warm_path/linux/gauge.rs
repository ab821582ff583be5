//! What other programs measure of one run: GNU time its peak memory, valgrind its instructions.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::timing::median;
use super::{Result, build};

/// The peak memory in bytes, the most of five runs; `None` without GNU time.
pub fn peak_memory(command: &Command) -> Result<Option<u64>> {
    let runs = (0..5).map(|_| peak_memory_once(command)).collect::<Result<Vec<_>>>()?;
    Ok(runs.into_iter().max().flatten())
}

/// The peak memory of one run in bytes; `None` without GNU time.
pub fn peak_memory_once(command: &Command) -> Result<Option<u64>> {
    if !build::is_installed("time") {
        return Ok(None);
    }
    let file = tempfile::NamedTempFile::new()?;
    let mut time = under("time", command);
    time.args(["-f", "%M", "-o"]).arg(file.path()).arg(command.get_program()).args(command.get_args());
    let status = time.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    let kibibytes: Option<u64> = fs::read_to_string(file.path())?.trim().parse().ok();
    match kibibytes {
        Some(kibibytes) if status.success() => Ok(Some(kibibytes * 1024)),
        _ => Err(format!("no peak memory of {}: {status}", Path::new(command.get_program()).display()).into()),
    }
}

/// The instructions in user space, the median of three runs; `None` without valgrind.
pub fn instructions(command: &Command) -> Result<Option<u64>> {
    if !build::is_installed("valgrind") {
        return Ok(None);
    }
    let runs = (0..3).map(|_| instructions_once(command)).collect::<Result<Vec<_>>>()?;
    Ok(Some(median(runs)))
}

fn instructions_once(command: &Command) -> Result<u64> {
    let mut valgrind = under("valgrind", command);
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    let output = valgrind.arg(command.get_program()).args(command.get_args()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    match collected {
        Some(count) if output.status.success() => Ok(count),
        _ => Err(format!("callgrind did not count: {said}").into()),
    }
}

/// Another program, in the environment and the folder of `command`.
fn under(program: &str, command: &Command) -> Command {
    let mut outer = Command::new(program);
    outer.env_clear().stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            outer.env(name, value);
        }
    }
    if let Some(folder) = command.get_current_dir() {
        outer.current_dir(folder);
    }
    outer
}

pub fn print(name: &str, size: Option<usize>, memory: Option<u64>, instructions: Option<u64>) {
    let size = size.map(|size| format!("{size} B")).unwrap_or_default();
    let memory = memory.map_or("no GNU time".into(), |bytes| format!("{:.2} MB", super::millions(bytes)));
    let instructions = instructions.map(|count| format!("{:.2} M", super::millions(count)));
    println!("{name:<28}{size:>10}{memory:>14}{:>16}", instructions.unwrap_or_else(|| "not counted".into()));
}
