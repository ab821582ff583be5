//! The locations of files on this operating system.

use std::path::{Path, PathBuf};

use crate::environment::{self, absolute_path};
use crate::user;
use crate::user_folders::Trust;

/// The folders for locks, in order of preference: the session's runtime folder, which the system empties, and the state
/// folder. Does not create them.
pub fn lock_dirs() -> Vec<PathBuf> {
    let runtime = runtime_dir().map(|dir| dir.join("kubekey"));
    runtime.into_iter().chain(state_dir()).collect()
}

/// The session's runtime folder, for sockets and locks.
pub fn runtime_dir() -> Option<PathBuf> {
    match environment::is_distrusted() {
        true => session_runtime_dir(),
        false => absolute_path("XDG_RUNTIME_DIR").or_else(session_runtime_dir),
    }
}

/// The state folder in this user's home directory according to the user database, not to the environment: runs with
/// different variables, as in a sandbox or under `sudo`, share it. `None` if the home directory does not exist or is
/// not the user's.
pub fn own_home_state_dir() -> Option<PathBuf> {
    let folders = user::folders(Trust::UnknownHome);
    folders.home().filter(|home| is_own_dir(home)).and_then(|_| folders.state())
}

#[cfg(unix)]
fn is_own_dir(dir: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    dir.metadata().is_ok_and(|found| found.is_dir() && found.uid() == rustix::process::geteuid().as_raw())
}

/// Windows knows the profile by its user.
#[cfg(not(unix))]
fn is_own_dir(dir: &Path) -> bool {
    dir.is_dir()
}

/// The folder for the providers' metadata, which may be deleted at any time. Does not create it. Under a policy it is
/// where no variable can decide, or nowhere: the metadata says where a refresh token goes.
pub fn metadata_dir() -> Option<PathBuf> {
    user::folders(if environment::is_under_policy() { Trust::Nothing } else { user::trust() }).cache()
}

/// The folders that may contain an administrator's templates, in order of preference.
pub fn system_template_dirs() -> Vec<PathBuf> {
    let dirs: &[&str] = if cfg!(target_os = "macos") {
        &["/Library/Application Support/kubekey", "/etc/kubekey", "/usr/local/share/kubekey", "/usr/share/kubekey"]
    } else if cfg!(unix) {
        &["/etc/kubekey", "/usr/local/share/kubekey", "/usr/share/kubekey"]
    } else {
        &[]
    };
    dirs.iter().map(PathBuf::from).chain(program_data_dir()).collect()
}

/// The folders of the administrator's settings and policy, lowest first.
pub fn system_config_dirs() -> Vec<PathBuf> {
    let dirs: &[&str] = if cfg!(target_os = "macos") {
        &["/etc/kubekey", "/Library/Application Support/kubekey"]
    } else if cfg!(unix) {
        &["/etc/kubekey"]
    } else {
        &[]
    };
    dirs.iter().map(PathBuf::from).chain(program_data_dir()).collect()
}

/// The administrator's folder on Windows. Its location never comes from the environment, which a kubeconfig can set.
#[cfg(windows)]
fn program_data_dir() -> Option<PathBuf> {
    crate::windows::folders::program_data().map(|dir| dir.join("kubekey"))
}

/// The others have fixed ones.
#[cfg(not(windows))]
fn program_data_dir() -> Option<PathBuf> {
    None
}

/// The settings folder in the prefix of the Homebrew that installed this program. The owner of the prefix need not be
/// an administrator, but can replace the program as well; so settings from there are trusted, but a policy is never
/// read from there.
pub fn homebrew_config_dir() -> Option<PathBuf> {
    let program = std::env::current_exe().ok().filter(|path| is_in_cellar(path))?;
    homebrew_prefix(&program.canonicalize().ok()?).map(|prefix| prefix.join("etc/kubekey"))
}

/// Whether Homebrew may have installed the program. Linux reports the path of the program itself; elsewhere it may be
/// the path of a link to it.
fn is_in_cellar(program: &Path) -> bool {
    !cfg!(windows) && (!cfg!(target_os = "linux") || homebrew_prefix(program).is_some())
}

