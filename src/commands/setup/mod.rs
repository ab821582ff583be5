//! `kubekey setup`: writes a cluster, its user and its context into the user's kubeconfig.

mod command_path;
mod diff;
mod entries;
mod generated;
mod report;
mod server;
mod system;
mod system_kubeconfig;
mod system_report;

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cli;
use crate::config::{Flags, Settings, Tls, variable};
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop;
use crate::kubeconfig::{self, Current, Files, Locks};
use crate::oidc::Provider;
use report::{Format, Report};
pub use system::setup_system;

/// Checks what was given, changes the kubeconfig where it has to be, and says what was done; returns whether anything
/// was changed, or would be.
///
/// # Errors
/// [`ErrorKind::Usage`] for what cannot be used, [`ErrorKind::Policy`] for what is locked,
/// [`ErrorKind::Unreachable`] if the provider does not answer, [`ErrorKind::Failed`] if a kubeconfig cannot be changed.
pub fn setup(flags: Flags, asked: &cli::Setup, out: &mut impl Write) -> Result<bool> {
    let format = Format::parse(asked.output.as_deref())?;
    let entries = wanted(flags, asked)?;
    let files = Files::find(asked.kubeconfig.as_deref().map(Path::new))?;
    let current = if asked.set_current { Current::Set } else { Current::Keep };
    // What is only looked at needs no lock: nobody leaves a kubeconfig half written.
    let locks = if asked.dry_run { None } else { Some(Locks::acquire(&files)?) };
    let changes = kubeconfig::plan(&files, &entries, current)?;
    changes.iter().try_for_each(|change| locks.as_ref().map_or(Ok(()), |locks| locks.require(&change.path)))?;
    let mut backups = Vec::new();
    for change in changes.iter().filter(|_| !asked.dry_run) {
        backups.push(kubeconfig::write(change)?);
    }
    let report = Report { entries: &entries, changes: &changes, backups: &backups, is_dry_run: asked.dry_run };
    report.tell(format, out)?;
    Ok(!changes.is_empty())
}

/// The entries, of settings and files that have been found good.
fn wanted(mut flags: Flags, asked: &cli::Setup) -> Result<[kubeconfig::Entry; 3]> {
    // Here the flag is the cluster's, as in `kubectl config set-cluster`; the variable is always the provider's.
    let authority = flags.replace("certificate-authority", &asked.issuer_certificate_authority).pop();
    let settings = super::settings(&flags)?;
    let secret = flags.replace("client-secret", &[]).pop().or_else(|| variable("KUBEKEY_CLIENT_SECRET"));
    let secret = secret.filter(|secret| !secret.is_empty());
    entries::require_no_secret(secret.is_some(), asked)?;
    let authority = authority.as_deref().map(read_authority).transpose()?;
    let arguments = entries::arguments(&settings, flags, secret.as_deref());
    let entries = entries::entries(arguments, asked, authority.as_deref())?;
    if !asked.offline {
        event_loop::run(check_provider(&settings))?;
    }
    Ok(entries)
}

/// The cluster's certificate authority by its whole path: kubectl takes another one from the kubeconfig's folder.
fn read_authority(text: &str) -> Result<PathBuf> {
    let path = std::path::absolute(text).map_err(|error| {
        Error::new(ErrorKind::Usage, format!("--certificate-authority '{text}' cannot be used: {error}"))
    })?;
    Tls::of_file(path.clone()).certificates()?;
    Ok(path)
}

/// Asks the provider itself, whatever is in the cache.
async fn check_provider(settings: &Settings) -> Result<()> {
    let unchecked = |error: Error| match error.kind() {
        ErrorKind::Unreachable => error.hint("check the issuer URL and the network, or skip this check with --offline"),
        _ => error,
    };
    Provider::discover(settings).await.map_err(unchecked)?.renew().await.map_err(unchecked)
}
