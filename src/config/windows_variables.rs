//! `%NAME%` in a string of the registry. Windows would replace it by this process's variable, which a kubeconfig can
//! set; so only folders that the system knows are replaced, and any other name is refused.

use crate::environment::FOLDER_VARIABLES;

/// `text` with the folders that its names mean. `folder` returns that of one of [`FOLDER_VARIABLES`]. What stands between two
/// percent signs and cannot be a name, as in `--url=%s --title=%s`, is unchanged.
///
/// # Errors
/// With the reason, if a name is not one of [`FOLDER_VARIABLES`], or the system does not know its folder.
pub fn expanded(text: &str, folder: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        expanded.push_str(before);
        match after.split_once('%').filter(|(name, _)| is_name(name)) {
            Some((name, after)) => {
                expanded.push_str(&of_name(name, &folder)?);
                rest = after;
            }
            None => {
                expanded.push('%');
                rest = after;
            }
        }
    }
    Ok(expanded + rest)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_()".contains(&byte))
}

fn of_name(name: &str, folder: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    match FOLDER_VARIABLES.iter().find(|known| known.eq_ignore_ascii_case(name)) {
        Some(known) => folder(known).ok_or_else(|| format!("Windows does not name the folder of %{known}%")),
        None => Err(format!(
            "%{name}% cannot be used, because a kubeconfig can set that variable: write the path itself, or use one of %{}%",
            FOLDER_VARIABLES.join("%, %")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_that_the_system_knows_are_replaced() {
        let folder = |name: &str| (name != "windir").then(|| format!("<{name}>"));
        for (text, expected) in [
            ("", Ok("")),
            (r"C:\pages", Ok(r"C:\pages")),
            (r"%ProgramFiles%\x", Ok(r"<ProgramFiles>\x")),
            (r"%PROGRAMFILES(X86)%\x", Ok(r"<ProgramFiles(x86)>\x")),
            (r"a%appdata%b%LocalAppData%c", Ok("a<APPDATA>b<LOCALAPPDATA>c")),
            ("firefox %s", Ok("firefox %s")),
            ("firefox %s --title %s", Ok("firefox %s --title %s")),
            (r"%ProgramFiles%\x.exe %s", Ok(r"<ProgramFiles>\x.exe %s")),
            ("100%", Ok("100%")),
            ("%%", Ok("%%")),
            ("%", Ok("%")),
            ("%TEMP%", Err("%TEMP% cannot be used")),
            (r"x\%HOMEDRIVE%", Err("%HOMEDRIVE% cannot be used")),
            ("%Path%", Err("%ProgramFiles%, %ProgramFiles(x86)%")),
            ("%windir%", Err("does not name the folder of %windir%")),
        ] {
            match (expanded(text, folder), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{text}"),
                (Err(found), Err(words)) => assert!(found.contains(words), "{text}: {found}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }

    #[cfg(windows)]
    #[test]
    fn each_name_has_a_folder() {
        for name in FOLDER_VARIABLES {
            let path = crate::windows::folders::of_variable(name).unwrap_or_default();
            assert!(name == "SystemDrive" || path.is_absolute(), "{name}: {path:?}");
            assert!(path.has_root() || path.to_string_lossy().ends_with(':'), "{name}: {path:?}");
        }
    }
}
