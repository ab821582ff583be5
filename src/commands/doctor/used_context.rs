//! The context of the kubeconfig that is used.

use super::line::Line;
use crate::cli::Examine;
use crate::error::Result;
use crate::kubeconfig::Contexts;

/// Which context is used, or why none is.
pub fn check(contexts: &Result<Contexts>, asked: &Examine, is_settled: bool) -> Line {
    let contexts = match contexts {
        Ok(contexts) => contexts,
        Err(error) => return Line::of("kubeconfig", error),
    };
    let Some(name) = asked.of.context.as_deref().or(contexts.current.as_deref()) else {
        return Line::warning(
            "kubeconfig",
            "it has no current context",
            "run 'kubekey setup', which writes one, or 'kubectl config use-context NAME'",
        );
    };
    let Some(context) = contexts.find(name) else {
        let what = format!("the context '{name}' does not exist");
        return Line::error("kubeconfig", what, "'kubectl config get-contexts' lists the contexts");
    };
    let server = context.of_cluster("server").unwrap_or_default();
    match (context.lacks(), context.is_ours()) {
        (Some(lacks), _) => Line::error("kubeconfig", lacks, "add it, or run 'kubekey setup', which writes a context"),
        (None, false) => Line::warning(
            "kubeconfig",
            format!("the user of the context '{name}' does not run kubekey"),
            "give --context NAME; 'kubekey setup' writes a context that does",
        ),
        (None, true) if !is_settled => Line::warning(
            "kubeconfig",
            format!("the context '{name}' is not used, because settings of another source are given"),
            "give --context NAME to use those of a context",
        ),
        (None, true) => {
            Line::ok("kubeconfig", format!("the context '{name}' for the cluster '{}' at {server}", context.cluster))
        }
    }
}
