//! The path of this program for a kubeconfig, chosen so that it is still valid after the next update.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};

#[cfg(windows)]
const NAME: &str = "kubekey.exe";
#[cfg(not(windows))]
const NAME: &str = "kubekey";

/// The name of krew's link, as a kubeconfig has it: the ending of Windows is not needed there.
const PLUGIN: &str = "kubectl-kubekey";

/// Where packages install programs, or links to them. Tried before the folders of `PATH`.
const FOLDERS: [&str; 4] = ["/opt/homebrew/bin", "/home/linuxbrew/.linuxbrew/bin", "/usr/local/bin", "/usr/bin"];

/// The absolute path of the running program, because GUI programs do not have the user's `PATH`; or its bare name if
/// that was requested.
///
/// # Errors
/// [`ErrorKind::Failed`] if the path cannot be determined, or if the next update would remove it.
pub fn command(is_bare: bool) -> Result<String> {
    let running = std::env::current_exe();
    if is_bare {
        // krew puts no `kubekey` into the PATH.
        let is_plugin = running.is_ok_and(|path| path.canonicalize().is_ok_and(|real| krew_root(&real).is_some()));
        return Ok(if is_plugin { PLUGIN } else { "kubekey" }.to_owned());
    }
    let unknown = |why: &str| {
        Error::new(ErrorKind::Failed, format!("kubekey cannot name itself in the kubeconfig: {why}"))
            .hint("give --command-name to write its name alone, which is then looked for in PATH")
    };
    let running = running.map_err(|error| unknown(&error.to_string()))?;
    if !running.exists() {
        // Linux marks the path of a program that is gone.
        let path = running.display().to_string();
        let path = path.trim_end_matches(" (deleted)");
        return Err(unknown(&format!("{path} was removed by an update")).hint("run the command again"));
    }
    let listed = std::env::var_os("PATH").unwrap_or_default();
    // The path of the running program may contain a version; prefer a stable path of the same program.
    let folders = FOLDERS.map(PathBuf::from).into_iter().chain(std::env::split_paths(&listed));
    let path = stable(&running, &folders.filter(|folder| folder.is_absolute()).collect::<Vec<_>>());
    let path = path.ok_or_else(|| unknown(&format!("the next update removes {}", running.display())))?;
    path.into_os_string().into_string().map_err(|_| unknown("its path is not UTF-8"))
}

/// The first path in `folders` that is the running program, else the program's own path; `None` if that belongs to one
/// version. Homebrew removes such paths (`Cellar/kubekey/1.2.3`) and keeps `opt/kubekey` and usually `bin`; krew removes
/// `store/kubekey/v1.2.3` and keeps its link in `bin`.
fn stable(running: &Path, folders: &[PathBuf]) -> Option<PathBuf> {
    let real = running.canonicalize().ok()?;
    let is_same = |path: &PathBuf| path.canonicalize().is_ok_and(|other| other == real);
    let cellar = real.ancestors().find(|folder| folder.file_name() == Some(OsStr::new("Cellar")));
    let prefix = cellar.and_then(Path::parent);
    let of_prefix = prefix.into_iter().flat_map(|prefix| [prefix.join("bin"), prefix.join("opt/kubekey/bin")]);
    let krew = krew_root(&real);
    let of_krew = krew.map(|root| root.join("bin").join(NAME.replace("kubekey", PLUGIN)));
    let known = folders.iter().cloned().chain(of_prefix).map(|folder| folder.join(NAME)).chain(of_krew).find(is_same);
    known.or_else(|| (cellar.is_none() && krew.is_none()).then(|| running.to_owned()))
}

/// `ROOT` of `ROOT/store/kubekey/VERSION/kubekey`, where krew installs the program itself. `ROOT` is `~/.krew`, or
/// `KREW_ROOT` at the time of the installation.
fn krew_root(program: &Path) -> Option<&Path> {
    let mut names = program.iter().rev().skip(2);
    let is_in_store = names.next()? == "kubekey" && names.next()? == "store";
    program.ancestors().nth(4).filter(|_| is_in_store)
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder with a program at `path`.
    fn installed(path: &str) -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let program = root.join(path);
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        fs::write(&program, "").unwrap();
        fs::create_dir_all(root.join("bin")).unwrap();
        (folder, root, program)
    }

    #[test]
    fn a_known_folder_is_preferred_if_it_has_this_program() {
        let (_folder, root, program) = installed("elsewhere/kubekey");
        let bin = [root.join("bin")];
        assert_eq!(stable(&program, &bin), Some(program.clone()));
        fs::write(root.join("bin/kubekey"), "another").unwrap();
        assert_eq!(stable(&program, &bin), Some(program.clone()), "another program");
        fs::remove_file(root.join("bin/kubekey")).unwrap();
        symlink(&program, root.join("bin/kubekey")).unwrap();
        assert_eq!(stable(&program, &bin), Some(root.join("bin/kubekey")));
    }

    #[test]
    fn a_path_of_one_version_is_never_given() {
        let (_folder, root, program) = installed("Cellar/kubekey/1.2.3/bin/kubekey");
        assert_eq!(stable(&program, &[]), None);
        fs::create_dir_all(root.join("opt")).unwrap();
        symlink(root.join("Cellar/kubekey/1.2.3"), root.join("opt/kubekey")).unwrap();
        assert_eq!(stable(&program, &[]), Some(root.join("opt/kubekey/bin/kubekey")));
        symlink(&program, root.join("bin/kubekey")).unwrap();
        assert_eq!(stable(&program, &[]), Some(root.join("bin/kubekey")));
    }

    #[test]
    fn the_link_of_krew_is_given_and_never_a_path_of_its_store() {
        let (_folder, root, program) = installed(".krew/store/kubekey/v1.2.3/kubekey");
        assert_eq!(stable(&program, &[]), None);
        let link = root.join(".krew/bin/kubectl-kubekey");
        fs::create_dir_all(root.join(".krew/bin")).unwrap();
        symlink(&program, &link).unwrap();
        assert_eq!(stable(&program, &[]), Some(link));
        assert_eq!(krew_root(&root.join("store/other/v1.2.3/kubekey")), None);
    }
}
