//! `kubekey config check`: reports all mistakes in the configuration files in one run.

use std::collections::HashSet;
use std::fmt::Display;
use std::io::Write;
use std::path::Path;
use std::rc::Rc;

use clap::{Arg, CommandFactory};

use super::effective::check_values;
use crate::cli::Cli;
use crate::config::file::Unknown;
use crate::config::given::{Given, Layer, Origin, Value};
use crate::config::keys::{KEYS, variable_of};
use crate::config::{self, Checked, Cluster, File, Flags, Layers, Mistake, check_clusters, escape, file, nearest};
use crate::environment::{self, variable};
use crate::error::{Error, ErrorKind, Result};
use crate::output::print;
use crate::policy::Policy;
use crate::printable;
use crate::settings::{Authority, Settings};
use crate::{encoding, terminal, trusted_file};

/// The maximum number of mistakes that are listed.
const MOST_NAMED: usize = 20;

/// The variables of kubekey that no flag has.
const OTHERS: [&str; 2] = ["LOG", "TEMPLATEDIR"];

/// The settings with a file that is sent to the provider, or signs what is sent.
const SENT_FILES: [&str; 3] = ["client-key", "client-secret-file", "subject-token-file"];

const HINT: &str = "fix what is wrong and check again; 'kubekey config schema' lists all keys and their types";

/// Checks all files with their profiles and clusters, and the effective settings with variables and flags.
///
/// # Errors
/// The mistake; or, after each of several has been printed, their number.
pub fn check(flags: &Flags, out: &mut impl Write) -> Result<()> {
    let policy = Policy::load()?;
    for (name, flag) in policy.passed_over(variable) {
        terminal::warning(&format!("the variable {name} is ignored: the policy locks {flag}"));
    }
    unknown_variables().for_each(|(name, nearest)| {
        terminal::warning(&format!("the variable {name} is ignored: did you mean {nearest}?"));
    });
    let (files, mistakes) = find_mistakes(&policy)?;
    refuse(&files, mistakes)?;
    let layers = Layers::read(flags, variable, None)?;
    layers.warn();
    if let Some(settings) = check_values(&layers.given, variable, &policy)? {
        settings.tls.certificates()?;
    }
    for file in &files {
        print_ok(file.start.path.display(), out)?;
    }
    for place in policy.places() {
        print_ok(place, out)?;
    }
    if files.is_empty() {
        terminal::notice("there are no configuration files");
    }
    Ok(())
}

/// All configuration files, and the mistakes in them, their profiles and their clusters.
///
/// # Errors
/// If a folder cannot be read.
pub fn find_mistakes(policy: &Policy) -> Result<(Vec<File>, Vec<Mistake>)> {
    let Checked { good: files, mut mistakes } = config::check_files()?;
    let clusters = check_all(&files, policy, true, &mut mistakes);
    mistakes.extend(clusters.iter().filter_map(|cluster| mistake_of(cluster, Authority::check_of_cluster(cluster))));
    Ok((files, mistakes))
}

/// Variables that are not a setting's, but almost, with the name that was probably meant.
pub fn unknown_variables() -> impl Iterator<Item = (String, String)> {
    let of_setup = Cli::command()
        .find_subcommand("setup")
        .map(|setup| setup.get_arguments().filter_map(Arg::get_long).map(variable_of).collect::<HashSet<_>>());
    let of_setup = of_setup.unwrap_or_default();
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter_map(move |name| {
        let compared = environment::compared(name.as_ref());
        let own =
            compared.strip_prefix("KUBEKEY_").filter(|own| !OTHERS.contains(own) && !of_setup.contains(&compared))?;
        let nearest = nearest::of(own, KEYS.iter().map(|key| key.name().to_uppercase()))?;
        (nearest != own).then(|| (name.clone(), format!("KUBEKEY_{nearest}")))
    })
}

/// Checks one configuration file before it is installed. Its owner is not checked, and the other files and the policy
/// of this machine are ignored.
///
/// # Errors
/// As [`check`].
pub fn check_file(path: &Path, out: &mut impl Write) -> Result<()> {
    let Checked { good, mut mistakes } = File::check(path, &read(path)?, Layer::System);
    let files = [good];
    check_all(&files, &Policy::default(), false, &mut mistakes);
    refuse(&files, mistakes)?;
    print_ok(path.display(), out)
}

/// Checks a policy file before it is installed.
///
/// # Errors
/// If the policy is invalid.
pub fn check_policy(path: &Path, out: &mut impl Write) -> Result<()> {
    let checked = Policy::of_file(path, &read(path)?).and_then(|policy| check_values(&Given::new(), |_| None, &policy));
    checked.map_err(|error| {
        let hint = match error.what_to_do() {
            escape::HINT => escape::HINT,
            _ => "fix it before you install it: 'kubekey config schema --policy' lists all keys",
        };
        Error::new(ErrorKind::Policy, error.to_string()).hint(hint)
    })?;
    print_ok(path.display(), out)
}

/// Checks the settings, profiles and clusters of parsed files, warns about unknown fields in clusters, and returns the
/// clusters.
///
/// # Errors
/// The first mistake.
pub fn check_files(files: &[File], policy: &Policy) -> Result<Vec<Cluster>> {
    let (clusters, unknown) = contents(files, policy, false).or_first()?;
    unknown.iter().for_each(|unknown| terminal::warning(&unknown.message()));
    Ok(clusters)
}

