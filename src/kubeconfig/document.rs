//! One kubeconfig's text, in which entries are put and all else stays, byte for byte.

use std::collections::HashSet;
use std::str::FromStr;

use serde_json::{Value, json};
use yaml_edit::validator::{Severity, Validator, Violation};
use yaml_edit::{Mapping, Sequence, YamlFile, YamlNode, YamlValue};

use super::value::{from_json, merge, to_json};
use super::{Entry, Kind, aliases};

/// What a text without a document begins with.
const HEAD: &str = "apiVersion: v1\nkind: Config\n";

/// The fields of a kubeconfig. A text with none of them is something else.
const FIELDS: [&str; 5] = ["kind", "clusters", "users", "contexts", "current-context"];

/// The text, and what it is to mean.
pub struct Document {
    file: YamlFile,
    wanted: Value,
}

type Result<T> = std::result::Result<T, String>;

const IN_THE_WAY: &str = "it has anchors or a style that cannot be kept in this change";

impl Document {
    /// Reads a kubeconfig; an empty text is one without entries.
    ///
    /// # Errors
    /// Why it is none, or none that can be changed safely.
    pub fn parse(text: &str) -> Result<Self> {
        refuse_tabs(text)?;
        let file = parse(text)?;
        let wanted = meaning(&file)?;
        if wanted.is_null() {
            let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
            return Self::parse(&format!("{text}{end}{HEAD}"));
        }
        refuse_other_documents(&wanted)?;
        for kind in [Kind::Cluster, Kind::User, Kind::Context] {
            refuse_duplicates(&wanted, kind)?;
        }
        Ok(Self { file, wanted })
    }

    /// The name of the current context, if there is one.
    pub fn current_context(&self) -> Option<String> {
        self.wanted["current-context"].as_str().filter(|name| !name.is_empty()).map(str::to_owned)
    }

    /// Whether an entry with this name is there.
    pub fn has(&self, entry: &Entry) -> bool {
        position(&self.wanted, entry).is_some()
    }

    /// Puts an entry in, and says whether that changed anything.
    ///
    /// # Errors
    /// If it would contradict what is there, or cannot be done without a change elsewhere.
    pub fn put(&mut self, entry: &Entry) -> Result<bool> {
        let is_changed = merge_entry(&mut self.wanted, entry)?;
        if is_changed {
            put(&self.root()?, entry).ok_or(IN_THE_WAY)?;
        }
        Ok(is_changed)
    }

    /// Makes this context the current one.
    ///
    /// # Errors
    /// If that cannot be done without a change elsewhere.
    pub fn set_current_context(&mut self, name: &str) -> Result<()> {
        merge(&mut self.wanted, &json!({ "current-context": name }));
        put_field(&self.root()?, "current-context", &name.into()).ok_or_else(|| IN_THE_WAY.into())
    }

    /// The text with all that was put into it, but only if it means that and nothing else: an editor may err, and an alias
    /// carries a change to where nobody wanted it.
    ///
    /// # Errors
    /// If it does not.
    pub fn into_text(self) -> Result<String> {
        let text = self.file.to_string();
        match parse(&text).and_then(|file| meaning(&file)) {
            Ok(meaning) if meaning == self.wanted => Ok(text),
            _ => Err(IN_THE_WAY.into()),
        }
    }

    fn root(&self) -> Result<Mapping> {
        self.file.document().and_then(|document| document.as_mapping()).ok_or_else(|| IN_THE_WAY.into())
    }
}

fn parse(text: &str) -> Result<YamlFile> {
    let file = YamlFile::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    match file.documents().count() {
        0 => Ok(file),
        1 => refuse_invalid(&file).map(|()| file),
        count => Err(format!("it has {count} documents, and kubectl reads only the first")),
    }
}

/// The editor reads much that is no YAML, and kubectl does not.
fn refuse_invalid(file: &YamlFile) -> Result<()> {
    let violations = file.document().map(|document| Validator::new().validate(&document)).unwrap_or_default();
    match violations.iter().find(|violation| violation.severity == Severity::Error) {
        Some(Violation { message, location, .. }) => {
            let place = location.iter().map(|place| format!("line {place}: "));
            Err(place.chain([message.clone()]).collect())
        }
        None => Ok(()),
    }
}

fn meaning(file: &YamlFile) -> Result<Value> {
    let Some(document) = file.document() else { return Ok(Value::Null) };
    aliases::refuse_too_many(file, &document)?;
    let value = YamlValue::from_document(&document).map_err(|error| error.to_string())?;
    to_json(&value).ok_or_else(|| "it has values that a kubeconfig cannot have".into())
}

/// YAML forbids them (YAML 1.2 §6.1), and kubectl reads no file with one.
fn refuse_tabs(text: &str) -> Result<()> {
    let indentation = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let is_bad = |line: &str| !line.trim().is_empty() && line[..indentation(line)].contains('\t');
    match text.lines().position(is_bad) {
        Some(index) => Err(format!("line {} is indented with a tab, which YAML forbids", index + 1)),
        None => Ok(()),
    }
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
        let name = item["name"].as_str();
        let name = name.ok_or_else(|| format!("it has a {} without a name", kind.field()))?;
        if !names.insert(name) {
            return Err(format!("it has more than one {} '{name}'", kind.field()));
        }
    }
    Ok(())
}

fn position(meaning: &Value, entry: &Entry) -> Option<usize> {
    meaning[entry.kind.list()].as_array()?.iter().position(|item| item["name"] == entry.name.as_str())
}

/// Puts the entry into what the whole means, and says whether that changed anything.
fn merge_entry(meaning: &mut Value, entry: &Entry) -> Result<bool> {
    let item = whole(entry);
    let Some(index) = position(meaning, entry) else {
        let list = &mut meaning[entry.kind.list()];
        list.is_null().then(|| *list = json!([]));
        list.as_array_mut().expect("a list, as was looked at").push(item);
        return Ok(true);
    };
    let old = &mut meaning[entry.kind.list()][index];
    let contradicts = |name: &&&str| !old[entry.kind.field()][**name].is_null();
    match entry.excludes.iter().find(contradicts) {
        Some(name) => {
            Err(format!("its {} '{}' has {name}, which does not go together", entry.kind.field(), entry.name))
        }
        None => {
            let before = old.clone();
            merge(old, &item);
            Ok(*old != before)
        }
    }
}

fn whole(entry: &Entry) -> Value {
    json!({"name": entry.name, entry.kind.field(): entry.fields})
}

/// The same in the text; `None` where an alias or something else is in the way.
fn put(root: &Mapping, entry: &Entry) -> Option<()> {
    let (list, item) = (entry.kind.list(), whole(entry));
    match root.get(list) {
        Some(YamlNode::Sequence(items)) if !items.is_empty() => match find(&items, &entry.name)? {
            Some(old) => put_field(&old, entry.kind.field(), &item[entry.kind.field()]),
            None => {
                items.push(from_json(&item));
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

/// The entry with this name; the outer `None` if it cannot be known which that is.
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

/// Sets one field, and of a mapping only those that differ.
fn put_field(mapping: &Mapping, key: &str, value: &Value) -> Option<()> {
    match (mapping.get(key), value) {
        (Some(YamlNode::Mapping(old)), Value::Object(fields)) if !old.is_empty() => {
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

fn is_already(node: &YamlNode, value: &Value) -> bool {
    let meaning = YamlValue::parse_raw(&node.to_string()).ok().and_then(|value| to_json(&value));
    meaning.as_ref() == Some(value)
}
