//! `kubekey setup`: writes clusters, with a user and a context each, into the user's kubeconfig.

mod command_path;
mod diff;
mod entries;
mod generated;
mod report;
mod server;
mod sign_in;
mod system;
mod system_kubeconfig;
mod system_report;
mod wanted;

use std::io::Write;
use std::path::Path;

use crate::cli;
use crate::config::{Flags, Layers, Policy, clusters, variable};
use crate::error::Result;
use crate::kubeconfig::{self, Current, Entry, Files, Locks};
use crate::terminal;
use report::{Format, Report};
use sign_in::{SignIn, sign_in_of, sign_ins};
pub use system::setup_system;

/// Checks what was given, changes the kubeconfig where it has to be, and says what was done; returns whether anything
/// was changed, or would be.
///
/// # Errors
/// [`crate::error::ErrorKind::Usage`] for what cannot be used, `Policy` for what is locked or not allowed,
/// `Unreachable` if a provider does not answer, `Failed` if a kubeconfig cannot be changed.
pub fn setup(flags: Flags, asked: &cli::Setup, out: &mut impl Write) -> Result<bool> {
    let format = Format::parse(asked.output.as_deref())?;
    let entries = entries(flags, asked)?;
    let files = Files::find(asked.kubeconfig.as_deref().map(Path::new))?;
    let current = if asked.set_current { Current::Set } else { Current::Keep };
    // What is only looked at needs no lock: nobody leaves a kubeconfig half written.
    let locks = if asked.dry_run { None } else { Some(Locks::acquire(&files)?) };
    let changes = kubeconfig::plan(&files, entries.as_flattened(), current)?;
    changes.iter().try_for_each(|change| locks.as_ref().map_or(Ok(()), |locks| locks.require(&change.path)))?;
    let mut backups = Vec::new();
    for change in changes.iter().filter(|_| !asked.dry_run) {
        backups.push(kubeconfig::write(change)?);
    }
    let report = Report { entries: &entries, changes: &changes, backups: &backups, is_dry_run: asked.dry_run };
    report.tell(format, out)?;
    Ok(!changes.is_empty())
}

/// The entries of each cluster, of settings and files that have been found good.
fn entries(mut flags: Flags, asked: &cli::Setup) -> Result<Vec<[Entry; 3]>> {
    // Here the flag is the cluster's, as in `kubectl config set-cluster`; the variable is always the provider's.
    let authority = flags.replace("certificate-authority", &asked.issuer_certificate_authority).pop();
    let policy = Policy::load()?;
    let layers = Layers::read(&flags, variable, None)?;
    layers.warn();
    let (known, unknown) = clusters(&layers.files)?;
    unknown.iter().for_each(|unknown| terminal::warning(&unknown.message()));
    let wanted = wanted::choose(asked, authority.as_deref(), &known)?;
    wanted.iter().try_for_each(|cluster| cluster.check(&policy))?;
    let sign_ins = sign_ins(&flags, &policy, &wanted)?;
    let secret = flags.replace("client-secret", &[]).pop().or_else(|| variable("KUBEKEY_CLIENT_SECRET"));
    let secret = secret.filter(|secret| !secret.is_empty());
    entries::require_no_secret(secret.is_some(), asked)?;
    let command = command_path::command(asked.command_name)?;
    if !asked.offline {
        sign_ins.iter().try_for_each(SignIn::check_provider)?;
    }
    let entries = wanted.iter().map(|cluster| {
        let arguments = entries::arguments(sign_in_of(&sign_ins, cluster), secret.as_deref());
        entries::entries(cluster, &command, arguments)
    });
    Ok(entries.collect())
}