/// Adds the mistakes in these files to `mistakes`. Unknown keys are among them: other runs only ignore these, but a
/// check must report them.
fn check_all(files: &[File], policy: &Policy, is_installed: bool, mistakes: &mut Vec<Mistake>) -> Vec<Cluster> {
    let Checked { good: (clusters, of_clusters), mistakes: others } = contents(files, policy, is_installed);
    let of_files = files.iter().flat_map(|file| &file.unknown).cloned();
    let unknown = of_files.chain(of_clusters).filter_map(Unknown::into_mistake);
    // In a line that is not valid TOML, others are consequences of the syntax error.
    let named: HashSet<_> = mistakes.iter().map(line_of).collect();
    let is_new = |mistake: &Mistake| !named.contains(&line_of(mistake));
    let (others, unknown): (Vec<_>, Vec<_>) =
        (others.into_iter().filter(is_new).collect(), unknown.filter(is_new).collect());
    mistakes.extend(others);
    mistakes.extend(unknown);
    clusters
}

fn line_of(mistake: &Mistake) -> (Rc<Path>, usize) {
    (mistake.place.path.clone(), mistake.place.line())
}

/// With `is_installed`, the files that settings name are read, too: they are on this machine.
fn contents(files: &[File], policy: &Policy, is_installed: bool) -> Checked<(Vec<Cluster>, Vec<Unknown>)> {
    let mut checked = check_clusters(files);
    let refused = checked
        .good
        .0
        .iter()
        .filter_map(|cluster| mistake_of(cluster, policy.check_server(&cluster.name, &cluster.server)));
    checked.mistakes.extend(refused.collect::<Vec<_>>());
    for file in files {
        let profiles = file.profiles.iter().map(|(_, values)| values);
        for values in std::iter::once(&file.values).chain(profiles) {
            checked.mistakes.extend(mistakes_in(values, file, policy, is_installed));
        }
    }
    checked
}

fn mistake_of(cluster: &Cluster, checked: Result<()>) -> Option<Mistake> {
    checked.err().map(|error| Mistake { place: cluster.place.clone(), error })
}

/// The mistakes in the settings of one table: of each setting by itself, and of their combination.
fn mistakes_in(values: &[Value], file: &File, policy: &Policy, is_installed: bool) -> Vec<Mistake> {
    let check = |values: &[&Value]| {
        let mut given = Given::new();
        values.iter().for_each(|value| given.push((*value).clone()));
        let settings = check_values(&given, |_| None, policy);
        let read = |settings: Option<Settings>| match settings.filter(|_| is_installed) {
            Some(settings) => settings.tls.certificates().map(drop),
            None => Ok(()),
        };
        settings.and_then(read).err()
    };
    let Some(error) = check(&values.iter().collect::<Vec<_>>()) else { return Vec::new() };
    let place = |value: &Value| match &value.origin {
        Origin::File(_, place) => place.clone(),
        _ => file.start.clone(),
    };
    // What is sent to the provider cannot be checked alone: it belongs to an issuer.
    let alone = values.iter().filter(|value| !value.key.kind.is_secret() && !SENT_FILES.contains(&value.key.flag));
    let alone = alone.filter_map(|value| Some(Mistake { place: place(value), error: check(&[value])? }));
    let mut mistakes: Vec<_> = alone.collect();
    if mistakes.iter().all(|mistake| mistake.error.to_string() != error.to_string()) {
        let place = values.first().map_or(file.start.clone(), place);
        mistakes.push(Mistake { place, error });
    }
    mistakes
}

/// Prints the mistakes in the order of files and lines.
///
/// # Errors
/// The mistake if there is only one, else their number.
fn refuse(files: &[File], mut mistakes: Vec<Mistake>) -> Result<()> {
    let position = |mistake: &Mistake| files.iter().position(|file| file.start.path == mistake.place.path);
    mistakes.sort_by_cached_key(|mistake| (position(mistake), mistake.place.offset));
    if mistakes.len() < 2 {
        return mistakes.pop().map_or(Ok(()), |mistake| Err(with_hint(mistake.error)));
    }
    let kind = mistakes[0].error.kind();
    let kind = if mistakes.iter().all(|mistake| mistake.error.kind() == kind) { kind } else { ErrorKind::Usage };
    for mistake in mistakes.iter().take(MOST_NAMED) {
        terminal::error(&Error::new(mistake.error.kind(), mistake.error.to_string()));
    }
    if mistakes.len() > MOST_NAMED {
        terminal::error(&Error::new(kind, format!("and {} more", mistakes.len() - MOST_NAMED)));
    }
    let of = match files {
        [file] => file.start.path.display().to_string(),
        _ => "the configuration files".to_owned(),
    };
    Err(Error::new(kind, format!("{} mistakes in {of}", mistakes.len())).hint(HINT))
}

/// Adds the general hint unless the error has a more specific one.
fn with_hint(error: Error) -> Error {
    if error.what_to_do().is_empty() { error.hint(HINT) } else { error }
}

fn read(path: &Path) -> Result<String> {
    trusted_file::read_any(path, file::LARGEST).map_err(|error| {
        let unreadable = Error::new(ErrorKind::Usage, format!("{} cannot be read: {error}", path.display()));
        match encoding::conversion(path, &error) {
            Some(command) => unreadable.hint("save it as UTF-8:").commands([command]),
            None => {
                unreadable.hint("give a file in the format of config.toml, or with --policy in that of policy.toml")
            }
        }
    })
}

fn print_ok(place: impl Display, out: &mut impl Write) -> Result<()> {
    print(out, &format!("{}: ok\n", printable::sanitise(&place.to_string())))
}
