//! A machine whose clock is wrong.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The path of libfaketime, which Debian installs in a folder of the processor's.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").expect("/usr/lib").flatten();
    let mut found = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1")).filter(|file| file.exists());
    found.next().expect("libfaketime: tests/install installs it")
}

/// The same command on a machine whose clock is off by this many seconds and keeps running. Deadlines are measured as
/// usual.
pub fn off_by(mut command: Command, seconds: i64) -> Command {
    command.env("LD_PRELOAD", library()).env("FAKETIME", format!("{seconds:+}"));
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
    command
}

/// The same command, for which all time passes this many times as fast.
pub fn sped_up(command: &mut Command, times: u32) -> &mut Command {
    command.env("LD_PRELOAD", library()).env("FAKETIME", format!("+0 x{times}"))
}
