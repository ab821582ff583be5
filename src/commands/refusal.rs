//! Why a context cannot be used, and the commands that go on from there.

use super::setup::{Offer, offer_for};
use crate::cli::OfContext;
use crate::config::nearest;
use crate::error::{Error, ErrorKind};
use crate::kubeconfig::{Context, Contexts, command_of, of_file};

/// Why the context of this name is not used.
pub(super) fn refusal(contexts: &Contexts, name: Option<&str>, found: Option<&Context<'_>>, of: &OfContext) -> Error {
    let unset = if of.is_asked() { "" } else { "no issuer URL is set, and " };
    let current = if of.context.is_none() { "current " } else { "" };
    let message = match (name, found) {
        (None, _) => "the kubeconfig has no current context".to_owned(),
        (Some(name), None) if of.context.is_none() => no_current(name),
        (Some(name), None) => {
            let nearest = nearest::of(name, contexts.ours().iter().map(|context| context.name));
            let meant = nearest.map(|nearest| format!(" (did you mean '{nearest}'?)")).unwrap_or_default();
            format!("the kubeconfig has no context '{name}'{meant}")
        }
        (Some(name), Some(context)) => {
            context.lacks().unwrap_or_else(|| format!("the user of the {current}context '{name}' does not run kubekey"))
        }
    };
    Error::new(ErrorKind::Usage, format!("{unset}{message}"))
}

/// The current context is not there.
pub(super) fn no_current(name: &str) -> String {
    format!("the current context '{name}' does not exist in the kubeconfig")
}

/// Adds a hint with the command for each context that runs kubekey, or for the users of another program.
pub(super) fn with_others(error: Error, contexts: &Contexts, of: &OfContext, subcommand: &str) -> Error {
    let ours = contexts.ours();
    let name = of.context.as_deref().or(contexts.current.as_deref());
    let user = name.and_then(|name| contexts.find(name)).map(|context| context.user);
    let is_meant = |name: &str| ours.is_empty() || Some(name) == user;
    let offer = offer_for(contexts, of.kubeconfig.as_ref(), is_meant);
    let which = if ours.len() == 1 { "the context" } else { "a context" };
    match (ours.is_empty(), offer) {
        (true, Some(offer)) => error.hint(to_move(&offer)).commands([offer.command]),
        (true, None) => error.hint(format!(
            "give --issuer-url and --client-id, or run 'kubekey setup{}', which writes a context",
            of_file(of.kubeconfig.as_ref())
        )),
        (false, None) => with_commands(error.hint(format!("use {which} that runs kubekey:")), &ours, of, subcommand),
        (false, Some(Offer { programs, command })) => {
            let hint =
                format!("move the users of {programs} to kubekey with '{command}', or use {which} that runs kubekey:");
            with_commands(error.hint(hint), &ours, of, subcommand)
        }
    }
}

/// The hint before the command that moves users.
pub(super) fn to_move(offer: &Offer) -> String {
    format!("users of the kubeconfig sign in with {}; to move them to kubekey, run:", offer.programs)
}

/// Adds the command for each of these contexts.
pub(super) fn with_commands(error: Error, contexts: &[Context<'_>], of: &OfContext, subcommand: &str) -> Error {
    let file = of.kubeconfig.as_ref().map(|path| path.to_string_lossy());
    let commands = contexts.iter().map(|context| command_of(subcommand, context.name, file.as_deref()));
    error.commands(commands)
}
