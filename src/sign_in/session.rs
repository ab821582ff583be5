//! What surrounds this run, as far as it tells which browser can be reached, and whether there is a person.

use std::path::Path;

use crate::config::platform;
use crate::controlling_terminal;
use crate::environment::variable;
use crate::exec_credential::ExecInfo;
use crate::hidden_lines;
use crate::settings::Opener;
use crate::terminal;

/// The variables that OpenSSH's server sets. A kubeconfig can set them, too: then the user opens the URL.
pub(super) const OF_SSH: [&str; 3] = ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"];

/// The variables that VS Code sets where its window is on another machine or outside the container.
const OF_VS_CODE: [&str; 2] = ["VSCODE_IPC_HOOK_CLI", "REMOTE_CONTAINERS"];

/// The variables of CI systems; the first is the custom of almost all of them.
const OF_CI: [&str; 4] = ["CI", "TF_BUILD", "JENKINS_URL", "TEAMCITY_VERSION"];

/// Variables that container runtimes and Kubernetes set in a container.
const OF_CONTAINERS: [&str; 2] = ["container", "KUBERNETES_SERVICE_HOST"];

/// Files that Docker and Podman create in a container.
const FILES_OF_CONTAINERS: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];

/// The kind of system, as far as desktops differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Linux and its relatives, with Wayland or X11.
    Unix,
    /// macOS.
    Mac,
    /// Windows.
    Windows,
}

/// The facts.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    /// The system.
    pub system: System,
    /// Whether a variable names a display, of Wayland or X11.
    pub has_screen: bool,
    /// Whether it is an SSH session.
    pub is_ssh: bool,
    /// Whether it runs in the Windows Subsystem for Linux.
    pub is_wsl: bool,
    /// The session of Windows in which a browser would start; `None` elsewhere or if it is unknown.
    pub windows_session: Option<u32>,
    /// Whether the user's or the administrator's own command opens the browser.
    pub has_command: bool,
    /// Whether VS Code shows this session on another machine.
    pub is_vs_code: bool,
    /// Whether it is a GitHub codespace.
    pub is_codespace: bool,
    /// Whether it is a container.
    pub is_container: bool,
    /// Whether it is a CI job.
    pub is_ci: bool,
    /// Whether a person can see what is printed, see [`controlling_terminal::is_watched`].
    pub is_watched: bool,
    /// Whether a person can type, and this run may read it.
    pub can_type: bool,
}

impl Session {
    /// Of this run.
    pub fn now(opener: &Opener, exec_info: &ExecInfo) -> Self {
        let mut session = Self::of(variable, opener);
        // Otherwise the standard input belongs to kubectl, even if it is a terminal, or to a program that reads stderr.
        let is_ours = exec_info.is_interactive != Some(false) && terminal::is_interactive();
        session.can_type = is_ours && hidden_lines::can_be_typed();
        session.is_container |= FILES_OF_CONTAINERS.iter().any(|file| Path::new(file).exists());
        session.is_watched = controlling_terminal::is_watched();
        session.windows_session = windows_session(&session);
        session
    }

    /// What the variables and the opener tell.
    pub fn of(variable: impl Fn(&str) -> Option<String>, opener: &Opener) -> Self {
        let is_set = |name: &&str| variable(name).is_some_and(|value| !value.is_empty());
        let is_true = |name: &&str| variable(name).is_some_and(|value| !matches!(&*value, "" | "0" | "false"));
        Self {
            system: match () {
                () if cfg!(windows) => System::Windows,
                () if cfg!(target_os = "macos") => System::Mac,
                () => System::Unix,
            },
            has_screen: platform::SCREENS.iter().any(&is_set),
            is_ssh: OF_SSH.iter().any(&is_set),
            is_wsl: cfg!(target_os = "linux") && is_set(&"WSL_DISTRO_NAME"),
            windows_session: None,
            has_command: match opener {
                Opener::Command(_) => true,
                Opener::Variable(commands) => commands.chars().any(|one| !one.is_whitespace() && one != ':'),
                Opener::Nobody | Opener::Desktop => false,
            },
            is_vs_code: OF_VS_CODE.iter().any(&is_set),
            is_codespace: is_true(&"CODESPACES"),
            is_container: OF_CONTAINERS.iter().any(&is_set),
            is_ci: OF_CI.iter().any(&is_true),
            is_watched: false,
            can_type: false,
        }
    }
}

#[cfg(windows)]
fn windows_session(_: &Session) -> Option<u32> {
    crate::windows::process::session_id()
}

#[cfg(target_os = "linux")]
fn windows_session(session: &Session) -> Option<u32> {
    session.is_wsl.then(super::wsl::windows_session).flatten()
}

#[cfg(not(any(windows, target_os = "linux")))]
fn windows_session(_: &Session) -> Option<u32> {
    None
}
