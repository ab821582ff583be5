//! YAML values as JSON values, so that they can be compared whatever their form.

use serde_json::{Map, Value};
use yaml_edit::{ScalarType, ScalarValue, YamlValue};

/// The JSON value of a YAML value; `None` for what JSON, and so Kubernetes, does not have.
pub fn to_json(value: &YamlValue) -> Option<Value> {
    match value {
        YamlValue::Scalar(scalar) => scalar_to_json(scalar),
        YamlValue::Sequence(items) => items.iter().map(to_json).collect::<Option<Vec<_>>>().map(Value::Array),
        YamlValue::Mapping(fields) => {
            let fields = fields.iter().map(|(key, value)| Some((key.clone(), to_json(value)?)));
            fields.collect::<Option<Map<_, _>>>().map(Value::Object)
        }
        _ => None,
    }
}

fn scalar_to_json(scalar: &ScalarValue) -> Option<Value> {
    let text = || Value::String(scalar.value().to_owned());
    Some(match scalar.scalar_type() {
        ScalarType::Null => Value::Null,
        ScalarType::Boolean => Value::Bool(scalar.to_bool()?),
        ScalarType::Integer => scalar.to_i64().map_or_else(text, Value::from),
        _ => text(),
    })
}

/// The YAML value of a JSON value.
pub fn from_json(value: &Value) -> YamlValue {
    match value {
        Value::Null => YamlValue::scalar(ScalarValue::null()),
        Value::Bool(value) => YamlValue::scalar(*value),
        Value::Number(number) => YamlValue::scalar(ScalarValue::plain(number.to_string())),
        Value::String(text) if is_other_in_yaml_1_1(text) => YamlValue::scalar(ScalarValue::double_quoted(text)),
        Value::String(text) => YamlValue::scalar(ScalarValue::string(text)),
        Value::Array(items) => YamlValue::from_sequence(items.iter().map(from_json).collect()),
        Value::Object(fields) => {
            YamlValue::from_mapping(fields.iter().map(|(key, value)| (key.clone(), from_json(value))).collect())
        }
    }
}

/// kubectl reads YAML 1.1, in which a plain `n` is false, `1_000` a number and `2026-01-31` a date; the editor writes
/// YAML 1.2.
fn is_other_in_yaml_1_1(text: &str) -> bool {
    matches!(text, "y" | "Y" | "n" | "N") || text.starts_with(|c: char| c.is_ascii_digit() || "+.=".contains(c))
}

/// Merges `new` into `old`: fields that `new` does not have stay.
pub fn merge(old: &mut Value, new: &Value) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in new {
                merge(old.entry(key).or_insert(Value::Null), value);
            }
        }
        (old, new) => old.clone_from(new),
    }
}
