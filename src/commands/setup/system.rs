//! `kubekey setup --system`: writes the settings for all users of a computer. Packages and fleets call it, so it asks
//! nothing and nobody, and looks into no home.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::generated::{self, Step};
use super::report::Format;
use super::server::{check_name, check_server};
use super::system_kubeconfig::Kubeconfig;
use super::system_report::Report;
use super::wanted::{read_authority, whole_paths};
use crate::access::Access;
use crate::atomic_file;
use crate::commands::config::{check_files, check_values};
use crate::config::given::{Layer, Place};
use crate::config::keys::Kind;
use crate::config::{
    Answers, Authority, Cluster, File, Flags, Policy, clusters, config_file, file, platform, variable,
};
use crate::error::{Error, ErrorKind, Result};
use crate::kubeconfig::Change;
use crate::trusted_file::{self, Owner};
use crate::{cli, terminal};

/// Writes `config.toml` and, if asked, a kubeconfig, as far as they are not as they have to be, and says what was done;
/// returns whether anything was changed, or would be.
///
/// # Errors
/// [`ErrorKind::Usage`] for what cannot be used, [`ErrorKind::Policy`] for what the policy forbids,
/// [`ErrorKind::Failed`] without root's rights, or if a file cannot be changed. Mistakes are found before anything is
/// written.
pub fn setup_system(flags: Flags, asked: &cli::Setup, out: &mut impl Write) -> Result<bool> {
    let format = Format::parse(asked.output.as_deref())?;
    let path = path()?;
    if !asked.dry_run {
        require_root()?;
    }
    let policy = Policy::load()?;
    let mut answers = answers(flags, asked)?;
    let old = read(&path)?;
    let mut keeps_secret = asked.include_client_secret;
    // A file of answers is all that there is to be. Flags and variables are a change of what there is.
    if let (None, false, Some(file)) = (&asked.answers, answers.is_empty(), parse(&path, old.as_deref())) {
        keeps_secret |= file.has_secret();
        answers.put_above(file)?;
    }
    let text = text(&path, &answers, keeps_secret, &policy)?;
    let step = step(&path, &answers, old.as_deref(), &text);
    let clusters = match &old {
        Some(old) if answers.is_empty() => clusters(&[File::parse(&path, old, Layer::System)?])?.0,
        _ => answers.clusters.clone(),
    };
    let kubeconfig = Kubeconfig::plan(&clusters, asked)?;
    let change = change(&path, step, contents(&answers, keeps_secret), old, text)?;
    let mut backups = vec![None; usize::from(change.is_some())];
    if !asked.dry_run {
        change.iter().try_for_each(|change| write(change, &path))?;
        backups.extend(kubeconfig.write()?);
    }
    let changes: Vec<_> = change.into_iter().chain(kubeconfig.changes).collect();
    let report = Report { path: &path, step, clusters: &clusters, changes: &changes, backups: &backups };
    report.tell(format, asked.dry_run, out)?;
    Ok(!changes.is_empty())
}

/// Where the settings belong.
fn path() -> Result<PathBuf> {
    let dir = platform::system_config_dirs().pop();
    dir.map(|dir| dir.join("config.toml")).ok_or_else(|| {
        Error::new(ErrorKind::Failed, "on this system kubekey does not read settings for all users yet")
            .hint("run 'kubekey setup' without --system for each user")
    })
}

#[cfg(unix)]
fn require_root() -> Result<()> {
    match rustix::process::geteuid().is_root() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Failed, "only root can write the settings for all users of this computer")
            .hint("run it with sudo, or with --dry-run to see what it would do")),
    }
}

/// There is no place to write to.
#[cfg(not(unix))]
fn require_root() -> Result<()> {
    Ok(())
}

/// What was given, all of it usable; whether the policy allows it is asked when it is the administrator's word.
fn answers(mut flags: Flags, asked: &cli::Setup) -> Result<Answers> {
    // As in `kubekey setup` the flag is the cluster's; the variable is always the provider's.
    let authority = flags.replace("certificate-authority", &whole_paths(&asked.issuer_certificate_authority)?).pop();
    let mut answers = Answers::read(asked.answers.as_deref(), &flags, variable)?;
    answers.file.iter().flat_map(|file| &file.unknown).for_each(|unknown| terminal::warning(&unknown.message()));
    check_files(answers.file.as_slice(), &Policy::default())?;
    check_values(&answers.given, |_| None, &Policy::default())?;
    if let Some(cluster) = cluster(asked, authority)? {
        answers.put(cluster);
    }
    for cluster in &answers.clusters {
        if let Some(file) = cluster.certificate_authority.as_ref().filter(|file| !Path::new(file).is_file()) {
            terminal::warning(&format!("cluster '{}': there is no file {file} yet", cluster.name));
        }
    }
    Ok(answers)
}

