//! How Windows opens a URL: with `ShellExecuteExW`, which reports a failure. It gives the browser the environment of its caller,
//! so a child of this program calls it, in an environment without our secrets.

use std::io::{self, Read, Write};
use std::process::{Command, Stdio};

use super::browser_process::start_detached;
use super::desktop_session;
use crate::windows::shell_execute;

/// The only argument of that child. It gets the URL on stdin, since the author of a kubeconfig chooses arguments and could open
/// any URL with a second one.
const OPEN_URL: &str = "open-url-on-stdin";

/// What it ends with where the system has no error: `ERROR_INVALID_PARAMETER`.
const INVALID: i32 = 87;

/// The longest URL that it reads, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Opens the URL in the default browser.
///
/// # Errors
/// Why this session would not show it, or the error of the system, in words.
pub(super) fn open(url: &str) -> Result<(), String> {
    match desktop_session::why_invisible() {
        Some(why) => Err(why.to_owned()),
        None => open_in_child(url).map_err(|error| match error.raw_os_error().and_then(desktop_session::meaning) {
            Some(meaning) => meaning.to_owned(),
            None => format!("the default browser cannot be started: {error}"),
        }),
    }
}

/// No programs: the system opens the browser.
///
/// # Errors
/// Why this session would not show it, in words.
pub(super) fn programs() -> Result<Vec<String>, String> {
    desktop_session::why_invisible().map_or(Ok(Vec::new()), |why| Err(why.to_owned()))
}

fn open_in_child(url: &str) -> io::Result<()> {
    let mut child = Command::new(std::env::current_exe()?);
    let mut child = start_detached(child.arg(OPEN_URL).stdin(Stdio::piped()))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(url.as_bytes())?;
    }
    match child.wait()?.code() {
        Some(0) => Ok(()),
        code => Err(code.map_or(io::ErrorKind::Other.into(), io::Error::from_raw_os_error)),
    }
}

/// In that child: opens the URL, and ends the process with the code of the system's error. In any other process: returns.
pub fn open_for_parent() {
    let mut arguments = std::env::args_os().skip(1);
    if !(arguments.next().is_some_and(|first| first == OPEN_URL) && arguments.next().is_none()) {
        return;
    }
    let mut url = String::new();
    let read = io::stdin().take(LONGEST).read_to_string(&mut url);
    let is_url = url.starts_with("http://") || url.starts_with("https://");
    let opened =
        read.and_then(|_| if is_url { shell_execute::open(&url) } else { Err(io::ErrorKind::InvalidInput.into()) });
    let code = |error: io::Error| error.raw_os_error().filter(|code| *code != 0).unwrap_or(INVALID);
    std::process::exit(opened.map_or_else(code, |()| 0));
}
