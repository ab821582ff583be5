//! How a kubeconfig names this program, so that it is still there after the next update.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};

#[cfg(windows)]
const NAME: &str = "kubekey.exe";
#[cfg(not(windows))]
const NAME: &str = "kubekey";

/// Where packages put programs, or links to them. They come before the folders of `PATH`.
const FOLDERS: [&str; 4] = ["/opt/homebrew/bin", "/home/linuxbrew/.linuxbrew/bin", "/usr/local/bin", "/usr/bin"];

/// The whole path of the running program, or its bare name where that was asked for: GUI programs have no `PATH`.
///
/// # Errors
/// [`ErrorKind::Failed`] if the path cannot be found out, or is one that the next update removes.
pub fn command(is_bare: bool) -> Result<String> {
    if is_bare {
        return Ok("kubekey".to_owned());
    }
    let unknown = |why: &str| {
        Error::new(ErrorKind::Failed, format!("kubekey cannot name itself in the kubeconfig: {why}"))
            .hint("give --command-name to write 'kubekey', which is then looked for in PATH")
    };
    let running = std::env::current_exe().map_err(|error| unknown(&error.to_string()))?;
    let listed = std::env::var_os("PATH").unwrap_or_default();
    // Of the same program, one that stays where it is: the running one's own path may be a version's.
    let folders = FOLDERS.map(PathBuf::from).into_iter().chain(std::env::split_paths(&listed));
    let path = stable(&running, &folders.filter(|folder| folder.is_absolute()).collect::<Vec<_>>());
    let path = path.ok_or_else(|| unknown(&format!("{} is gone after an update", running.display())))?;
    path.into_os_string().into_string().map_err(|_| unknown("its path is not text in UTF-8"))
}

/// The first of the folders' programs that is this one, else the program itself; `None` if only a version's own path is
/// left. Homebrew removes those (`Cellar/kubekey/1.2.3`) and keeps `opt/kubekey` and mostly `bin`.
fn stable(running: &Path, folders: &[PathBuf]) -> Option<PathBuf> {
    let real = running.canonicalize().ok()?;
    let is_same = |path: &PathBuf| path.canonicalize().is_ok_and(|other| other == real);
    let cellar = real.ancestors().find(|folder| folder.file_name() == Some(OsStr::new("Cellar")));
    let prefix = cellar.and_then(Path::parent);
    let of_prefix = prefix.into_iter().flat_map(|prefix| [prefix.join("bin"), prefix.join("opt/kubekey/bin")]);
    let known = folders.iter().cloned().chain(of_prefix).map(|folder| folder.join(NAME)).find(is_same);
    known.or_else(|| cellar.is_none().then(|| running.to_owned()))
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder with a program at `path` in it.
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
}
