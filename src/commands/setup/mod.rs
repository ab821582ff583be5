//! `kubekey setup`: writes clusters, each with a user and a context, to the user's kubeconfig.

mod authority;
mod command_path;
mod dialog;
mod diff;
mod entries;
mod exported;
mod generated;
mod installer;
mod migration;
mod newcomer;
mod next_step;
mod offer;
mod onboarding;
mod path_completion;
mod print;
mod print_onboarding;
mod published;
mod questions;
mod removal;
mod report;
mod server;
mod settings_file;
mod sign_in;
mod system;
mod system_folder;
mod system_kubeconfig;
mod system_report;
mod wanted;
mod written;

use std::io::Write;

use crate::cli;
use crate::config::{Cluster, Flags, Layers, clusters};
use crate::environment::variable;
use crate::error::Result;
use crate::kubeconfig::{self, Contexts, Current, Entry, KnownCluster};
use crate::policy::Policy;
use crate::terminal;
use authority::take_authority;
use entries::Plugin;
pub use offer::{Offer, offer, offer_for};
use report::{Format, Report};
use sign_in::{SignIn, is_untrusted, sign_in_of, sign_ins};
pub use system::setup_system;
use written::{Written, files_of, write};

/// Checks what was given, asks for what is missing, shows the changes, writes them, reports them, and offers to sign
/// in. Questions are asked only in a terminal. Returns whether anything was changed, or would be.
///
/// # Errors
/// [`crate::error::ErrorKind::Usage`] for settings that cannot be used, `Policy` for settings that are locked or not
/// allowed, `Unreachable` if a provider does not respond, `Failed` if a kubeconfig cannot be changed; and as `login`.
pub fn setup(flags: Flags, asked: &cli::Setup, out: &mut impl Write) -> Result<bool> {
    wanted::refuse_what_is_for_others(asked)?;
    if let Some(document) = asked.print.print {
        return print::print(document, flags, asked, out).map(|()| false);
    }
    if let Some(source) = &asked.published {
        return onboarding::onboard(source, &flags, asked, out);
    }
    if asked.from.is_asked() {
        return migration::migrate(&flags, asked, out);
    }
    let format = Format::parse(asked.output.as_deref())?;
    let is_asking = terminal::is_interactive() && !asked.yes;
    let (entries, sign_in) = entries(flags, asked.clone(), is_asking)?;
    let is_shown = is_asking && !asked.dry_run;
    let (changes, backups) = change(&entries, asked, is_shown)?;
    let (is_dry_run, kubeconfig) = (asked.dry_run, asked.kubeconfig.as_deref());
    let report = Report { entries: &entries, changes: &changes, backups: &backups, is_dry_run, kubeconfig };
    report.tell(format, is_shown, out)?;
    let is_changed = !changes.is_empty();
    if is_changed && is_shown && !asked.no_login && dialog::confirm("sign in now?", true) {
        super::login(&sign_in)?;
    }
    Ok(is_changed)
}

/// The entries of each cluster, made of checked settings and files; and the flags of the first cluster's user.
fn entries(mut flags: Flags, mut asked: cli::Setup, is_asking: bool) -> Result<(Vec<[Entry; 3]>, Flags)> {
    let mut authority = take_authority(&mut flags, &asked)?;
    let policy = Policy::load()?;
    let known = known_clusters(&flags)?;
    if known.is_empty() && asked.server.is_none() {
        match Contexts::read(&files_of(&asked)?, kubeconfig::LARGEST) {
            Ok(contexts) => offer_move(&contexts, &asked),
            // Before any question: what cannot be read cannot be changed.
            Err(error) if is_asking => return Err(error),
            Err(error) => terminal::warning(&error.to_string()),
        }
    }
    if (known.is_empty() || asked.server.is_some()) && is_asking {
        let before = KnownCluster::find(&files_of(&asked)?);
        questions::complete(&mut asked, &mut authority, &mut flags, &policy, before.as_ref())?;
    }
    let mut wanted = wanted::choose(&asked, authority.as_deref(), &known)?;
    if let ([moved], true) = (&mut wanted[..], asked.server.is_some() && is_asking)
        && moved.authority.is_none()
        && kubeconfig::loses_authority(&files_of(&asked)?, &moved.name, &moved.server)?
    {
        moved.authority = questions::authority()?;
    }
    wanted
        .iter()
        .filter_map(|cluster| cluster.authority.as_ref()?.notice())
        .for_each(|copied| terminal::notice(&copied));
    wanted.iter().try_for_each(|cluster| policy.check_server(&cluster.name, &cluster.server))?;
    let secret = entries::secret(&flags, &asked)?;
    let plugin = Plugin::of(&asked)?;
    let resolve = |flags: &Flags| sign_ins(flags, &policy, &wanted);
    let sign_ins =
        if asked.offline { resolve(&flags)? } else { checked(&flags, resolve, authority.as_deref(), is_asking)? };
    let entries = wanted.iter().map(|cluster| {
        let arguments = entries::arguments(sign_in_of(&sign_ins, cluster), secret.as_deref());
        entries::entries(cluster, &plugin, arguments)
    });
    Ok((entries.collect(), sign_in_of(&sign_ins, &wanted[0]).flags.clone()))
}

/// The sign-in settings, with providers that respond. A person is asked for the CA that a provider lacks; for several
/// providers, one CA would be a guess.
fn checked(
    flags: &Flags,
    resolve: impl Fn(&Flags) -> Result<Vec<SignIn>>,
    authority: Option<&str>,
    is_asking: bool,
) -> Result<Vec<SignIn>> {
    let check = |sign_ins: &[SignIn]| sign_ins.iter().try_for_each(SignIn::check_provider);
    let sign_ins = resolve(flags)?;
    match check(&sign_ins) {
        Err(error) if is_asking && sign_ins.len() == 1 && is_untrusted(&error) => {
            let trusted = questions::provider_authority(&mut flags.clone(), &error, authority, |flags| {
                let sign_ins = resolve(flags)?;
                check(&sign_ins).map(|()| sign_ins)
            })?;
            Ok(trusted.unwrap_or(sign_ins))
        }
        checked => checked.map(|()| sign_ins),
    }
}

/// Points users of other programs to what `setup` can do for them.
fn offer_move(contexts: &Contexts, asked: &cli::Setup) {
    if let Some(Offer { programs, command }) = offer(contexts, asked.kubeconfig.as_ref()) {
        terminal::notice(&format!("users of the kubeconfig sign in with {programs}: '{command}' moves them"));
    }
}

/// The clusters of the configuration files. Warns about unknown keys in these.
fn known_clusters(flags: &Flags) -> Result<Vec<Cluster>> {
    let layers = Layers::read(flags, variable, None)?;
    layers.warn();
    let (known, unknown) = clusters(&layers.files)?;
    unknown.iter().for_each(|unknown| terminal::warning(&unknown.message()));
    Ok(known)
}

/// Writes the changes. Returns them and the paths of the backups. With `is_shown`, a person must confirm them first.
fn change(entries: &[[Entry; 3]], asked: &cli::Setup, is_shown: bool) -> Result<Written> {
    let files = files_of(asked)?;
    let current = if asked.set_current { Current::Set } else { Current::Keep };
    write(&files, asked.dry_run, is_shown, || kubeconfig::plan(&files, entries, current))
}
