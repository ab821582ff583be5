//! The command for a hint that signs in to what this run is for, ready to be copied.

use std::env;

use super::command::command_of;
use super::contexts::{Contexts, argument};
use crate::printable::is_plain;

/// `kubekey login` in quotes, for the context of this run, or a description where that is another sign-in: with flags
/// of the caller's own, or where the context is not known because client-go does not name it.
pub fn login_command() -> String {
    login_command_with("")
}

/// The same with one more flag.
pub fn login_command_with(flag: &str) -> String {
    let after = |word: &str| if flag.is_empty() { String::new() } else { format!("{word}{flag}") };
    let named = match argument("--context=") {
        Some(name) => Some(name).filter(|_| !has_own_settings()),
        None => context_of_this_run(),
    };
    match named {
        // One that cannot be shown as it is cannot be copied.
        Some(context) if is_plain(&context) => {
            let command = command_of("login", &context, argument("--kubeconfig=").as_deref());
            format!("'{command}{}'", after(" "))
        }
        _ => format!("'kubekey login' with the same settings{}", after(" and ")),
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
