//! Commands for a hint, ready to be copied.

use std::path::Path;

use crate::shell::quoted;

/// The command that runs kubekey with `subcommand` for a context of the kubeconfig, or of `kubeconfig` if that is
/// given.
pub fn command_of(subcommand: &str, context: &str, kubeconfig: Option<&str>) -> String {
    format!("kubekey {subcommand}{}{}", flag("context", context), of_file(kubeconfig))
}

/// The flag for the kubeconfig that was given, with a space before it; empty without one.
pub fn of_file(kubeconfig: Option<impl AsRef<Path>>) -> String {
    kubeconfig.map(|path| flag("kubeconfig", &path.as_ref().to_string_lossy())).unwrap_or_default()
}

fn flag(flag: &str, value: &str) -> String {
    let equals = if value.starts_with('-') { "=" } else { " " };
    format!(" --{flag}{equals}{}", quoted(value))
}

#[cfg(test)]
mod tests {
    use super::command_of;

    #[test]
    fn a_name_that_a_shell_would_not_take_as_it_is_is_quoted() {
        for (name, command) in [
            ("prod", "kubekey login --context prod"),
            ("admin@k8s.example.com:6443/a_b", "kubekey login --context admin@k8s.example.com:6443/a_b"),
            ("my cluster", "kubekey login --context \"my cluster\""),
            ("a'b", "kubekey login --context \"a'b\""),
            ("a;b&c|d(e)*?<>#", "kubekey login --context \"a;b&c|d(e)*?<>#\""),
            ("$HOME", "kubekey login --context '$HOME'"),
            ("`id`\"", "kubekey login --context '`id`\"'"),
            #[cfg(not(windows))] // cmd takes an apostrophe as it is.
            ("a\\b", r"kubekey login --context 'a'\\'b'"),
            #[cfg(not(windows))] // In fish, too.
            (r"x\'; id #", r"kubekey login --context 'x'\\''\''; id #'"),
            #[cfg(windows)]
            ("a\\b", "kubekey login --context \"a\\b\""),
            ("~", "kubekey login --context \"~\""),
            ("-x", "kubekey login --context=-x"),
            ("it's $1", r"kubekey login --context 'it'\''s $1'"),
            ("a=b", "kubekey login --context \"a=b\""),
        ] {
            assert_eq!(command_of("login", name, None), command);
            let words = shlex::split(command).unwrap();
            assert!(words.last().unwrap().ends_with(name), "{words:?}");
        }
        let of_file = command_of("config show", "a", Some("/my files/k"));
        assert_eq!(of_file, "kubekey config show --context a --kubeconfig \"/my files/k\"");
    }
}
