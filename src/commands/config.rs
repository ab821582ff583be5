//! `kubekey config`: what the settings are and why, and whether the files are right.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value as Json, json};

use crate::cli::{Config, Output};
use crate::config::given::{Given, Layer, Origin, Value};
use crate::config::keys::{Default, KEYS, Key, Kind};
use crate::config::policy::Said;
use crate::config::{Cluster, File, Flags, Layers, Policy, Settings, clusters, file, schema, variable};
use crate::error::{Error, ErrorKind, Result};
use crate::exec_credential::ExecInfo;
use crate::{terminal, trusted_file};

/// Runs the subcommand.
///
/// # Errors
/// What is wrong in a file or with a setting, after everything else has been printed.
pub fn config(command: &Config, flags: &Flags, out: &mut impl Write) -> Result<()> {
    match command {
        Config::Show { origin, output } => show(flags, *origin, *output, out),
        Config::Check { file: Some(file), policy: true } => check_policy(file, out),
        Config::Check { file: Some(file), .. } => check_file(file, out),
        Config::Check { file: None, .. } => check(flags, out),
        Config::Schema { policy: true } => print(out, &format!("{:#}\n", schema::policy())),
        Config::Schema { .. } => print(out, &format!("{:#}\n", schema::schema())),
    }
}

fn show(flags: &Flags, origin: bool, output: Output, out: &mut impl Write) -> Result<()> {
    let info = ExecInfo::parse(variable("KUBERNETES_EXEC_INFO").as_deref())?;
    // It also says whether to believe the variables that say where files are.
    let policy = Policy::load()?;
    let layers = Layers::read(flags, variable, info.cluster.as_ref())?;
    layers.warn();
    let given = policy.impose(&layers.given);
    match output {
        Output::Toml => print(out, &as_toml(&layers.files, &given, &policy, origin))?,
        Output::Json => print(out, &format!("{:#}\n", as_json(&layers.files, &given, &policy)))?,
    }
    check_values(&layers.given, variable, &policy).map(drop)
}

/// What settings come to. A file of them need not say everything: the provider may be named in the kubeconfig, and is then
/// any that the policy allows; nothing, where it allows none.
///
/// # Errors
/// What is wrong with a setting.
pub(super) fn check_values(
    given: &Given,
    environment: impl Fn(&str) -> Option<String>,
    policy: &Policy,
) -> Result<Option<Settings>> {
    let mut complete = given.clone();
    for (flag, allowed, any) in [
        ("issuer-url", "allowed_issuers", "https://login.example.com"),
        ("client-id", "allowed_client_ids", "kubernetes"),
    ] {
        let key = Key::of_flag(flag).expect("a setting");
        let text = match policy.find(allowed) {
            _ if given.text(flag).is_some() => continue,
            Some(said) => said.texts.first().cloned(),
            None => Some(any.to_owned()),
        };
        let Some(text) = text else { return Ok(None) };
        complete.push(Value { key, texts: vec![text], origin: Origin::Default });
    }
    Settings::resolve(&complete, environment, policy).map(Some)
}

fn as_toml(files: &[File], given: &Given, policy: &Policy, with_origin: bool) -> String {
    let mut text = String::new();
    if with_origin {
        let files = files.iter().map(|file| &*file.start.path);
        let files = files.map(|file| file.display().to_string());
        for place in files.chain(policy.places().iter().map(ToString::to_string)) {
            text.push_str(&format!("# {}\n", terminal::sanitise(&place)));
        }
    }
    for key in &KEYS {
        let (value, origin) = match (given.value(key.flag), key.default) {
            (Some(value), _) => (shown(key.kind, &value.texts), value.origin.in_words(key)),
            (None, Default::Words(words)) => (Json::Null, format!("default: {words}")),
            (None, _) => (Json::Null, "not set".to_owned()),
        };
        let line = match value {
            Json::Null => format!("# {} =", key.name()),
            // Texts, lists of them and switches look the same in TOML.
            value => format!("{} = {}", key.name(), terminal::sanitise_whole(&value.to_string())),
        };
        match with_origin {
            true => text.push_str(&format!("{line}  # {}\n", terminal::sanitise(&origin))),
            false if line.starts_with('#') => {}
            false => text.push_str(&format!("{line}\n")),
        }
    }
    if with_origin && !policy.places().is_empty() && !policy.says("locked_flags") {
        text.push_str(&format!("# policy: locked_flags = {}  # default under a policy\n", json!(policy.locked())));
    }
    for said in policy.said().iter().filter(|_| with_origin) {
        let line = format!("# policy: {} = {}  # {}", said.key.name, shown(said.key.kind, &said.texts), said.origin);
        text.push_str(&format!("{}\n", terminal::sanitise_whole(&line)));
    }
    text
}

fn as_json(files: &[File], given: &Given, policy: &Policy) -> Json {
    let setting = |key: &Key| {
        let given = given.value(key.flag);
        let value = given.map_or(Json::Null, |value| shown(key.kind, &value.texts));
        let origin = given.map_or(Json::Null, |value| origin_json(&value.origin, key));
        (key.name(), json!({ "value": value, "origin": origin }))
    };
    let files: Vec<_> = files.iter().map(|file| file.start.path.display().to_string()).collect();
    let settings: serde_json::Map<_, _> = KEYS.iter().map(setting).collect();
    json!({ "files": files, "policy": policy_json(policy), "settings": settings })
}

