//! Starting a browser or its launcher: detached, and without our secrets.

use std::io;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::environment;
use crate::log;
use crate::user;

/// A program that fails later than this was a browser that somebody closed, and no launcher that found none.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Runs the commands until one does not fail.
pub(super) fn run_first(commands: impl IntoIterator<Item = Result<Command, String>>) -> Result<(), String> {
    let mut reasons = Vec::new();
    for command in commands {
        match command.and_then(run) {
            Ok(()) => return Ok(()),
            Err(why) => reasons.push(why),
        }
    }
    Err(reasons.join("; "))
}

/// Runs one command, and waits to see whether it fails at once.
fn run(mut command: Command) -> Result<(), String> {
    let start = Instant::now();
    let program = command.get_program().display().to_string();
    let mut child = start_detached(command.stdin(Stdio::null())).map_err(|error| format!("{program}: {error}"))?;
    match child.wait() {
        Ok(status) if !status.success() && start.elapsed() < AT_ONCE => Err(format!("{program}: {status}")),
        _ => Ok(()),
    }
}

/// Starts the command without what is none of a browser's business, and apart from the terminal's other programs, so that
/// Ctrl-C ends kubekey and not the user's browser.
///
/// # Errors
/// If it cannot be started.
pub(super) fn start_detached(command: &mut Command) -> io::Result<Child> {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    clear_environment(command);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(windows)]
    {
        // A browser that has the pipe to kubectl open keeps kubectl waiting for the end of the output.
        crate::windows::process::keep_own_streams();
        std::os::windows::process::CommandExt::creation_flags(command, 0x0000_0200); // CREATE_NEW_PROCESS_GROUP
    }
    let child = command.spawn()?;
    log::debug(format_args!("launcher: {} was started", command.get_program().display()));
    Ok(child)
}

pub(super) fn clear_environment(command: &mut Command) {
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_withheld(&environment::compared(name))) {
        command.env_remove(name);
    }
    // What opens an address is said by files of the home.
    if environment::is_distrusted() {
        command.envs(user::registered_variables());
    }
}

/// Whether a browser must not get the variable of this name.
fn is_withheld(name: &str) -> bool {
    let is_ours = name.starts_with("KUBEKEY_");
    let is_secret = name == "CLIENT_SECRET" || name == "KUBERNETES_EXEC_INFO";
    is_ours || is_secret || (leads_on(name) && (name == "BROWSER" || environment::is_distrusted()))
}

/// Whether a launcher would run what this variable names instead of the desktop's browser. `BROWSER` has had its turn.
fn leads_on(name: &str) -> bool {
    const NAMES: [&str; 5] = ["BROWSER", "XDG_DATA_HOME", "XDG_DATA_DIRS", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"];
    NAMES.contains(&name)
}
