//! `kubekey setup --print onboarding`: the file that `kubekey setup --from` takes over elsewhere, made of the clusters
//! that are set up here.

use super::authority::Trust;
use super::published::{Published, is_allowed};
use crate::cli::flags_of;
use crate::commands::config::short_file;
use crate::config::given::Value;
use crate::config::layers::merge;
use crate::config::place::Place;
use crate::config::{Cluster, Layers, clusters};
use crate::config::{File, Flags};
use crate::error::{Error, ErrorKind, Result};
use crate::kubeconfig::{self, Context, Contexts, Files};
use crate::policy::Policy;
use crate::settings::Authority;
use crate::terminal;

/// Settings, profiles and clusters of the file.
type Parts = (Vec<Value>, Vec<(String, Vec<Value>)>, Vec<Cluster>);

/// Its text: the clusters of the configuration files, or else those of the kubeconfig's contexts that run kubekey. Warns
/// of settings that such a file may not have.
///
/// # Errors
/// [`ErrorKind::Usage`] if there are no clusters, or a file cannot be used.
pub fn onboarding_file() -> Result<String> {
    // A policy with a mistake stops every run.
    Policy::load()?;
    let files = Layers::read(&Flags::default(), |_| None, None)?.files;
    let known = clusters(&files)?.0;
    let parts = if known.is_empty() { of_kubeconfig(&files)? } else { of_files(&files, known)? };
    let (settings, profiles, mut clusters) = parts;
    if clusters.is_empty() {
        return Err(Error::new(ErrorKind::Usage, "no cluster is set up here")
            .hint("run 'kubekey setup' first, or describe [[clusters]] in a configuration file"));
    }
    clusters.iter_mut().try_for_each(embed_authority)?;
    let settings = allowed(settings, "");
    let profiles: Vec<_> = profiles
        .into_iter()
        .map(|(name, values)| {
            let allowed = allowed(values, &format!(" of profile '{name}'"));
            (name, allowed)
        })
        .collect();
    let text = short_file(&settings, &profiles, &clusters);
    // What `--from` would refuse must not be printed.
    Published::parse("the printed file", &text)?;
    Ok(text.trim_end().to_owned())
}

/// The values that such a file may have; the others are named.
fn allowed(values: Vec<Value>, whose: &str) -> Vec<Value> {
    let (allowed, others): (Vec<_>, Vec<_>) = values.into_iter().partition(is_allowed);
    for other in others {
        terminal::warning(&format!("{}{whose} is left out: a published file cannot have it", other.key.name()));
    }
    allowed
}

fn of_files(files: &[File], clusters: Vec<Cluster>) -> Result<Parts> {
    let given = merge(files, Vec::new())?;
    let wins = |value: &&Value| {
        let is_of_file = files.iter().flat_map(|file| &file.values).any(|one| one.key.flag == value.key.flag);
        is_of_file && given.value(value.key.flag).is_some_and(|wins| std::ptr::eq(wins, *value))
    };
    let settings = given.values().iter().filter(wins).cloned().collect();
    let mut profiles: Vec<(String, Vec<Value>)> = Vec::new();
    for name in clusters.iter().filter_map(|cluster| cluster.profile.clone()) {
        if profiles.iter().all(|(known, _)| *known != name) {
            let all = files.iter().flat_map(|file| &file.profiles).filter(|(known, _)| *known == name);
            profiles.push((name.clone(), last_of_each(all.flat_map(|(_, values)| values.clone()).collect())));
        }
    }
    Ok((settings, profiles, clusters))
}

/// The last value of each setting wins.
fn last_of_each(values: Vec<Value>) -> Vec<Value> {
    let mut wins: Vec<Value> = Vec::new();
    for value in values {
        wins.retain(|other| other.key.flag != value.key.flag);
        wins.push(value);
    }
    wins
}

/// The contexts' users have their settings as arguments. If these differ, each context gets a profile.
fn of_kubeconfig(files: &[File]) -> Result<Parts> {
    let contexts = Contexts::read(&Files::find(None)?, kubeconfig::LARGEST)?;
    let mut all: Vec<(Cluster, Vec<Value>)> = Vec::new();
    for context in contexts.ours() {
        let arguments = context.exec.as_ref().map(|exec| exec.args.clone()).unwrap_or_default();
        let values = with_profile(files, flags_of(&arguments)?.values().collect());
        all.push((cluster_of(&context), last_of_each(values)));
    }
    let is_same = |one: &[Value], other: &[Value]| {
        let texts =
            |values: &[Value]| values.iter().map(|value| (value.key.flag, value.texts.clone())).collect::<Vec<_>>();
        texts(one) == texts(other)
    };
    let mut settings: Vec<_> = files.iter().flat_map(|file| file.values.clone()).collect();
    let mut profiles = Vec::new();
    let first = all.first().map(|(_, values)| values.clone()).unwrap_or_default();
    if all.iter().all(|(_, values)| is_same(values, &first)) {
        settings.extend(first);
    } else {
        for (cluster, values) in &mut all {
            cluster.profile = Some(cluster.name.clone());
            profiles.push((cluster.name.clone(), std::mem::take(values)));
        }
    }
    Ok((last_of_each(settings), profiles, all.into_iter().map(|(cluster, _)| cluster).collect()))
}

/// The settings of the selected profile, if there is one, and those that are above it.
fn with_profile(files: &[File], mut values: Vec<Value>) -> Vec<Value> {
    let Some(at) = values.iter().position(|value| value.key.flag == "profile") else { return values };
    let name = values.remove(at).texts.concat();
    let profiles = files.iter().flat_map(|file| &file.profiles).filter(|(known, _)| *known == name);
    profiles.flat_map(|(_, values)| values.clone()).chain(values).collect()
}

/// A cluster with the name of its context, since several contexts may be for one.
fn cluster_of(context: &Context<'_>) -> Cluster {
    let text = |field: &str| context.of_cluster(field).map(str::to_owned);
    Cluster {
        name: context.name.to_owned(),
        server: text("server").unwrap_or_default(),
        certificate_authority: text("certificate-authority"),
        certificate_authority_data: text("certificate-authority-data"),
        profile: None,
        namespace: None,
        context: None,
        place: Place::start_of(std::path::Path::new("the kubeconfig"), ""),
    }
}

/// Others do not have the file.
fn embed_authority(cluster: &mut Cluster) -> Result<()> {
    let Some((authority, label)) = Authority::of_cluster(cluster) else { return Ok(()) };
    cluster.certificate_authority_data = Some(Trust::of(&authority, &label)?.data);
    cluster.certificate_authority = None;
    Ok(())
}
