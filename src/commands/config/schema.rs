//! The JSON schema of a configuration file, generated from the table of settings.

use serde_json::{Map, Value, json};

use crate::config::cluster_fields;
use crate::config::keys::{Default, KEYS, Key, Kind};
use crate::config::policy_keys::{POLICY_KEYS, PolicyKey};

/// The schema of `config.toml`, for editors.
pub fn schema() -> Value {
    let settings: Map<_, _> = KEYS.iter().map(|key| (key.name(), property(key))).collect();
    let mut of_profile = settings.clone();
    of_profile.remove("profile");
    let mut properties = settings;
    let profile = json!({ "type": "object", "additionalProperties": false, "properties": of_profile });
    properties.insert("profiles".into(), json!({ "type": "object", "additionalProperties": profile }));
    properties.insert("clusters".into(), json!({ "type": "array", "items": cluster() }));
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Configuration of kubekey",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

/// The schema of `policy.toml`.
pub fn policy() -> Value {
    let property = |key: &PolicyKey| {
        let mut property = type_of(key.kind);
        property["description"] = format!("{} [without it: {}]", key.help, key.default).into();
        (key.name.to_owned(), property)
    };
    let properties: Map<_, _> = POLICY_KEYS.iter().map(property).collect();
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Policy of kubekey",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

fn type_of(kind: Kind) -> Value {
    match kind {
        Kind::Text | Kind::Secret => json!({ "type": "string" }),
        Kind::Switch => json!({ "type": "boolean" }),
        Kind::Texts | Kind::Secrets => json!({ "type": ["string", "array"], "items": { "type": "string" } }),
        Kind::Time => json!({ "type": ["string", "integer"] }),
    }
}

fn property(key: &Key) -> Value {
    let mut property = type_of(key.kind);
    property["description"] = match key.default {
        Default::Words(words) => format!("{} [default: {words}]", key.help).into(),
        _ => key.help.into(),
    };
    if let Default::Value(default) = key.default {
        property["default"] = if key.kind == Kind::Switch { (default == "true").into() } else { default.into() };
    }
    property
}

fn cluster() -> Value {
    let field = |(name, help): &(&str, &str)| ((*name).to_owned(), json!({ "type": "string", "description": help }));
    let properties: Map<_, _> = cluster_fields::FIELDS.iter().map(field).collect();
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": cluster_fields::REQUIRED,
        "properties": properties,
    })
}
