//! `kubekey setup --print onboarding`: the file that `kubekey setup --from` takes over elsewhere, made of the clusters
//! that are set up here.

use super::exported::{Exported, embed_authority};
use super::published::{Published, is_allowed};
use crate::commands::config::short_file;
use crate::config::given::Value;
use crate::config::layers::merge;
use crate::config::{Cluster, Layers, clusters};
use crate::config::{File, Flags};
use crate::error::{Error, ErrorKind, Result};
use crate::kubeconfig::{self, Context, Contexts, Exec, Files};
use crate::policy::Policy;
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
    let (settings, profiles, clusters) = parts;
    if clusters.is_empty() {
        return Err(Error::new(ErrorKind::Usage, "no cluster is set up here")
            .hint("run 'kubekey setup' first, or describe [[clusters]] in a configuration file"));
    }
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

fn of_files(files: &[File], mut clusters: Vec<Cluster>) -> Result<Parts> {
    clusters.iter_mut().try_for_each(embed_authority)?;
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

/// The contexts that run kubekey. If their settings differ, each gets a profile. One that cannot be used is named and left
/// out.
fn of_kubeconfig(files: &[File]) -> Result<Parts> {
    let contexts = Contexts::read(&Files::find(None)?, kubeconfig::LARGEST)?;
    let ours = contexts.all().into_iter().filter(|context| context.exec.as_ref().is_some_and(Exec::is_ours));
    let export = |context: Context<'_>| match Exported::of(&context, files) {
        Ok(Exported { cluster, values }) => Some((cluster, last_of_each(values))),
        Err(error) => {
            terminal::warning(&format!("context '{}' is left out: {error}", context.name));
            None
        }
    };
    let mut all: Vec<(Cluster, Vec<Value>)> = ours.filter_map(export).collect();
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
