//! The user that this program runs as, and their folders.

use std::path::PathBuf;

use crate::environment::{self, absolute_path};
use crate::user_folders::{Registered, System, Trust, UserFolders};

/// Returns the absolute path in a variable.
type Variable = fn(&str) -> Option<PathBuf>;

/// Returns a folder that the system knows.
type Known = fn(Registered) -> Option<PathBuf>;

/// The path that a user wrote; `~/` at its beginning, or on Windows `~\`, is replaced by the home folder.
pub fn with_home(text: &str) -> PathBuf {
    let below = below_home(System::CURRENT, text).zip(home_dir());
    below.map_or_else(|| PathBuf::from(text), |(below, home)| home.join(below))
}

/// The path below the home that `text` names, if it begins with it.
pub fn below_home(system: System, text: &str) -> Option<&str> {
    let below = text.strip_prefix('~')?;
    below.strip_prefix('/').or_else(|| below.strip_prefix('\\').filter(|_| system == System::Windows))
}

/// The home folder, as `~` means it in a shell.
pub fn home_dir() -> Option<PathBuf> {
    if environment::is_distrusted() { home() } else { std::env::home_dir() }
}

/// The home folder only if it is set: in a variable, or, where variables are not trusted, first in the user database.
pub fn home() -> Option<PathBuf> {
    folders(trust()).home()
}

/// The user's folders, as far as variables may decide them.
pub fn folders(trust: Trust) -> UserFolders<Variable, Known> {
    UserFolders { system: System::CURRENT, trust, variable: absolute_path, registered }
}

/// What variables may decide in this run.
pub fn trust() -> Trust {
    if environment::is_distrusted() { Trust::UnknownHome } else { Trust::All }
}

/// The variables that tell other programs where folders are, with what the system knows.
#[cfg(windows)]
pub fn registered_variables() -> impl Iterator<Item = (&'static str, PathBuf)> {
    let folder = |name: &&'static str| Some((*name, crate::windows::folders::of_variable(name)?));
    environment::FOLDER_VARIABLES.iter().filter_map(folder)
}

/// The variables that tell other programs where folders are, with what the system knows.
#[cfg(unix)]
pub fn registered_variables() -> impl Iterator<Item = (&'static str, PathBuf)> {
    registered_home().into_iter().map(|home| ("HOME", home))
}

/// The home folder in the user database, if that has this user.
pub fn registered_home() -> Option<PathBuf> {
    registered(Registered::Home)
}

#[cfg(windows)]
fn registered(folder: Registered) -> Option<PathBuf> {
    use crate::windows::folders;
    match folder {
        Registered::Home => folders::profile(),
        Registered::RoamingAppData => folders::roaming_app_data(),
        Registered::LocalAppData => folders::local_app_data(),
    }
}

#[cfg(unix)]
fn registered(folder: Registered) -> Option<PathBuf> {
    let user = rustix::process::geteuid().as_raw();
    let home = Some(user).filter(|_| folder == Registered::Home).and_then(home_of);
    home.filter(|home| home.is_absolute())
}

#[cfg(target_os = "macos")]
fn home_of(user: u32) -> Option<PathBuf> {
    nix::unistd::User::from_uid(user.into()).ok()?.map(|user| user.dir)
}

/// The name of the user with this ID.
#[cfg(target_os = "macos")]
pub fn name(user: u32) -> Option<String> {
    nix::unistd::User::from_uid(user.into()).ok()?.map(|user| user.name)
}

#[cfg(all(unix, not(target_os = "macos")))]
fn home_of(user: u32) -> Option<PathBuf> {
    field_of_user(user, 5).map(PathBuf::from)
}

/// The name of the user with this ID.
#[cfg(all(unix, not(target_os = "macos")))]
pub fn name(user: u32) -> Option<String> {
    field_of_user(user, 0)
}

/// A field of passwd(5). Users of a directory service are not in that file.
#[cfg(all(unix, not(target_os = "macos")))]
fn field_of_user(user: u32, field: usize) -> Option<String> {
    let user = user.to_string();
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = users.lines().find(|line| line.split(':').nth(2) == Some(&user))?;
    line.split(':').nth(field).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_is_the_home_before_each_separator_of_the_system() {
        use System::{Linux, MacOs, Windows};
        for (system, text, below) in [
            (Linux, "~/a/b", Some("a/b")),
            (MacOs, "~/a", Some("a")),
            (Windows, "~/a", Some("a")),
            (Windows, r"~\a\b", Some(r"a\b")),
            (Linux, r"~\a", None),
            (MacOs, r"~\a", None),
            (Windows, r"~jane\a", None),
            (Windows, "~", None),
            (Windows, r"C:\~\a", None),
        ] {
            assert_eq!(below_home(system, text), below, "{system:?} {text}");
        }
    }
}
