//! The settings in a kubeconfig's cluster: its extension `client.authentication.k8s.io/exec`, which client-go passes to
//! the plugin if the user's entry has `provideClusterInfo: true`.

use serde_json::Value as Json;

use super::file::{Table, Unknown};
use super::given::{Origin, Value};
use super::keys::{Key, Kind};
use crate::error::{Error, ErrorKind, Result};

/// The settings in the extension, and its unknown keys.
///
/// # Errors
/// [`ErrorKind::Usage`] for a value of the wrong type.
pub(super) fn read(extension: &Json) -> Result<(Vec<Value>, Vec<Unknown>)> {
    let (mut values, mut unknown) = (Vec::new(), Vec::new());
    if extension.is_null() {
        return Ok((values, unknown));
    }
    let table = extension.as_object().ok_or_else(|| wrong("it is not a mapping of settings"))?;
    for (name, value) in table {
        match Key::named(name) {
            Some(key) => {
                let texts =
                    texts(key.kind, value).ok_or_else(|| wrong(&format!("{name} must be {}", key.kind.in_words())))?;
                values.push(Value { key, texts, origin: Origin::Extension });
            }
            None => unknown.push(Unknown { name: name.clone(), place: None, table: Table::Settings, header: None }),
        }
    }
    Ok((values, unknown))
}

fn wrong(why: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("the kubeconfig's extension of its cluster cannot be used: {why}"))
        .hint("fix 'client.authentication.k8s.io/exec' under the cluster's 'extensions' in the kubeconfig")
}

/// The value as strings, as flags have it; `None` if it has the wrong type.
fn texts(kind: Kind, value: &Json) -> Option<Vec<String>> {
    match (kind, value) {
        (Kind::Switch, Json::Bool(value)) => Some(vec![value.to_string()]),
        (Kind::Time, Json::Number(value)) => Some(vec![value.to_string()]),
        (Kind::Texts | Kind::Secrets, Json::Array(array)) => {
            array.iter().map(|one| one.as_str().map(str::to_owned)).collect()
        }
        (Kind::Switch, _) => None,
        (_, Json::String(text)) => Some(vec![text.clone()]),
        _ => None,
    }
}
