//! `kubekey config show`: the effective settings and their origins.

use std::io::Write;

use serde_json::{Value as Json, json};

use super::super::context_user::OfUser;
use super::effective::check_values;
use crate::cli::{OfContext, Output};
use crate::config::given::{Given, Layer, Origin, Value};
use crate::config::keys::{Default, KEYS, Key, Kind};
use crate::config::{File, Flags, Layers};
use crate::environment::variable;
use crate::error::Result;
use crate::exec_credential::ExecInfo;
use crate::output::print;
use crate::policy::{Policy, Said};
use crate::printable;

/// Prints the effective settings.
///
/// # Errors
/// If a file or a setting is invalid, after everything else has been printed.
pub(super) fn show(
    flags: &Flags,
    (origin, output): (bool, Output),
    of: &OfContext,
    out: &mut impl Write,
) -> Result<()> {
    let info = ExecInfo::parse(variable("KUBERNETES_EXEC_INFO").as_deref())?;
    // Loaded first: the policy also decides whether variables that locate files are trusted.
    let policy = Policy::load()?;
    let layers = Layers::read(flags, variable, info.cluster.as_ref())?;
    layers.warn();
    let given = policy.impose(&layers.given);
    let user = (origin || output == Output::Json).then(|| OfUser::of_this_run(of)).flatten();
    match output {
        Output::Toml => print(out, &as_toml(&layers.files, &given, &policy, origin.then_some(user.as_ref())))?,
        Output::Json => print(out, &format!("{:#}\n", as_json(&layers.files, &given, &policy, user.as_ref())))?,
    }
    check_values(&layers.given, variable, &policy).map(drop)
}

/// `origins` adds the origin of each value, and names the kubeconfig's user where the value is that user's.
fn as_toml(files: &[File], given: &Given, policy: &Policy, origins: Option<Option<&OfUser>>) -> String {
    let (mut text, with_origin, user) = (String::new(), origins.is_some(), origins.flatten());
    if with_origin {
        let files = files.iter().map(|file| &*file.start.path);
        let files = files.map(|file| file.display().to_string());
        for place in files.chain(policy.places().iter().map(ToString::to_string)) {
            text.push_str(&format!("# {}\n", printable::sanitise(&place)));
        }
    }
    for key in &KEYS {
        let (value, origin) = match (given.value(key.flag), key.default) {
            (Some(value), _) => (shown(key.kind, &value.texts), origin_in_words(value, user)),
            (None, Default::Words(words)) => (Json::Null, format!("default: {words}")),
            (None, _) => (Json::Null, "not set".to_owned()),
        };
        let line = match value {
            Json::Null => format!("# {} =", key.name()),
            // Strings, lists of strings and booleans have the same syntax in JSON and TOML.
            value => format!("{} = {}", key.name(), printable::sanitise_whole(&value.to_string())),
        };
        match with_origin {
            true => text.push_str(&format!("{line}  # {}\n", printable::sanitise(&origin))),
            false if line.starts_with('#') => {}
            false => text.push_str(&format!("{line}\n")),
        }
    }
    if with_origin && !policy.places().is_empty() && !policy.says("locked_flags") {
        text.push_str(&format!("# policy: locked_flags = {}  # default under a policy\n", json!(policy.locked())));
    }
    for said in policy.said().iter().filter(|_| with_origin) {
        let line = format!("# policy: {} = {}  # {}", said.key.name, shown(said.key.kind, &said.texts), said.origin);
        text.push_str(&format!("{}\n", printable::sanitise_whole(&line)));
    }
    text
}

fn origin_in_words(value: &Value, user: Option<&OfUser>) -> String {
    let words = value.origin.in_words(value.key);
    match user.filter(|user| user.gives(value)) {
        Some(user) => format!("{words} of the user '{}' in the kubeconfig", user.name),
        None => words,
    }
}

fn as_json(files: &[File], given: &Given, policy: &Policy, user: Option<&OfUser>) -> Json {
    let setting = |key: &Key| {
        let given = given.value(key.flag);
        let value = given.map_or(Json::Null, |value| shown(key.kind, &value.texts));
        let origin = given.map_or(Json::Null, |value| origin_json(value, user));
        (key.name(), json!({ "value": value, "origin": origin }))
    };
    let files: Vec<_> = files.iter().map(|file| file.start.path.display().to_string()).collect();
    let settings: serde_json::Map<_, _> = KEYS.iter().map(setting).collect();
    json!({ "files": files, "policy": policy_json(policy), "settings": settings })
}

/// The policy, or null if there is none.
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

fn origin_json(value: &Value, user: Option<&OfUser>) -> Json {
    let key = value.key;
    let mut origin = match &value.origin {
        Origin::File(layer, place) => {
            let layer = match layer {
                Layer::System => "system",
                Layer::Homebrew => "homebrew",
                _ => "user",
            };
            json!({ "layer": layer, "file": place.path.display().to_string(), "line": place.line() })
        }
        Origin::Default | Origin::Kubelogin => json!({ "layer": "default" }),
        Origin::Extension => json!({ "layer": "kubeconfig" }),
        Origin::Original(variable) => json!({ "layer": "environment", "variable": variable }),
        Origin::Variable => json!({ "layer": "environment", "variable": key.variable() }),
        Origin::Flag => json!({ "layer": "flag", "flag": format!("--{}", key.flag) }),
        Origin::Policy(origin) => json!({ "layer": "policy", "place": origin.to_string() }),
    };
    if let Some(user) = user.filter(|user| user.gives(value)) {
        origin["user"] = user.name.clone().into();
    }
    origin
}

/// The value as it would be written in a file; secrets are hidden.
fn shown(kind: Kind, texts: &[String]) -> Json {
    match kind {
        Kind::Secret | Kind::Secrets => "***".into(),
        Kind::Texts => texts.into(),
        Kind::Switch if texts == ["true"] => true.into(),
        Kind::Switch if texts == ["false"] => false.into(),
        Kind::Switch | Kind::Text | Kind::Time => texts.concat().into(),
    }
}
