//! The command for a hint that signs in to what this run is for, ready to be copied.

use std::env;

use super::contexts::{Contexts, argument};
use crate::shell::quoted;

/// The command that runs kubekey with `subcommand` for a context of the kubeconfig, or of `kubeconfig` if that is
/// given.
pub fn command_of(subcommand: &str, context: &str, kubeconfig: Option<&str>) -> String {
    let flag = |flag: &str, value: &str| {
        let equals = if value.starts_with('-') { "=" } else { " " };
        format!(" --{flag}{equals}{}", quoted(value))
    };
    let of_file = kubeconfig.map(|path| flag("kubeconfig", path)).unwrap_or_default();
    format!("kubekey {subcommand}{}{of_file}", flag("context", context))
}

/// `kubekey login` in quotes, for the context of this run, or a description where that is another sign-in: with flags
/// of the caller's own, or where the context is not known because client-go does not name it.
pub fn login_command() -> String {
    let named = match argument("--context=") {
        Some(name) => Some(name).filter(|_| !has_own_settings()),
        None => context_of_this_run(),
    };
    match named {
        Some(context) => format!("'{}'", command_of("login", &context, argument("--kubeconfig=").as_deref())),
        None => "'kubekey login' with the same settings".to_owned(),
    }
}

/// Whether the caller has replaced settings of the context: a run with a context's settings has the caller's own flags
/// before `--context`, and those of the context after it.
fn has_own_settings() -> bool {
    let words = env::args_os().skip(1).filter_map(|word| word.into_string().ok());
    words.take_while(|word| !word.starts_with("--context=")).any(|word| word.starts_with("--"))
}

fn context_of_this_run() -> Option<String> {
    env::var_os("KUBERNETES_EXEC_INFO").filter(|info| !info.is_empty())?;
    let contexts = Contexts::of_session().ok()?;
    contexts.of_this_run().first().map(|context| context.name.to_owned())
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
            ("a\\b", "kubekey login --context 'a\\b'"),
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
