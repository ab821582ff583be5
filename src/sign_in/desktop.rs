//! How a desktop opens a URL: the crate `open` names its launchers, and we start them, with our environment, without a shell,
//! detached.

use std::process::Command;

use super::browser_process::run_first;
use crate::config::platform;

/// Why a session without a screen has no launcher. Each of them would find a browser, start it, and succeed: only the browser
/// would fail.
const NO_SCREEN: &str = "neither DISPLAY nor WAYLAND_DISPLAY is set";

/// Opens the URL by the first launcher that does not fail.
///
/// # Errors
/// Why each of them failed, in words.
pub(super) fn open(url: &str) -> Result<(), String> {
    match launchers(url) {
        none if none.is_empty() => Err(NO_SCREEN.to_owned()),
        launchers => run_first(launchers.into_iter().map(Ok)),
    }
}

/// The programs that [`open`] would run.
///
/// # Errors
/// Why there is none, in words.
pub(super) fn programs() -> Result<Vec<String>, String> {
    // None of them sees it.
    let launchers = launchers("http://127.0.0.1");
    match launchers.is_empty() {
        true => Err(NO_SCREEN.to_owned()),
        false => Ok(launchers.iter().map(|launcher| launcher.get_program().to_string_lossy().into_owned()).collect()),
    }
}

fn launchers(url: &str) -> Vec<Command> {
    // Without a display server there are only browsers for a terminal, and stdin is not one.
    let has_screen = cfg!(target_os = "macos") || platform::has_screen();
    let mut launchers = if has_screen { open::commands(url) } else { Vec::new() };
    // In WSL `open` begins with a shell, PowerShell.
    launchers.retain(|launcher| launcher.get_program() != "powershell.exe");
    // In its place rundll32: a user of WSL wants the browser of Windows, and ShellExecuteExW can be called only by a program of
    // Windows. Not explorer.exe, which reports a failure even after it has opened the URL.
    if cfg!(target_os = "linux") && std::env::var_os("WSL_DISTRO_NAME").is_some() {
        let mut of_windows = Command::new("rundll32.exe");
        of_windows.args(["url.dll,FileProtocolHandler", url]);
        launchers.insert(0, of_windows);
    }
    launchers
}
