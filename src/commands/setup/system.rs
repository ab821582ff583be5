//! `kubekey setup --system`: writes the settings for all users of a machine. Packages and fleet management run it, so
//! it asks no questions and reads no home directory.

use std::io::{self, Write};
use std::path::Path;

use super::authority::{check_authorities, read_authority, take_authority, warn_of_authorities};
use super::generated::{self, SYSTEM, Step};
use super::installer;
use super::next_step::next_step;
use super::removal::remove;
use super::report::Format;
use super::server::{check_name, check_server};
use super::settings_file::SettingsFile;
use super::system_kubeconfig::Kubeconfig;
use super::system_report::Report;
use super::wanted::refuse_what_is_for_others;
use crate::access::Access;
use crate::atomic_file;
use crate::commands::config::check_files;
use crate::commands::config::check_values;
use crate::commands::config::{Answers, config_file};
use crate::config::place::Place;
use crate::config::{Cluster, File, Flags, clusters, file};
use crate::encoding::Encoding;
use crate::environment::variable;
use crate::error::{Error, ErrorKind, Result};
use crate::kubeconfig::Change;
use crate::policy::Policy;
use crate::trusted_file;
use crate::{cli, terminal};

/// Writes `config.toml`, and a kubeconfig if requested, unless they are up to date, and reports what was done. Returns
/// whether anything was changed, or would be.
///
/// # Errors
/// [`ErrorKind::Usage`] for settings that cannot be used, [`ErrorKind::Policy`] for settings that the policy does not
/// allow, [`ErrorKind::Failed`] without root's rights, or if a file cannot be changed. Everything is checked before
/// anything is written.
pub fn setup_system(flags: Flags, asked: &cli::Setup, out: &mut impl Write) -> Result<bool> {
    refuse_what_is_for_others(asked)?;
    let file = SettingsFile::of(asked)?;
    if asked.remove {
        return remove(&file.path);
    }
    let (flags, asked) = &installer::given(flags, asked)?;
    let format = Format::parse(asked.output.as_deref())?;
    if !asked.dry_run {
        file.require_rights()?;
    }
    let policy = Policy::load()?;
    let mut answers = answers(flags.clone(), asked, &file)?;
    let old = read(&file.path)?;
    let mut keeps_secret = asked.include_client_secret;
    // An answers file replaces the existing settings. Flags and variables without one change them.
    if let (None, false, Some(old)) = (&asked.answers, answers.is_empty(), parse(&file, old.as_deref())) {
        keeps_secret |= old.has_secret();
        answers.put_above(old)?;
    }
    file.require_profile(&answers)?;
    let text = text(&file, &answers, keeps_secret, &policy)?;
    let step = step(&file.path, &answers, old.as_deref(), &text);
    let clusters = match &old {
        Some(old) if answers.is_empty() => clusters(&[file.parse(old)?])?.0,
        _ => answers.clusters.clone(),
    };
    let kubeconfig = Kubeconfig::plan(&clusters, asked)?;
    let change = change(&file.path, step, contents(&file, &answers, keeps_secret), old, text)?;
    let mut backups = vec![None; usize::from(change.is_some())];
    if !asked.dry_run {
        change.iter().try_for_each(|change| write(change, &file))?;
        backups.extend(kubeconfig.write()?);
    }
    let changes: Vec<_> = change.into_iter().chain(kubeconfig.changes).collect();
    let next = next_step(&file, &clusters, asked.kubeconfig.as_deref());
    let report = Report { path: &file.path, step, clusters: &clusters, changes: &changes, backups: &backups, next };
    report.tell(format, asked.dry_run, out)?;
    Ok(!changes.is_empty())
}

/// The given settings, checked without the policy. The policy is checked in [`text`], where they are settings of the
/// system's file.
fn answers(mut flags: Flags, asked: &cli::Setup, file: &SettingsFile) -> Result<Answers> {
    let authority = take_authority(&mut flags, asked)?;
    let mut answers = Answers::read(asked.answers.as_deref(), file.variables(), &flags, variable)?;
    answers.file.iter().flat_map(|file| &file.unknown).for_each(|unknown| terminal::warning(&unknown.message()));
    check_files(answers.file.as_slice(), &Policy::default())?;
    check_values(&answers.given, |_| None, &Policy::default())?;
    check_authorities(&answers)?;
    if let Some(cluster) = cluster(asked, authority)? {
        answers.put(cluster);
    }
    warn_of_authorities(&answers, file.is_for_all_users());
    Ok(answers)
}

