//! `kubekey setup`: writes clusters, with a user and a context each, into the user's kubeconfig.

mod command_path;
mod diff;
mod entries;
mod generated;
mod print;
mod questions;
mod report;
mod server;
mod sign_in;
mod system;
mod system_kubeconfig;
mod system_report;
mod wanted;

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cli;
use crate::config::{Cluster, Flags, Layers, Policy, clusters, variable};
use crate::error::Result;
use crate::kubeconfig::{self, Change, Current, Entry, Files, Locks};
use crate::terminal;
use report::{Format, Report};
use sign_in::{SignIn, sign_in_of, sign_ins};
pub use system::setup_system;

/// Checks what was given, asks a person for what was not, changes the kubeconfig where it has to be, says what was done,
/// and offers to sign in; returns whether anything was changed, or would be.
///
/// # Errors
/// [`crate::error::ErrorKind::Usage`] for what cannot be used, `Policy` for what is locked or not allowed, `Unreachable` if a provider
/// does not answer, `Failed` if a kubeconfig cannot be changed; and as `login`.
pub fn setup(flags: Flags, asked: &cli::Setup, out: &mut impl Write) -> Result<bool> {
    if let Some(document) = asked.print.print {
        return print::print(document, flags, asked, out).map(|()| false);
    }
    let format = Format::parse(asked.output.as_deref())?;
    let (entries, sign_in) = entries(flags, asked.clone())?;
    let (changes, backups) = change(&entries, asked)?;
    let report = Report { entries: &entries, changes: &changes, backups: &backups, is_dry_run: asked.dry_run };
    report.tell(format, out)?;
    let is_changed = !changes.is_empty();
    if is_changed && !asked.dry_run && terminal::is_interactive() && questions::confirm("sign in now?") {
        super::login(&sign_in)?;
    }
    Ok(is_changed)
}

/// The entries of each cluster, of settings and files that have been found good; and the flags of the first one's user.
fn entries(mut flags: Flags, mut asked: cli::Setup) -> Result<(Vec<[Entry; 3]>, Flags)> {
    // Here the flag is the cluster's, as in `kubectl config set-cluster`; the variable is always the provider's.
    let mut authority = flags.replace("certificate-authority", &asked.issuer_certificate_authority).pop();
    let policy = Policy::load()?;
    let known = known_clusters(&flags)?;
    if (known.is_empty() || asked.server.is_some()) && terminal::is_interactive() {
        questions::complete(&mut asked, &mut authority, &mut flags)?;
    }
    let wanted = wanted::choose(&asked, authority.as_deref(), &known)?;
    wanted.iter().try_for_each(|cluster| cluster.check(&policy))?;
    let sign_ins = sign_ins(&flags, &policy, &wanted)?;
    let secret = entries::secret(&flags, &asked)?;
    let command = command_path::command(asked.command_name)?;
    if !asked.offline {
        sign_ins.iter().try_for_each(SignIn::check_provider)?;
    }
    let entries = wanted.iter().map(|cluster| {
        let arguments = entries::arguments(sign_in_of(&sign_ins, cluster), secret.as_deref());
        entries::entries(cluster, &command, arguments)
    });
    Ok((entries.collect(), sign_in_of(&sign_ins, &wanted[0]).flags.clone()))
}

/// Those of the configuration files; says at once what is misspelt in these.
fn known_clusters(flags: &Flags) -> Result<Vec<Cluster>> {
    let layers = Layers::read(flags, variable, None)?;
    layers.warn();
    let (known, unknown) = clusters(&layers.files)?;
    unknown.iter().for_each(|unknown| terminal::warning(&unknown.message()));
    Ok(known)
}

/// What had to be changed, and the copies that were made of it.
fn change(entries: &[[Entry; 3]], asked: &cli::Setup) -> Result<(Vec<Change>, Vec<Option<PathBuf>>)> {
    let files = Files::find(asked.kubeconfig.as_deref().map(Path::new))?;
    let current = if asked.set_current { Current::Set } else { Current::Keep };
    // What is only looked at needs no lock: nobody leaves a kubeconfig half written.
    if asked.dry_run {
        return Ok((kubeconfig::plan(&files, entries.as_flattened(), current)?, Vec::new()));
    }
    let locks = Locks::acquire(&files)?;
    let changes = kubeconfig::plan(&files, entries.as_flattened(), current)?;
    changes.iter().try_for_each(|change| locks.require(&change.path))?;
    let backups = changes.iter().map(kubeconfig::write).collect::<Result<_>>()?;
    Ok((changes, backups))
}
