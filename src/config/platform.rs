//! Where files live on this operating system.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the environment may come from a kubeconfig that is not to say where things are.
static IS_DISTRUSTED: AtomicBool = AtomicBool::new(false);

/// From here on no variable says where things are; the home is that of the user database, where it has the user.
pub fn distrust_environment() {
    IS_DISTRUSTED.store(true, Ordering::Relaxed);
}

/// Whether [`distrust_environment`] was called.
pub fn is_environment_distrusted() -> bool {
    IS_DISTRUSTED.load(Ordering::Relaxed)
}

/// The folders for locks, first wins: the session's runtime folder, which the system empties, and the state folder.
/// Nothing is created here.
pub fn lock_dirs() -> Vec<PathBuf> {
    let runtime = runtime_dir().map(|dir| dir.join("kubekey"));
    runtime.into_iter().chain(state_dir()).collect()
}

/// The session's folder for sockets and locks.
pub fn runtime_dir() -> Option<PathBuf> {
    match is_environment_distrusted() {
        true => session_runtime_dir(),
        false => absolute("XDG_RUNTIME_DIR").or_else(session_runtime_dir),
    }
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

/// The folders of the administrator's settings and policy, lowest first. On Windows there is none yet: every user can
/// create folders in `%ProgramData%`.
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

/// The folder of settings in the prefix of the Homebrew that installed this program. Who owns the prefix can replace the
/// program as well, so that they are no administrator does not matter for settings; a policy is never looked for there.
pub fn homebrew_config_dir() -> Option<PathBuf> {
    let program = std::env::current_exe().ok().filter(|path| is_in_cellar(path))?;
    homebrew_prefix(&program.canonicalize().ok()?).map(|prefix| prefix.join("etc/kubekey"))
}

/// Linux names the program itself. Elsewhere the path may be that of a link to it.
fn is_in_cellar(program: &Path) -> bool {
    !cfg!(windows) && (!cfg!(target_os = "linux") || homebrew_prefix(program).is_some())
}

/// `PREFIX` of `PREFIX/Cellar/kubekey/VERSION/bin/kubekey`, in which Homebrew keeps the program itself.
fn homebrew_prefix(program: &Path) -> Option<&Path> {
    let mut names = program.iter().rev();
    let is_kept =
        names.next()? == "kubekey" && names.next()? == "bin" && names.nth(1)? == "kubekey" && names.next()? == "Cellar";
    program.ancestors().nth(5).filter(|_| is_kept)
}

/// The folders of the user's settings, lowest first.
pub fn user_config_dirs() -> Vec<PathBuf> {
    let home = home();
    let dirs = if cfg!(windows) {
        vec![absolute("APPDATA")]
    } else {
        let base = absolute("XDG_CONFIG_HOME").filter(|_| !is_environment_distrusted());
        let base = base.or_else(|| home.as_ref().map(|dir| dir.join(".config")));
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
    let home = home();
    if cfg!(target_os = "macos") {
        return home.map(|dir| dir.join("Library/Caches/kubekey"));
    }
    let base =
        absolute(variable).filter(|_| !is_environment_distrusted()).or_else(|| home.map(|dir| dir.join(default)));
    base.map(|dir| dir.join("kubekey"))
}

/// The path that a person wrote, who may have begun it with `~/`.
pub fn with_home(text: &str) -> PathBuf {
    let below = text.strip_prefix("~/").zip(home_dir());
    below.map_or_else(|| PathBuf::from(text), |(below, home)| home.join(below))
}

/// What `~` stands for.
pub fn home_dir() -> Option<PathBuf> {
    if is_environment_distrusted() { home() } else { std::env::home_dir() }
}

fn home() -> Option<PathBuf> {
    match is_environment_distrusted() {
        true => registered_home().or_else(|| absolute("HOME")),
        false => absolute("HOME"),
    }
}

/// passwd(5). Users of a directory service are not in it.
#[cfg(unix)]
fn registered_home() -> Option<PathBuf> {
    let user = rustix::process::geteuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = users.lines().find(|line| line.split(':').nth(2) == Some(&user))?;
    line.split(':').nth(5).map(PathBuf::from).filter(|home| home.is_absolute())
}

#[cfg(not(unix))]
fn registered_home() -> Option<PathBuf> {
    None
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_homebrews_own_layout_has_a_prefix() {
        for (program, expected) in [
            ("/opt/homebrew/Cellar/kubekey/1.2.3/bin/kubekey", Some("/opt/homebrew")),
            ("/home/linuxbrew/.linuxbrew/Cellar/kubekey/1/bin/kubekey", Some("/home/linuxbrew/.linuxbrew")),
            ("/opt/homebrew/bin/kubekey", None),
            ("/opt/homebrew/Cellar/kubekey/1.2.3/bin/other", None),
            ("/opt/homebrew/Cellar/kubekey/1.2.3/libexec/kubekey", None),
            ("/opt/homebrew/Cellar/other/1.2.3/bin/kubekey", None),
            ("/opt/homebrew/Cellar/kubekey/bin/kubekey", None),
            ("/tmp/Cellar/x/kubekey/1/bin/kubekey", None),
        ] {
            assert_eq!(homebrew_prefix(Path::new(program)), expected.map(Path::new), "{program}");
        }
    }
}