/// `PREFIX` of `PREFIX/Cellar/kubekey/VERSION/bin/kubekey`, where Homebrew installs the program itself.
fn homebrew_prefix(program: &Path) -> Option<&Path> {
    let mut names = program.iter().rev();
    let is_kept =
        names.next()? == "kubekey" && names.next()? == "bin" && names.nth(1)? == "kubekey" && names.next()? == "Cellar";
    program.ancestors().nth(5).filter(|_| is_kept)
}

/// The folders of the user's settings, lowest first.
pub fn user_config_dirs() -> Vec<PathBuf> {
    user::folders(user::trust()).config()
}

/// The folder for state that runs share, and for tokens with `--token-storage=file`.
pub fn state_dir() -> Option<PathBuf> {
    user::folders(user::trust()).state()
}

/// The variables that name a display.
pub const SCREENS: [&str; 2] = ["WAYLAND_DISPLAY", "DISPLAY"];

/// Whether this session has a Linux desktop, which can show a prompt.
pub fn has_screen() -> bool {
    SCREENS.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// The runtime folder of a user who is logged in, for runs without the variable, as under cron and sudo: they must use
/// the same lock as the other runs.
#[cfg(target_os = "linux")]
pub fn session_runtime_dir() -> Option<PathBuf> {
    use std::os::unix::fs::MetadataExt;
    let user = rustix::process::geteuid().as_raw();
    let dir = PathBuf::from(format!("/run/user/{user}"));
    dir.symlink_metadata().is_ok_and(|found| found.is_dir() && found.uid() == user).then_some(dir)
}

/// Not available on this system.
#[cfg(not(target_os = "linux"))]
pub fn session_runtime_dir() -> Option<PathBuf> {
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

    /// Every variable that names a folder on some system, or from which a system derives one.
    const LOCATIONS: [&str; 22] = [
        "ALLUSERSPROFILE",
        "APPDATA",
        "CFFIXED_USER_HOME",
        "HOME",
        "HOMEDRIVE",
        "HOMEPATH",
        "LOCALAPPDATA",
        "PROGRAMDATA",
        "PROGRAMFILES",
        "PUBLIC",
        "SYSTEMDRIVE",
        "TEMP",
        "TMP",
        "TMPDIR",
        "USERNAME",
        "USERPROFILE",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_DIRS",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_RUNTIME_DIR",
        "XDG_STATE_HOME",
    ];

    const IN_CHILD: &str = "FOLDERS_OF_A_CHILD";

    /// Runs this test once more, in a process with these variables, where a policy is in force. Returns what that
    /// process prints.
    fn folders_with(variables: &[(&str, &str)]) -> String {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "config::platform::tests::under_a_policy_no_variable_moves_a_folder", "--nocapture"]);
        child.env(IN_CHILD, "1").envs(variables.iter().copied());
        let printed = String::from_utf8(child.output().unwrap().stdout).unwrap();
        let folders = printed.lines().find_map(|line| Some(line.split_once("folders: ")?.1.to_owned()));
        folders.unwrap_or_else(|| panic!("{printed}"))
    }

    #[expect(clippy::print_stdout, reason = "the parent process reads it")]
    fn print_folders() {
        environment::come_under_policy();
        environment::distrust();
        let of_user = [user::home_dir(), user::home(), state_dir(), metadata_dir(), own_home_state_dir()];
        #[cfg(windows)]
        println!("folders: {of_user:?} {:?} {:?} {:?}", user_config_dirs(), lock_dirs(), program_data_dir());
        #[cfg(not(windows))]
        println!("folders: {of_user:?} {:?} {:?}", user_config_dirs(), lock_dirs());
    }

    #[test]
    fn under_a_policy_no_variable_moves_a_folder() {
        if std::env::var_os(IN_CHILD).is_some() {
            return print_folders();
        }
        // On Linux, `HOME` decides for a user who is not in the user database.
        if user::registered_home().is_none() {
            return;
        }
        let elsewhere = tempfile::tempdir().unwrap();
        let elsewhere = elsewhere.path().to_str().unwrap();
        let expected = folders_with(&[]);
        for name in LOCATIONS {
            assert_eq!(folders_with(&[(name, elsewhere)]), expected, "{name}");
        }
        assert_eq!(folders_with(&LOCATIONS.map(|name| (name, elsewhere))), expected);
        assert!(!expected.contains(elsewhere) && expected.contains("kubekey"), "{expected}");
    }
}
