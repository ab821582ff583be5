//! The Windows side of the Windows Subsystem for Linux.

use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::browser_process::clear_environment;

/// How long Windows may take to start a program.
const PATIENCE: Duration = Duration::from_secs(3);

/// The session in which Windows starts programs for this one. Started by a service, as by OpenSSH's server of Windows, they
/// are in session 0, which has no desktop. `None` if no program of Windows can be started.
pub(super) fn windows_session() -> Option<u32> {
    let mut list = Command::new("tasklist.exe");
    list.args(["/fi", "imagename eq tasklist.exe", "/fo", "csv", "/nh"]).stdin(Stdio::null()).stderr(Stdio::null());
    clear_environment(&mut list);
    let (sender, listed) = mpsc::channel();
    thread::Builder::new().spawn(move || sender.send(list.output())).ok()?;
    let listed = listed.recv_timeout(PATIENCE).ok()?.ok()?;
    session_in(&String::from_utf8_lossy(&listed.stdout))
}

/// The highest session of the listed processes: one of them is ours, and a service's is 0.
fn session_in(list: &str) -> Option<u32> {
    let session = |line: &str| line.split("\",\"").nth(3)?.parse().ok();
    list.lines().filter_map(session).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_in_the_fourth_column_whatever_the_language() {
        for (list, expected) in [
            ("\"tasklist.exe\",\"4321\",\"Console\",\"1\",\"9,128 K\"\r\n", Some(1)),
            ("\"tasklist.exe\",\"4321\",\"Services\",\"0\",\"9.128 K\"\r\n", Some(0)),
            (
                "\"tasklist.exe\",\"1\",\"Services\",\"0\",\"1 K\"\n\"tasklist.exe\",\"2\",\"RDP-Tcp#3\",\"2\",\"1 K\"\n",
                Some(2),
            ),
            ("INFO: No tasks are running which match the specified criteria.\r\n", None),
            ("", None),
        ] {
            assert_eq!(session_in(list), expected, "{list}");
        }
    }
}
