//! For those who come from another program: the command that moves them to kubekey.

use std::path::Path;

use super::newcomer::{Newcomer, Program};
use crate::cli::From;
use crate::kubeconfig::{Contexts, of_file};
use crate::policy::Policy;

/// What can be moved, and how.
pub struct Offer {
    /// The programs that the users sign in with now.
    pub programs: String,
    /// The command that moves the users.
    pub command: String,
}

/// The offer for the users of a kubeconfig; `None` if none of them can be moved.
pub fn offer(contexts: &Contexts, kubeconfig: Option<impl AsRef<Path>>) -> Option<Offer> {
    offer_for(contexts, kubeconfig, |_| true)
}

/// The offer for the users of this name.
pub fn offer_for(
    contexts: &Contexts,
    kubeconfig: Option<impl AsRef<Path>>,
    is_meant: impl Fn(&str) -> bool,
) -> Option<Offer> {
    let policy = Policy::load().ok()?;
    let mut programs = Vec::new();
    for (_, user) in contexts.users().into_iter().filter(|(name, _)| is_meant(name)) {
        let program = Program::of(user, From { from_kubelogin: true, from_original: true, from_auth_provider: true });
        let program = program.filter(|program| Newcomer::of(user, *program, &policy).is_ok());
        programs.extend(program.filter(|program| !programs.contains(program)));
    }
    let flags: String = programs.iter().map(|program| format!(" --{}", program.flag())).collect();
    let names: Vec<_> = programs.iter().map(|program| program.name()).collect();
    let command = format!("kubekey setup{flags}{}", of_file(kubeconfig));
    (!programs.is_empty()).then(|| Offer { programs: names.join(" or "), command })
}