/// The cluster that the flags describe.
fn cluster(asked: &cli::Setup, authority: Option<String>) -> Result<Option<Cluster>> {
    let (Some(name), Some(server)) = (&asked.cluster, &asked.server) else {
        let rest = [&asked.cluster, &asked.server, &authority, &asked.namespace, &asked.context];
        return match rest.into_iter().all(Option::is_none) {
            true => Ok(None),
            false => {
                let missing = if asked.server.is_none() { "--server" } else { "--cluster" };
                Err(Error::new(
                    ErrorKind::Usage,
                    format!("a cluster needs a name and a server, and {missing} is missing"),
                )
                .hint("give both; for the provider's CA use --issuer-certificate-authority"))
            }
        };
    };
    let name_of = |flag, text: &Option<String>| text.as_ref().map(|text| check_name(flag, text)).transpose();
    // Only the path is written: each user's `kubekey setup` reads the file.
    let authority = authority.as_deref().map(read_authority).transpose()?.and_then(|authority| authority.path);
    Ok(Some(Cluster {
        name: check_name("cluster", name)?,
        server: check_server(server)?,
        certificate_authority: authority,
        certificate_authority_data: None,
        profile: None,
        namespace: name_of("namespace", &asked.namespace)?,
        context: name_of("context", &asked.context)?,
        place: Place::start_of(Path::new("the command line"), ""),
    }))
}

/// The existing file, if it can be parsed; one that cannot be parsed is not overwritten.
fn parse(file: &SettingsFile, text: Option<&str>) -> Option<File> {
    let file = file.parse(text?).ok()?;
    clusters(std::slice::from_ref(&file)).is_ok().then_some(file)
}

/// The new text of the file, checked so that kubekey can use it.
fn text(file: &SettingsFile, answers: &Answers, keeps_secret: bool, policy: &Policy) -> Result<String> {
    if answers.has_secret() && !keeps_secret {
        terminal::warning(&format!(
            "the client secret is left out, since all users of this machine can read {}: \
             give client_secret_file, or ask for it with --include-client-secret",
            file.path.display()
        ));
    }
    let text = generated::signed(SYSTEM, &config_file(answers, keeps_secret));
    check_files(&[file.parse(&text)?], policy)?;
    Ok(text)
}

/// Without answers, only a missing file is written. A symbolic link counts as edited, because the administrator made
/// it.
fn step(path: &Path, answers: &Answers, old: Option<&str>, text: &str) -> Step {
    match generated::step(SYSTEM, old, text) {
        _ if answers.is_empty() && old.is_some() => Step::Nothing,
        Step::Write if path.is_symlink() => Step::WriteBeside,
        step => step,
    }
}

/// The change to write; `contents` is its description.
fn change(path: &Path, step: Step, contents: String, old: Option<String>, text: String) -> Result<Option<Change>> {
    let (path, before, action) = match step {
        Step::Nothing | Step::Keep => return Ok(None),
        Step::Write => (path.to_owned(), old, contents),
        Step::WriteBeside => {
            let beside = path.with_extension("toml.new");
            let is_like = matches!((Access::of(&beside), Access::of(path)), (Ok(new), Ok(old)) if new.is_like(&old));
            let before = read(&beside)?.filter(|_| is_like && !beside.is_symlink());
            (beside, before, format!("{} was edited and is not overwritten", path.display()))
        }
    };
    let is_there = before.as_ref() == Some(&text);
    Ok((!is_there).then(|| Change {
        path,
        before,
        after: text,
        encoding: Encoding::Utf8,
        actions: vec![action],
        moved: Vec::new(),
        repointed: Vec::new(),
        secrets: Vec::new(),
    }))
}

fn contents(file: &SettingsFile, answers: &Answers, keeps_secret: bool) -> String {
    if answers.is_empty() {
        let command = file.command_with("--issuer-url URL --client-id ID");
        return format!("nothing is set in it yet; fill in issuer_url and client_id, or run '{command}'");
    }
    let settings = answers.settings().filter(|value| keeps_secret || !value.key.kind.is_secret()).count();
    let counts = [("settings", settings), ("profiles", answers.profiles().len()), ("clusters", answers.clusters.len())];
    let counts = counts.into_iter().filter(|(_, count)| *count > 0).map(|(what, count)| format!("{what}: {count}"));
    let counts: Vec<_> = counts.collect();
    if counts.is_empty() { "nothing is set in it".to_owned() } else { counts.join(", ") }
}

/// The text of a file, with invalid UTF-8 replaced; `None` if there is no file.
fn read(path: &Path) -> Result<Option<String>> {
    let text = atomic_file::read(path, file::LARGEST).map_err(|error| failed(path, &error))?;
    Ok(text.map(|text| String::from_utf8_lossy(&text).into_owned()))
}

/// The written file gets the access rights of the existing settings, even if it is the one beside them: both may have a
/// client secret.
fn write(change: &Change, file: &SettingsFile) -> Result<()> {
    file.prepare_folder()?;
    let old = Access::of(&file.path).ok();
    atomic_file::publish(&change.path, change.after.as_bytes(), old.as_ref())
        .map_err(|error| failed(&change.path, &error))?;
    file.require_trusted(&change.path).map_err(|error| {
        let message = format!("{} was written, but kubekey rejects it: {error}", change.path.display());
        Error::new(ErrorKind::Failed, message)
            .hint("fix that: until then every run of kubekey on this machine fails")
            .commands(trusted_file::commands(&error).iter().cloned())
    })
}

fn failed(path: &Path, error: &io::Error) -> Error {
    Error::new(ErrorKind::Failed, format!("{} cannot be written: {error}", path.display()))
        .hint("the file was not changed; fix the cause and run the command again")
}