/// Null where there is none.
fn policy_json(policy: &Policy) -> Json {
    let key = |said: &Said| {
        let value = shown(said.key.kind, &said.texts);
        (said.key.name.to_owned(), json!({ "value": value, "origin": said.origin.to_string() }))
    };
    let keys: serde_json::Map<_, _> = policy.said().iter().map(key).collect();
    let places: Vec<_> = policy.places().iter().map(ToString::to_string).collect();
    match places.is_empty() {
        true => Json::Null,
        false => json!({ "places": places, "keys": keys, "locked_flags": policy.locked() }),
    }
}

fn origin_json(origin: &Origin, key: &Key) -> Json {
    match origin {
        Origin::File(layer, place) => {
            let layer = match layer {
                Layer::System => "system",
                Layer::Homebrew => "homebrew",
                _ => "user",
            };
            json!({ "layer": layer, "file": place.path.display().to_string(), "line": place.line() })
        }
        Origin::Default => json!({ "layer": "default" }),
        Origin::Extension => json!({ "layer": "kubeconfig" }),
        Origin::Original(variable) => json!({ "layer": "environment", "variable": variable }),
        Origin::Variable => json!({ "layer": "environment", "variable": key.variable() }),
        Origin::Flag => json!({ "layer": "flag", "flag": format!("--{}", key.flag) }),
        Origin::Policy(origin) => json!({ "layer": "policy", "place": origin.to_string() }),
    }
}

/// The value as it would stand in a file.
fn shown(kind: Kind, texts: &[String]) -> Json {
    match kind {
        Kind::Secret => "***".into(),
        Kind::Texts => texts.into(),
        Kind::Switch if texts == ["true"] => true.into(),
        Kind::Switch if texts == ["false"] => false.into(),
        Kind::Switch | Kind::Text | Kind::Time => texts.concat().into(),
    }
}

/// All files, each of their profiles, and all clusters.
fn check(flags: &Flags, out: &mut impl Write) -> Result<()> {
    let policy = Policy::load()?;
    let layers = Layers::read(flags, variable, None)?;
    layers.warn();
    if let Some(settings) = check_values(&layers.given, variable, &policy)? {
        settings.tls.certificates()?;
    }
    let clusters = check_files(&layers.files, &policy)?;
    clusters.iter().try_for_each(Cluster::check_authority)?;
    require_known(&layers.files)?;
    for file in &layers.files {
        print_ok(file.start.path.display(), out)?;
    }
    for place in policy.places() {
        print_ok(place, out)?;
    }
    if layers.files.is_empty() {
        terminal::notice("there are no configuration files");
    }
    Ok(())
}

/// One that somebody is about to put in place. Who owns it does not matter yet, nor what else is on this computer.
fn check_file(path: &Path, out: &mut impl Write) -> Result<()> {
    let files = [File::parse(path, &read(path)?, Layer::System)?];
    files[0].unknown.iter().for_each(|unknown| terminal::warning(&unknown.message()));
    check_files(&files, &Policy::default())?;
    require_known(&files)?;
    print_ok(path.display(), out)
}

fn check_policy(path: &Path, out: &mut impl Write) -> Result<()> {
    let checked = Policy::of_file(path, &read(path)?).and_then(|policy| check_values(&Given::new(), |_| None, &policy));
    checked.map_err(|error| {
        error.hint("mend it before it is put in place: 'kubekey config schema --policy' has all keys")
    })?;
    print_ok(path.display(), out)
}

/// Runs go on without a key that means nothing. Whoever asks whether a file is right wants to know.
fn require_known(files: &[File]) -> Result<()> {
    let unknown: usize = files.iter().map(|file| file.unknown.len()).sum();
    match unknown + clusters(files)?.1.len() {
        0 => Ok(()),
        count => Err(Error::new(ErrorKind::Usage, format!("settings that mean nothing: {count}"))
            .hint("mend or remove them: kubekey would go on without them")),
    }
}

fn read(path: &Path) -> Result<String> {
    trusted_file::read_any(path, file::LARGEST).map_err(|error| {
        Error::new(ErrorKind::Usage, format!("{} cannot be read: {error}", path.display()))
            .hint("give a file as config.toml is one, or with --policy one as policy.toml is")
    })
}

fn print_ok(place: impl Display, out: &mut impl Write) -> Result<()> {
    print(out, &format!("{}: ok\n", terminal::sanitise(&place.to_string())))
}

/// Settings, profiles and clusters of files that have been parsed; warns of what means nothing in a cluster. Gives back the
/// clusters.
///
/// # Errors
/// What is wrong in one of them, or not allowed.
pub(super) fn check_files(files: &[File], policy: &Policy) -> Result<Vec<Cluster>> {
    let (clusters, unknown) = clusters(files)?;
    clusters.iter().try_for_each(|cluster| cluster.check(policy))?;
    unknown.iter().for_each(|unknown| terminal::warning(&unknown.message()));
    for file in files {
        let profiles = file.profiles.iter().map(|(_, values)| values);
        for values in std::iter::once(&file.values).chain(profiles) {
            let mut given = Given::new();
            values.iter().for_each(|value| given.push(value.clone()));
            check_values(&given, |_| None, policy)?;
        }
    }
    Ok(clusters)
}

fn print(out: &mut impl Write, text: &str) -> Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::Failed, format!("cannot write to standard output: {error}"))
                .hint("look at where it leads: a full disk, or a program that has ended"))
        }
        _ => Ok(()),
    }
}