/// The cluster of the flags.
fn cluster(asked: &cli::Setup, authority: Option<String>) -> Result<Option<Cluster>> {
    let (Some(name), Some(server)) = (&asked.cluster, &asked.server) else {
        let rest = [&asked.cluster, &asked.server, &authority, &asked.namespace, &asked.context];
        return match rest.into_iter().all(Option::is_none) {
            true => Ok(None),
            false => {
                let missing = if asked.server.is_none() { "--server" } else { "--cluster" };
                Err(Error::new(
                    ErrorKind::Usage,
                    format!("a cluster has a name and a server, and {missing} is missing"),
                )
                .hint("give both; the provider's CA is --issuer-certificate-authority here"))
            }
        };
    };
    let name_of = |flag, text: &Option<String>| text.as_ref().map(|text| check_name(flag, text)).transpose();
    let authority = match authority.as_deref().map(read_authority).transpose()? {
        Some(Authority::File(path)) => Some(path.to_string_lossy().into_owned()),
        _ => None,
    };
    Ok(Some(Cluster {
        name: check_name("cluster", name)?,
        server: check_server(server)?,
        certificate_authority: authority,
        certificate_authority_data: None,
        profile: None,
        namespace: name_of("namespace", &asked.namespace)?,
        context: name_of("context", &asked.context)?,
        place: Place { path: Rc::from(Path::new("the command line")), text: Rc::from(""), offset: 0 },
    }))
}

/// What is in the file now, as far as it can be understood; what cannot is kept as it is.
fn parse(path: &Path, text: Option<&str>) -> Option<File> {
    let file = File::parse(path, text?, Layer::System).ok()?;
    clusters(std::slice::from_ref(&file)).is_ok().then_some(file)
}

/// The text for the file, which kubekey will be able to use.
fn text(path: &Path, answers: &Answers, keeps_secret: bool, policy: &Policy) -> Result<String> {
    if answers.has_secret() && !keeps_secret {
        terminal::warning(&format!(
            "the client secret is left out, since all users of this computer can read {}: \
             give client_secret_file, or ask for it with --include-client-secret",
            path.display()
        ));
    }
    let text = generated::signed(&config_file(answers, keeps_secret));
    check_files(&[File::parse(path, &text, Layer::System)?], policy)?;
    Ok(text)
}

/// Who gives no answers wants a file to be there, and that one as it is. A link was made by the administrator, too.
fn step(path: &Path, answers: &Answers, old: Option<&str>, text: &str) -> Step {
    match generated::step(old, text) {
        _ if answers.is_empty() && old.is_some() => Step::Nothing,
        Step::Write if path.is_symlink() => Step::WriteBeside,
        step => step,
    }
}

/// What has to be written, with these contents in words.
fn change(path: &Path, step: Step, contents: String, old: Option<String>, text: String) -> Result<Option<Change>> {
    let (path, before, action) = match step {
        Step::Nothing | Step::Keep => return Ok(None),
        Step::Write => (path.to_owned(), old, contents),
        Step::WriteBeside => {
            let beside = path.with_extension("toml.new");
            let is_like = matches!((Access::of(&beside), Access::of(path)), (Ok(new), Ok(old)) if new.is_like(&old));
            let before = read(&beside)?.filter(|_| is_like && !beside.is_symlink());
            (beside, before, format!("{} was changed by hand and is kept", path.display()))
        }
    };
    let is_there = before.as_ref() == Some(&text);
    Ok((!is_there).then(|| Change { path, before, after: text, actions: vec![action] }))
}

const NOTHING_SET: &str = "nothing is set in it yet; fill in issuer_url and client_id, \
     or run 'kubekey setup --system --issuer-url URL --client-id ID'";

fn contents(answers: &Answers, keeps_secret: bool) -> String {
    if answers.is_empty() {
        return NOTHING_SET.to_owned();
    }
    let settings = answers.settings().filter(|value| keeps_secret || value.key.kind != Kind::Secret).count();
    let (profiles, clusters) = (answers.profiles().len(), answers.clusters.len());
    format!("settings: {settings}, profiles: {profiles}, clusters: {clusters}")
}

/// The text of a file, as far as it is one; `None` if there is no file.
fn read(path: &Path) -> Result<Option<String>> {
    let text = atomic_file::read(path).map_err(|error| failed(path, &error))?;
    Ok(text.map(|text| String::from_utf8_lossy(&text).into_owned()))
}

/// Whoever may read the file may read the one beside it, and nobody else: both may have a client secret.
fn write(change: &Change, path: &Path) -> Result<()> {
    let old = Access::of(path).ok();
    let written = atomic_file::publish(&change.path, change.after.as_bytes(), old.as_ref());
    atomic_file::remove_remains(&change.path);
    written.map_err(|error| failed(&change.path, &error))?;
    trusted_file::read(&change.path, Owner::System, file::LARGEST).map(drop).map_err(|error| {
        let message = format!("{} is written, and no run would believe it: {error}", change.path.display());
        Error::new(ErrorKind::Failed, message).hint("mend that: until then every run of kubekey fails on this computer")
    })
}

fn failed(path: &Path, error: &io::Error) -> Error {
    Error::new(ErrorKind::Failed, format!("{} cannot be written: {error}", path.display()))
        .hint("the file is as it was; mend or remove what is in the way, and run it again")
}
