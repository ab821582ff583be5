//! Environment variables.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

/// The variables that name a trust store to use instead of the system's, on Linux and its relatives.
pub const STORE_VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The variables of Windows that name folders which the system knows by itself.
pub const FOLDER_VARIABLES: [&str; 10] = [
    "ProgramFiles",
    "ProgramFiles(x86)",
    "ProgramData",
    "ALLUSERSPROFILE",
    "SystemRoot",
    "windir",
    "SystemDrive",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
];

/// The value of a variable. One that is not UTF-8 counts as set, but cannot be used: it contains replacement
/// characters.
pub fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// The path in a variable; `None` if it is relative. The XDG Base Directory specification: a relative path is invalid
/// and must be ignored. It would also depend on the current directory, from which kubekey reads nothing.
pub fn absolute_path(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// The name of a variable as it is compared: Windows ignores the case of names.
pub fn compared(name: &OsStr) -> String {
    compared_on(name, cfg!(windows))
}

fn compared_on(name: &OsStr, is_windows: bool) -> String {
    let name = name.to_string_lossy();
    if is_windows { name.to_ascii_uppercase() } else { name.into_owned() }
}

/// Whether the environment may come from a kubeconfig, which must not decide where things are.
static IS_DISTRUSTED: AtomicBool = AtomicBool::new(false);

/// Whether there is a policy, whatever it locks.
static IS_UNDER_POLICY: AtomicBool = AtomicBool::new(false);

/// From here on no variable decides where the providers' metadata is: it says where a refresh token goes, and a policy
/// that only unlocks `token-dir` does not hand that over.
pub fn come_under_policy() {
    IS_UNDER_POLICY.store(true, Ordering::Relaxed);
}

/// Whether [`come_under_policy`] was called.
pub fn is_under_policy() -> bool {
    IS_UNDER_POLICY.load(Ordering::Relaxed)
}

/// From here on no variable decides where things are; the home folder is the one that the system knows for the user. On
/// Linux, `HOME` still decides for a user who is not in the user database.
pub fn distrust() {
    IS_DISTRUSTED.store(true, Ordering::Relaxed);
}

/// Whether [`distrust`] was called.
pub fn is_distrusted() -> bool {
    IS_DISTRUSTED.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_on_windows_only() {
        for (name, on_windows, elsewhere) in [
            ("KUBEKEY_CLIENT_SECRET", "KUBEKEY_CLIENT_SECRET", "KUBEKEY_CLIENT_SECRET"),
            ("kubekey_client_secret", "KUBEKEY_CLIENT_SECRET", "kubekey_client_secret"),
            ("Client_Secret", "CLIENT_SECRET", "Client_Secret"),
            ("https_proxy", "HTTPS_PROXY", "https_proxy"),
            // Windows compares letter by letter: neither of these is another spelling of an ASCII letter there.
            ("\u{212a}ubekey_\u{131}", "\u{212a}UBEKEY_\u{131}", "\u{212a}ubekey_\u{131}"),
            ("", "", ""),
        ] {
            assert_eq!(compared_on(name.as_ref(), true), on_windows, "{name}");
            assert_eq!(compared_on(name.as_ref(), false), elsewhere, "{name}");
        }
    }
}
