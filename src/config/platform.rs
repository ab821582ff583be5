//! Where files live on this operating system.

use std::path::PathBuf;

/// The folders for locks, first wins: the session's runtime folder, which the system empties, and the state folder.
/// Nothing is created here.
pub fn lock_dirs() -> Vec<PathBuf> {
    let runtime = absolute("XDG_RUNTIME_DIR").or_else(session_runtime_dir).map(|dir| dir.join("kubekey"));
    runtime.into_iter().chain(state_dir()).collect()
}

/// The folder for what providers publish about themselves, which may be deleted at any time. Nothing is created here.
pub fn metadata_dir() -> Option<PathBuf> {
    user_dir("XDG_CACHE_HOME", ".cache")
}

/// The folders that may hold an administrator's templates, first wins.
///
/// On Windows there is none yet: `%ProgramData%` can be written by every user, and what makes a folder there
/// trustworthy, its access control list, is not looked at yet.
pub fn system_template_dirs() -> Vec<PathBuf> {
    let dirs: &[&str] = if cfg!(target_os = "macos") {
        &["/Library/Application Support/kubekey", "/etc/kubekey", "/usr/local/share/kubekey", "/usr/share/kubekey"]
    } else if cfg!(unix) {
        &["/etc/kubekey", "/usr/local/share/kubekey", "/usr/share/kubekey"]
    } else {
        &[]
    };
    dirs.iter().map(PathBuf::from).collect()
}

/// The files that may hold the administrator's policy, first wins. On Windows there is none: every user can create
/// folders in `%ProgramData%`.
pub fn policy_files() -> Vec<PathBuf> {
    let dirs: &[&str] = if cfg!(target_os = "macos") {
        &["/Library/Application Support/kubekey", "/etc/kubekey"]
    } else if cfg!(unix) {
        &["/etc/kubekey"]
    } else {
        &[]
    };
    dirs.iter().map(|dir| PathBuf::from(dir).join("policy.toml")).collect()
}

/// The folders of the administrator's settings, lowest first. On Windows there is none yet, for the same reason.
pub fn system_config_dirs() -> Vec<PathBuf> {
    let dirs: &[&str] = if cfg!(target_os = "macos") {
        &["/etc/kubekey", "/Library/Application Support/kubekey"]
    } else if cfg!(unix) {
        &["/etc/kubekey"]
    } else {
        &[]
    };
    dirs.iter().map(PathBuf::from).collect()
}

/// The folders of the user's settings, lowest first.
pub fn user_config_dirs() -> Vec<PathBuf> {
    let home = absolute("HOME");
    let dirs = if cfg!(windows) {
        vec![absolute("APPDATA")]
    } else {
        let base = absolute("XDG_CONFIG_HOME").or_else(|| home.as_ref().map(|dir| dir.join(".config")));
        let library = home.map(|dir| dir.join("Library/Application Support"));
        vec![base, library.filter(|_| cfg!(target_os = "macos"))]
    };
    dirs.into_iter().flatten().map(|dir| dir.join("kubekey")).collect()
}

/// The folder for what runs tell each other, and for tokens where somebody asked for files.
pub fn state_dir() -> Option<PathBuf> {
    user_dir("XDG_STATE_HOME", ".local/state")
}

/// Whether this session is one on a Linux desktop: with a screen to show a prompt on.
pub fn has_screen() -> bool {
    ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|name| std::env::var_os(name).is_some())
}

/// kubekey's folder below that of an XDG variable or its default in the home; macOS and Windows have one for all.
fn user_dir(variable: &str, default: &str) -> Option<PathBuf> {
    if cfg!(windows) {
        return absolute("LOCALAPPDATA").map(|dir| dir.join("kubekey"));
    }
    let home = absolute("HOME");
    if cfg!(target_os = "macos") {
        return home.map(|dir| dir.join("Library/Caches/kubekey"));
    }
    let base = absolute(variable).or_else(|| home.map(|dir| dir.join(default)));
    base.map(|dir| dir.join("kubekey"))
}

/// The XDG Base Directory specification: a relative path in one of its variables is invalid and to be ignored. It
/// would also be relative to the current directory, from which kubekey reads nothing.
fn absolute(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// The runtime folder of a user who is logged in, for runs that were not told of it, as under cron and sudo: they have
/// to meet the others at the same lock.
#[cfg(target_os = "linux")]
fn session_runtime_dir() -> Option<PathBuf> {
    use std::os::unix::fs::MetadataExt;
    let user = rustix::process::geteuid().as_raw();
    let dir = PathBuf::from(format!("/run/user/{user}"));
    dir.symlink_metadata().is_ok_and(|found| found.is_dir() && found.uid() == user).then_some(dir)
}

#[cfg(not(target_os = "linux"))]
fn session_runtime_dir() -> Option<PathBuf> {
    None
}
