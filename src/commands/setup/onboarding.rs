//! `kubekey setup --from`: takes over what a platform team published, into the user's configuration and kubeconfig, after
//! the user has seen it. A later run updates what this one wrote.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::super::login;
use super::dialog;
use super::entries::{self, Plugin};
use super::generated::{self, ONBOARDING, Step};
use super::published::Published;
use super::report::{Format, Report, confirm};
use super::sign_in::{SignIn, is_untrusted, sign_in_of};
use super::wanted::{self, Wanted};
use super::written::{Written, files_of, require_same, write};
use crate::access::Access;
use crate::cli;
use crate::commands::config::short_file;
use crate::config::given::{Given, Layer};
use crate::config::layers::merge;
use crate::config::{File, Flags, Layers, file, platform};
use crate::encoding::Encoding;
use crate::error::{Error, ErrorKind, Result};
use crate::foreign::require_own_ground;
use crate::kubeconfig::{self, Change, Current, Entry};
use crate::policy::Policy;
use crate::{atomic_file, terminal};

/// The settings of the machine that are sent to the issuer, and may be secret.
const SECRETS: [&str; 3] = ["client-secret", "client-secret-file", "request-header"];

/// Shows what the file says, asks once, writes both files, and offers to sign in. Returns whether anything was changed,
/// or would be.
///
/// # Errors
/// As [`Published::read`] and as `setup`; [`ErrorKind::Failed`] if the user has a configuration of their own.
pub fn onboard(source: &str, flags: &Flags, asked: &cli::Setup, out: &mut impl Write) -> Result<bool> {
    refuse_settings(flags)?;
    let format = Format::parse(asked.output.as_deref())?;
    let is_shown = terminal::is_interactive() && !asked.yes && !asked.dry_run;
    if !(is_shown || asked.yes || asked.dry_run) {
        let message = "what a file says is written after a person has seen it, and this is no terminal";
        return Err(Error::new(ErrorKind::Usage, message).hint("--dry-run shows it, and --yes writes it"));
    }
    let policy = Policy::load()?;
    let published = Published::read(source, &policy)?;
    let path = own_file()?;
    let settings = settings_change(&path, source, &published)?;
    let wanted = wanted::all(&published.clusters)?;
    wanted.iter().try_for_each(|cluster| policy.check_server(&cluster.name, &cluster.server))?;
    let sign_ins = sign_ins(&path, published, &policy, &wanted)?;
    if !asked.offline {
        sign_ins.iter().try_for_each(SignIn::check_provider).map_err(without_flag)?;
    }
    tell(source, &wanted, &sign_ins);
    let plugin = Plugin::of(asked)?;
    let entry =
        |cluster: &Wanted| entries::entries(cluster, &plugin, entries::arguments(sign_in_of(&sign_ins, cluster), None));
    let entries: Vec<_> = wanted.iter().map(entry).collect();
    let (changes, backups) = change(settings, &entries, asked, is_shown)?;
    let (is_dry_run, kubeconfig) = (asked.dry_run, asked.kubeconfig.as_deref());
    let report = Report { entries: &entries, changes: &changes, backups: &backups, is_dry_run, kubeconfig };
    report.tell(format, is_shown, out)?;
    if !changes.is_empty() && is_shown && !asked.no_login && dialog::confirm("sign in now?", true) {
        login(&sign_in_of(&sign_ins, &wanted[0]).flags)?;
    }
    Ok(!changes.is_empty())
}

/// The hint for a CA that is missing, since neither the file nor a flag may name one.
fn without_flag(error: Error) -> Error {
    if is_untrusted(&error) {
        return error.hint("if it is your company's CA, add it to the system's trust store");
    }
    error
}

/// All of the settings come from the file.
fn refuse_settings(flags: &Flags) -> Result<()> {
    match flags.0.first() {
        None => Ok(()),
        Some((key, _)) => Err(Error::new(ErrorKind::Usage, format!("--{} has no effect with --from", key.flag))
            .hint("remove it: all settings come from that file")),
    }
}

/// The user's configuration: the one that is there, or the first place for one.
fn own_file() -> Result<PathBuf> {
    let paths: Vec<_> = platform::user_config_dirs().into_iter().map(|dir| dir.join("config.toml")).collect();
    let there = paths.iter().find(|path| path.symlink_metadata().is_ok()).or(paths.first());
    there
        .cloned()
        .ok_or_else(|| Error::new(ErrorKind::Failed, "no folder for your configuration was found").hint("set HOME"))
}

/// The change of the user's configuration. A file that kubekey did not write is not overwritten.
fn settings_change(path: &Path, source: &str, published: &Published) -> Result<Option<Change>> {
    let failed = |why: &str| Error::new(ErrorKind::Failed, format!("{} {why}", path.display()));
    let old = atomic_file::read(path, file::LARGEST)
        .map_err(|error| failed(&format!("cannot be read: {error}")).hint("fix that, and run the command again"))?;
    let old = old.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let Published { file, clusters } = published;
    let text = generated::signed(ONBOARDING, &short_file(&file.values, &file.profiles, clusters));
    let step = generated::step(ONBOARDING, old.as_deref(), &text);
    match step {
        Step::Nothing | Step::Keep => return Ok(None),
        Step::Write if !path.is_symlink() => {}
        Step::Write | Step::WriteBeside => {
            return Err(failed("is your own, or was edited, and is not overwritten")
                .hint("move it away and run the command again, or add to it what the published file has"));
        }
    }
    let (profiles, clusters) = (file.profiles.len(), clusters.len());
    let action = format!("settings of {source}: profiles: {profiles}, clusters: {clusters}");
    Ok(Some(Change {
        path: path.to_owned(),
        before: old,
        after: text,
        encoding: Encoding::Utf8,
        actions: vec![action],
        moved: Vec::new(),
        repointed: Vec::new(),
        secrets: Vec::new(),
    }))
}

