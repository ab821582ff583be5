//! What makes a text a kubeconfig.

use std::collections::HashSet;

use serde_json::Value;

use super::entry::Kind;
use super::text::{Result, meaning, parse};

/// The fields of a kubeconfig. A text with none of them is something else.
const FIELDS: [&str; 5] = ["kind", "clusters", "users", "contexts", "current-context"];

/// The values of a kubeconfig that is only read; null if it has no entries.
///
/// # Errors
/// Why it is not a kubeconfig.
pub fn meaning_of(text: &str) -> Result<Value> {
    let meaning = meaning(&parse(text)?)?;
    refuse_unusable(&meaning).map(|()| meaning)
}

/// Rejects what kubectl would not read.
///
/// # Errors
/// Why kubectl would not read it.
pub fn refuse_unusable(meaning: &Value) -> Result<()> {
    refuse_other_documents(meaning)?;
    [Kind::Cluster, Kind::User, Kind::Context].into_iter().try_for_each(|kind| refuse_duplicates(meaning, kind))
}

fn refuse_other_documents(meaning: &Value) -> Result<()> {
    let is_or_absent = |field: &str, value: &str| meaning[field].is_null() || meaning[field] == value;
    let is_one = match meaning {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty() || FIELDS.iter().any(|field| fields.contains_key(*field)),
        _ => false,
    };
    match is_one && is_or_absent("kind", "Config") && is_or_absent("apiVersion", "v1") {
        true => Ok(()),
        false => Err("it is not a kubeconfig".into()),
    }
}

fn refuse_duplicates(meaning: &Value, kind: Kind) -> Result<()> {
    let list = match &meaning[kind.list()] {
        Value::Null => return Ok(()),
        Value::Array(list) => list,
        _ => return Err(format!("it is not a kubeconfig: '{}' is not a list", kind.list())),
    };
    let mut names = HashSet::new();
    for item in list {
        let name = match &item["name"] {
            Value::String(name) => name,
            Value::Null => return Err(format!("it has a {} without a name", kind.field())),
            other => return Err(format!("it has a {} whose name is not a string: {other}", kind.field())),
        };
        if !names.insert(name) {
            return Err(format!("it has more than one {} '{name}'", kind.field()));
        }
    }
    Ok(())
}
