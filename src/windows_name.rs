//! File names that Windows takes for something else.

use std::path::{Component, Path};

/// The names of devices, in every folder and with every extension ("Naming Files, Paths, and Namespaces").
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// The names of ports, which a digit follows.
const PORTS: [&str; 2] = ["COM", "LPT"];

/// Why no file can have this path on Windows; `None` if one can, and on other systems.
pub fn why_not(path: &Path) -> Option<String> {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    // A path that begins with '\\?\' is taken as it is.
    let is_verbatim = path.as_os_str().as_encoded_bytes().starts_with(br"\\?\");
    names.filter(|_| cfg!(windows) && !is_verbatim).find_map(why_not_named)
}

fn why_not_named(name: &str) -> Option<String> {
    if name.ends_with(['.', ' ']) {
        return Some(format!("'{name}' ends in a dot or a space, which Windows drops"));
    }
    let stem = name.split('.').next().unwrap_or(name).trim_end_matches(' ').to_uppercase();
    let is_port = |port: &&str| stem.strip_prefix(*port).is_some_and(is_digit);
    let is_device = DEVICES.contains(&&*stem) || PORTS.iter().any(is_port);
    is_device.then(|| format!("'{name}' is the name of a device on Windows"))
}

/// Windows counts these three superscripts as digits.
fn is_digit(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|character| matches!(character, '0'..='9' | '¹' | '²' | '³'))
        && characters.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_and_names_that_windows_changes_are_refused() {
        for name in ["NUL", "con", "Aux.txt", "prn .txt", "COM1", "lpt9.log", "com¹", "CONOUT$", "nul.tar.gz"] {
            assert_eq!(why_not_named(name), Some(format!("'{name}' is the name of a device on Windows")));
        }
        for name in ["config.", "config ", "NUL.", "..."] {
            assert!(why_not_named(name).is_some_and(|why| why.ends_with("which Windows drops")), "{name}");
        }
        for name in ["config", ".kube", "console", "null", "COM", "COM10", "comx", "a.nul", " con", "LPT"] {
            assert_eq!(why_not_named(name), None);
        }
    }

    #[test]
    fn each_folder_of_a_path_counts_on_windows_alone() {
        for (path, is_refused) in [("/a/aux/config", true), ("/a/./config/..", false), ("/a/b.txt", false)] {
            assert_eq!(why_not(Path::new(path)).is_some(), cfg!(windows) && is_refused, "{path}");
        }
        assert_eq!(why_not(Path::new(r"\\?\C:\a\aux")), None);
    }
}