/// The sign-in settings of each profile, as they will be when the user's configuration at `path` is replaced.
fn sign_ins(path: &Path, published: Published, policy: &Policy, wanted: &[Wanted]) -> Result<Vec<SignIn>> {
    let mut files = Layers::read(&Flags::default(), |_| None, None).map(|layers| layers.files).unwrap_or_default();
    files.retain(|file: &File| *file.start.path != *path);
    files.push(published.file);
    let mut sign_ins: Vec<SignIn> = Vec::new();
    for cluster in wanted {
        if sign_ins.iter().any(|known| known.is_of(cluster)) {
            continue;
        }
        let mut flags = Flags::default();
        flags.replace("profile", cluster.profile.as_slice());
        let above = flags.values().collect();
        let given = merge(&files, above)?;
        refuse_secret_of_other(&given)?;
        sign_ins.push(SignIn::of_given(flags, given, policy, cluster.profile.clone())?);
    }
    Ok(sign_ins)
}

/// The administrator's secrets are for the administrator's issuer, and would be sent to the one of the published file.
fn refuse_secret_of_other(given: &Given) -> Result<()> {
    let is_new_issuer = given.first_layer("issuer-url") == Some(Layer::User);
    match SECRETS.iter().find_map(|flag| given.value(flag)).filter(|_| is_new_issuer) {
        None => Ok(()),
        Some(value) => {
            let message = format!("{} is for another issuer than that of the file", value.origin.label(value.key));
            Err(Error::new(ErrorKind::Usage, message).hint("ask your administrator which of both is right"))
        }
    }
}

/// Says what a yes would mean: where the user will sign in, and which servers will get the tokens.
fn tell(source: &str, wanted: &[Wanted], sign_ins: &[SignIn]) {
    terminal::notice(&format!("{source} sets up:"));
    for cluster in wanted {
        let settings = &sign_in_of(sign_ins, cluster).settings;
        let (issuer, client) = (settings.issuer_url.as_str(), settings.client_id.as_str());
        terminal::notice(&format!(
            "context '{}': server {}, sign-in at {issuer} as client '{client}'",
            cluster.context, cluster.server
        ));
    }
}

/// Writes the configuration, then the kubeconfig, which needs its profiles; a person must confirm both at once.
fn change(settings: Option<Change>, entries: &[[Entry; 3]], asked: &cli::Setup, is_shown: bool) -> Result<Written> {
    let files = files_of(asked)?;
    let current = if asked.set_current { Current::Set } else { Current::Keep };
    let plan = || kubeconfig::plan(&files, entries, current);
    let shown = plan()?;
    let mut changes: Vec<_> = settings.into_iter().collect();
    let count = changes.len();
    changes.extend(shown);
    if is_shown {
        confirm(&changes)?;
    }
    let shown = changes.split_off(count);
    if !asked.dry_run {
        changes.iter().try_for_each(write_settings)?;
    }
    let plan = || plan().and_then(|now| require_same(&shown, &now).map(|()| now));
    let written = write(&files, asked.dry_run, false, plan);
    let (of_kubeconfig, of_backups) = written.inspect_err(|_| {
        if !asked.dry_run {
            changes.iter().for_each(undo_settings);
        }
    })?;
    changes.extend(of_kubeconfig);
    let mut backups = vec![None; count];
    backups.extend(of_backups);
    Ok((changes, backups))
}

/// Without the kubeconfig nothing of the file holds.
fn undo_settings(change: &Change) {
    let undone = match &change.before {
        Some(before) => atomic_file::replace(&change.path, before.as_bytes(), Access::of(&change.path).ok().as_ref()),
        None => std::fs::remove_file(&change.path),
    };
    if let Err(error) = undone {
        terminal::warning(&format!("{} was written and cannot be undone: {error}", change.path.display()));
    }
}

fn write_settings(change: &Change) -> Result<()> {
    let path = &change.path;
    let now = atomic_file::read(path, file::LARGEST).ok().flatten();
    if now.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()) != change.before {
        let message = format!("nothing was written: {} has changed in the meantime", path.display());
        return Err(Error::new(ErrorKind::Failed, message).hint("run the command again to see the new changes"));
    }
    let write = || {
        require_own_ground(path)?;
        path.parent().map(atomic_file::create_private_dir).transpose()?;
        atomic_file::replace(path, change.after.as_bytes(), Access::of(path).ok().as_ref())
    };
    write().map_err(|error| {
        Error::new(ErrorKind::Failed, format!("{} cannot be written: {error}", path.display()))
            .hint("nothing was written; fix the cause and run the command again")
    })
}
