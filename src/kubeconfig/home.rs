//! The folder in which client-go looks for a kubeconfig (`homedir.HomeDir`).

#[cfg(any(windows, test))]
use std::path::Path;
use std::path::PathBuf;

/// The file in that folder that is read and written if no other is named.
pub const DEFAULT: &str = ".kube/config";

/// The folder, if there is one.
#[cfg(not(windows))]
pub fn folder() -> Option<PathBuf> {
    std::env::home_dir()
}

/// The folder, if a variable names one.
#[cfg(windows)]
pub fn folder() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let home_path = variable("HOMEDRIVE").zip(variable("HOMEPATH")).map(|(mut drive, path)| {
        drive.push(path);
        drive
    });
    let named = [variable("HOME"), home_path, variable("USERPROFILE")].map(|value| value.map(PathBuf::from));
    of_windows(named, |path| path.exists(), |path| path.is_dir())
}

/// The first of HOME, HOMEDRIVE with HOMEPATH, and USERPROFILE that has a kubeconfig; if none has, the first of HOME,
/// USERPROFILE, and HOMEDRIVE with HOMEPATH that is a folder, or is set.
#[cfg(any(windows, test))]
fn of_windows(
    [home, home_path, profile]: [Option<PathBuf>; 3],
    exists: impl Fn(&Path) -> bool,
    is_folder: impl Fn(&Path) -> bool,
) -> Option<PathBuf> {
    let to_read: Vec<_> = [&home, &home_path, &profile].into_iter().flatten().cloned().collect();
    let to_write: Vec<_> = [home, profile, home_path].into_iter().flatten().collect();
    let with_kubeconfig = to_read.into_iter().find(|path| exists(&path.join(DEFAULT)));
    let existing = || to_write.iter().find(|path| is_folder(path)).cloned();
    with_kubeconfig.or_else(existing).or_else(|| to_write.first().cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_home_on_windows_is_that_of_kubectl() {
        // HOME, HOMEDRIVE with HOMEPATH, USERPROFILE; those with a kubeconfig; the folders; the result.
        for (named, with_kubeconfig, folders, expected) in [
            (["/a", "/b", "/c"], "", "/a /b /c", "/a"),
            (["/a", "/b", "/c"], "/b /c", "/a /b /c", "/b"),
            (["/a", "/b", "/c"], "/c", "/a /b /c", "/c"),
            (["", "/b", "/c"], "", "/b /c", "/c"),
            (["", "/b", "/c"], "", "/b", "/b"),
            (["/a", "/b", "/c"], "", "", "/a"),
            (["", "/b", ""], "", "", "/b"),
            (["", "", ""], "", "", ""),
        ] {
            let named = named.map(|path| Some(PathBuf::from(path)).filter(|path| !path.as_os_str().is_empty()));
            let exists = |path: &Path| with_kubeconfig.split(' ').any(|folder| path == Path::new(folder).join(DEFAULT));
            let is_folder = |path: &Path| folders.split(' ').any(|folder| path == Path::new(folder));
            let found = of_windows(named.clone(), exists, is_folder).unwrap_or_default();
            assert_eq!(found, Path::new(expected), "{named:?} {with_kubeconfig} {folders}");
        }
    }
}
