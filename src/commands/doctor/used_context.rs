//! The context of the kubeconfig that is used.

use super::super::context::name_of_context;
use super::super::context_run::{flags_of_user, shareable_flags_of_user};
use super::super::setup::{Offer, offer_for};
use super::line::Line;
use crate::cli::Examine;
use crate::error::{MOST_COMMANDS, Result};
use crate::kubeconfig::{Context, Contexts, command_of, of_file};

pub const CHECK: &str = "kubeconfig";

/// Which context is used, or why none is.
pub fn check(contexts: &Result<Contexts>, asked: &Examine, is_settled: bool) -> Line {
    let of_file = of_file(asked.of.kubeconfig.as_ref());
    let contexts = match contexts {
        Ok(contexts) => contexts,
        Err(error) => return Line::of(CHECK, error),
    };
    let name = match name_of_context(contexts, &asked.of, "doctor") {
        Ok(name) => name,
        Err(error) => return Line::of(CHECK, &error),
    };
    let Some(name) = name else {
        return Line::warning(
            CHECK,
            "it has no current context",
            format!("run 'kubekey setup{of_file}', which writes one, or 'kubectl config use-context NAME{of_file}'"),
        );
    };
    let Some(context) = contexts.find(name) else {
        return missing(name, contexts, asked);
    };
    let server = context.of_cluster("server").unwrap_or_default();
    match (context.lacks(), context.is_ours()) {
        (Some(lacks), _) => {
            let what_to_do = format!("add it, or run 'kubekey setup{of_file}', which writes a context");
            Line::error(CHECK, lacks, what_to_do)
        }
        (None, false) => {
            let offer = offer_for(contexts, asked.of.kubeconfig.as_ref(), |user| user == context.user);
            not_ours(name, offer, &of_file)
        }
        (None, true) if !is_settled => not_used(&context, asked.share),
        (None, true) => {
            Line::ok(CHECK, format!("the context '{name}' for the cluster '{}' at {server}", context.cluster))
        }
    }
}

fn not_used(context: &Context<'_>, is_shared: bool) -> Line {
    match if is_shared { shareable_flags_of_user(context) } else { flags_of_user(context) } {
        Err(error) => Line::of(CHECK, &error),
        Ok(_) => Line::warning(
            CHECK,
            format!("the context '{}' is not used, because settings of another source are given", context.name),
            "give --context NAME to use those of a context",
        ),
    }
}

fn not_ours(name: &str, offer: Option<Offer>, of_file: &str) -> Line {
    match offer {
        Some(Offer { programs, command }) => Line {
            commands: vec![command],
            ..Line::warning(
                CHECK,
                format!("the user of the context '{name}' signs in with {programs}"),
                "give --context NAME, or move such users to kubekey:",
            )
        },
        None => Line::warning(
            CHECK,
            format!("the user of the context '{name}' does not run kubekey"),
            format!("give --context NAME; 'kubekey setup{of_file}' writes a context that does"),
        ),
    }
}

fn missing(name: &str, contexts: &Contexts, asked: &Examine) -> Line {
    let file = asked.of.kubeconfig.as_ref();
    let ours = contexts.ours();
    let what = format!("the context '{name}' does not exist");
    let path = file.map(|path| path.to_string_lossy());
    let commands = ours.iter().map(|context| command_of("doctor", context.name, path.as_deref()));
    match ours.is_empty() {
        true => {
            Line::error(CHECK, what, format!("list the contexts with 'kubectl config get-contexts{}'", of_file(file)))
        }
        false => Line {
            commands: commands.take(MOST_COMMANDS).collect(),
            ..Line::error(CHECK, what, "check one that runs kubekey:")
        },
    }
}
