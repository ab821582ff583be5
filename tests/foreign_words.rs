//! Messages name only things of the platform that they are printed on.

use std::fs;
use std::path::Path;

use crate::support::source::{Platform, root};

const UNIX: &[&str] =
    &["chmod", "chown", "sudo", "/etc", "umask", "kill -", "file mode", "root", "~/.", "/usr", "/run", "/tmp"];
const LINUX: &[&str] = &[
    "gnome-keyring",
    "KWallet",
    "KeePassXC",
    "D-Bus",
    "secret-tool",
    "ca-certificates",
    "update-ca-trust",
    "systemd",
    "XDG",
    "xdg-open",
    "keyctl",
    "kernel's keys",
];
const MACOS: &[&str] =
    &["Keychain", "security unlock", "launchctl", "/Library", "property list", "macOS", "managed preferences"];
const WINDOWS: &[&str] = &[
    "icacls",
    "PowerShell",
    "Credential Manager",
    "DPAPI",
    "Remote Desktop",
    "HKLM",
    "%AppData%",
    "taskkill",
    "takeown",
];

/// Words that are right everywhere, with the reason.
const RIGHT: [(&str, &str); 5] = [
    ("as PowerShell's '>' writes it", "a file may come from another platform"),
    ("~/.kube/config", "kubectl's own documentation has it so for every platform, and PowerShell understands it"),
    ("/usr/bin/firefox", "an example of the policy's reference, which is one page for all platforms"),
    ("share the kernel's keys", "only where 'kernel::is_shared' says so, which is on Linux"),
    ("the kernel's keys are not available here", "the answer to --token-storage=kernel, which is on Linux alone"),
];

/// Files whose texts are compiled for Windows and not reached there, with the reason.
const NOT_REACHED: [(&str, &str); 3] = [
    ("src/foreign.rs", "files have an owner's ID only on Unix: elsewhere 'nearest' finds none"),
    ("src/commands/logout/mod.rs", "root is known only on Unix"),
    ("src/token_cache/lock_note.rs", "only Linux shows that a process is stopped"),
];

fn foreign_words(platform: Platform) -> Vec<&'static str> {
    let foreign: [&[&str]; 3] = match platform {
        Platform::Linux => [MACOS, WINDOWS, &[]],
        Platform::MacOs => [LINUX, WINDOWS, &["/etc/kubekey"]],
        Platform::Windows => [UNIX, LINUX, MACOS],
    };
    foreign.concat()
}

/// The sentences of a platform that contain one of its foreign words. Names of files and variables are not sentences.
fn mistakes(platform: Platform) -> Vec<String> {
    let mut texts = platform.all_texts(true);
    for template in ["templates/config.toml", "templates/kubeconfig.yaml"] {
        let text = fs::read_to_string(root().join(template)).unwrap_or_default();
        texts.push((template.into(), 1, text));
    }
    assert!(texts.len() > 1000, "src is read incompletely: {} texts", texts.len());
    let is_reached =
        |file: &Path| platform != Platform::Windows || NOT_REACHED.iter().all(|(other, _)| file != Path::new(other));
    let texts = texts.into_iter().filter(|(file, _, text)| text.trim().contains(' ') && is_reached(file));
    texts
        .flat_map(|(file, line, text)| {
            let words = foreign_in(platform, &text);
            words
                .into_iter()
                .map(move |word| format!("{}:{line}: '{word}' in: {text}", file.display()))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn foreign_in(platform: Platform, text: &str) -> Vec<&'static str> {
    let text = RIGHT.iter().fold(text.to_owned(), |text, (right, _)| text.replace(right, ""));
    let is_word = |word: &&str| {
        text.match_indices(word).any(|(index, _)| {
            let before = text[..index].chars().next_back();
            let after = text[index + word.len()..].chars().next();
            !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphabetic)
                || word.ends_with([' ', '-', '.'])
        })
    };
    foreign_words(platform).into_iter().filter(is_word).collect()
}

#[test]
fn linux_names_nothing_of_other_platforms() {
    assert_eq!(mistakes(Platform::Linux), Vec::<String>::new());
}

#[test]
fn macos_names_nothing_of_other_platforms() {
    assert_eq!(mistakes(Platform::MacOs), Vec::<String>::new());
}

#[test]
fn windows_names_nothing_of_other_platforms() {
    assert_eq!(mistakes(Platform::Windows), Vec::<String>::new());
}

/// What the tests above rely on.
#[test]
fn only_what_is_compiled_for_a_platform_is_read() {
    let source = r##"
        #[cfg(windows)] #[inline] fn a() -> Result<A, B> { hint("run icacls", b'"') }
        #[cfg(not(windows))] const B: &[&str] = &["run chmod", 'x'];
        const C: &str = if cfg!(windows) { "of Windows" } else if cfg!(target_os = "macos") { "of macOS" } else { r#"of "Linux""# };
        #[cfg(test)] mod tests { fn d() { "of tests" } }
        #[expect(dead_code, reason = "of readers")] fn e<'a>() { a.expect("of a panic"); "of \"all\"" } // "of a comment"
    "##;
    let texts = |platform: Platform| platform.texts_in(source);
    assert_eq!(texts(Platform::Windows), ["run icacls", "of Windows", "of \"all\""]);
    assert_eq!(texts(Platform::MacOs), ["run chmod", "of macOS", "of \"all\""]);
    assert_eq!(texts(Platform::Linux), ["run chmod", "of \"Linux\"", "of \"all\""]);
    assert_eq!(foreign_in(Platform::Windows, "'chmod 600' fixes that"), ["chmod"]);
    assert_eq!(foreign_in(Platform::Linux, "run 'icacls'"), ["icacls"]);
}
