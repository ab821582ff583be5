//! Changes in the syntax tree of a kubeconfig's text that leave everything around them as it is.

use std::fmt::Display;

use serde_json::{Value, json};
use yaml_edit::{Mapping, Sequence, YamlNode, YamlValue};

use super::entry::Entry;
use super::value::{from_json, to_json};

/// Puts an entry into its list; `None` if an alias or something else prevents that.
pub fn put(root: &Mapping, entry: &Entry, item: &Value) -> Option<()> {
    let list = entry.kind.list();
    match root.get(list) {
        Some(YamlNode::Sequence(items)) if !items.is_empty() || has_lines(&items) => match find(&items, &entry.name)? {
            Some(old) => put_field(&old, entry.kind.field(), &item[entry.kind.field()]),
            None => {
                items.push(from_json(item));
                Some(())
            }
        },
        Some(YamlNode::Scalar(_) | YamlNode::Sequence(_)) | None => {
            root.set(list, from_json(&json!([item])));
            Some(())
        }
        Some(_) => None,
    }
}

/// Removes a field from an entry; `None` if an alias or something else prevents that.
pub fn remove(root: &Mapping, entry: &Entry, field: &str) -> Option<()> {
    let YamlNode::Sequence(items) = root.get(entry.kind.list())? else { return None };
    let YamlNode::Mapping(fields) = find(&items, &entry.name)??.get(entry.kind.field())? else { return None };
    fields.remove(field).map(drop)
}

/// The entry with this name; the outer `None` if that cannot be determined.
fn find(items: &Sequence, name: &str) -> Option<Option<Mapping>> {
    for item in items.values() {
        let YamlNode::Mapping(item) = item else { return None };
        let YamlNode::Scalar(its_name) = item.get("name")? else { return None };
        if its_name.as_string() == name {
            return Some(Some(item));
        }
    }
    Some(None)
}

/// Sets one field, and of a mapping only the fields that differ; `None` if an alias prevents that.
pub fn put_field(mapping: &Mapping, key: &str, value: &Value) -> Option<()> {
    match (mapping.get(key), value) {
        (Some(YamlNode::Mapping(old)), Value::Object(fields)) if !old.is_empty() || has_lines(&old) => {
            fields.iter().try_for_each(|(key, value)| put_field(&old, key, value))
        }
        (Some(YamlNode::Alias(_)), _) => None,
        (Some(node), _) if is_already(&node, value) => Some(()),
        _ => {
            mapping.set(key, from_json(value));
            Some(())
        }
    }
}

/// Whether an empty collection is more than `[]`: then it is filled, since replacing it would lose its comments.
fn has_lines(empty: &impl Display) -> bool {
    empty.to_string().contains(['\n', '\r'])
}

fn is_already(node: &YamlNode, value: &Value) -> bool {
    let meaning = YamlValue::parse_raw(&node.to_string()).ok().and_then(|value| to_json(&value));
    meaning.as_ref() == Some(value)
}
