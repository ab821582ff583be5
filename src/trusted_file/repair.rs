//! The commands that repair who can change a file on Windows.

use std::path::Path;

use crate::security_descriptor::{ADMINISTRATORS, SYSTEM, Sid, USERS};

/// The commands that make `path` one of the administrators', for `cmd` and PowerShell. They do not go into a folder:
/// a link that a user has put there would lead them to other files. What is in it is refused, and named, by itself.
pub fn commands_for_system(path: &Path, is_folder: bool) -> Vec<String> {
    let path = plain(path);
    let mut commands = vec![format!("takeown /f \"{path}\" /a"), format!("icacls \"{path}\" /reset")];
    if is_folder {
        let rights = [(SYSTEM, "F"), (ADMINISTRATORS, "F"), (USERS, "RX")];
        let rights = rights.map(|(sid, right)| format!("\"*{sid}:(OI)(CI){right}\"")).join(" ");
        commands.push(format!("icacls \"{path}\" /inheritance:r /grant:r {rights}"));
    }
    commands
}

/// The commands that make `path` a file or folder that only `user` and the administrators may use.
pub fn commands_for_user(path: &Path, is_folder: bool, user: &Sid) -> Vec<String> {
    let path = plain(path);
    let inherited = if is_folder { "(OI)(CI)" } else { "" };
    let rights = [user.0.as_str(), SYSTEM, ADMINISTRATORS].map(|sid| format!("\"*{sid}:{inherited}F\"")).join(" ");
    vec![
        format!("icacls \"{path}\" /setowner \"*{}\"", user.0),
        format!("icacls \"{path}\" /reset"),
        format!("icacls \"{path}\" /inheritance:r /grant:r {rights}"),
    ]
}

/// The path without the prefix that the commands do not know. A file name of Windows has no quotation mark.
fn plain(path: &Path) -> String {
    let path = path.display().to_string();
    match path.strip_prefix(r"\\?\UNC\") {
        Some(share) => format!(r"\\{share}"),
        None => path.strip_prefix(r"\\?\").unwrap_or(&path).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_copied() {
        let folder = Path::new(r"\\?\C:\Program Data\kubekey");
        let commands = commands_for_system(folder, true);
        let expected = [
            r#"takeown /f "C:\Program Data\kubekey" /a"#,
            r#"icacls "C:\Program Data\kubekey" /reset"#,
            r#"icacls "C:\Program Data\kubekey" /inheritance:r /grant:r "*S-1-5-18:(OI)(CI)F" "*S-1-5-32-544:(OI)(CI)F" "*S-1-5-32-545:(OI)(CI)RX""#,
        ];
        assert_eq!(commands, expected);
        assert_eq!(
            commands_for_system(Path::new(r"\\?\UNC\a\b"), false),
            [r#"takeown /f "\\a\b" /a"#, r#"icacls "\\a\b" /reset"#]
        );
        let of_user = commands_for_user(Path::new("f"), false, &Sid("S-1-5-21-1-2-3-1001".into()));
        assert_eq!(
            of_user[2],
            r#"icacls "f" /inheritance:r /grant:r "*S-1-5-21-1-2-3-1001:F" "*S-1-5-18:F" "*S-1-5-32-544:F""#
        );
    }
}
