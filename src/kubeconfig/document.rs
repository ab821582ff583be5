//! The text of one kubeconfig, where entries are added or changed and everything else stays, byte for byte.

use serde_json::{Value, json};
use yaml_edit::{Mapping, YamlFile};

use super::entry::{Entry, Keep, Kind};
use super::exec::Exec;
use super::meaning::refuse_unusable;
use super::syntax_tree::{put, put_field, remove};
use super::text::{Result, meaning, parse, refuse_open_end};
use super::value::merge;

/// The beginning of a text without a document.
const HEAD: &str = "apiVersion: v1\nkind: Config\n";

/// A line that is all of a document without a value (YAML 1.2 §10.2.1.1 and §10.3.2).
const NULL: [&str; 4] = ["null", "Null", "NULL", "~"];

const NO_ENTRIES: &str = "it has no entries, only 'null' or markers: empty the file";

/// The text, and the values that it must have.
pub struct Document {
    file: YamlFile,
    wanted: Value,
}

const IN_THE_WAY: &str = "it has anchors or a style that this change would lose";

impl Document {
    /// Reads a kubeconfig; an empty text is a kubeconfig without entries.
    ///
    /// # Errors
    /// Why it is not a kubeconfig, or cannot be changed safely.
    pub fn parse(text: &str) -> Result<Self> {
        refuse_open_end(text)?;
        let file = parse(text)?;
        let wanted = meaning(&file)?;
        if wanted.is_null() {
            return Self::without_entries(text);
        }
        refuse_unusable(&wanted)?;
        Ok(Self { file, wanted })
    }

    /// Adds the beginning to a text without a document, or with one that is null.
    fn without_entries(text: &str) -> Result<Self> {
        let lines = text.split_inclusive('\n').filter(|line| !NULL.contains(&line.trim()));
        let text: String = lines.collect();
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        let file = parse(&format!("{text}{end}{HEAD}")).map_err(|_| NO_ENTRIES)?;
        let wanted = meaning(&file)?;
        refuse_unusable(&wanted)?;
        if wanted.is_null() { Err(NO_ENTRIES.into()) } else { Ok(Self { file, wanted }) }
    }

    /// The name of the current context, if there is one.
    pub fn current_context(&self) -> Option<String> {
        self.wanted["current-context"].as_str().filter(|name| !name.is_empty()).map(str::to_owned)
    }

    /// The items of one of its lists.
    pub fn items(&self, list: &str) -> impl DoubleEndedIterator<Item = &Value> {
        self.wanted[list].as_array().into_iter().flatten()
    }

    /// Whether there is an entry with this name.
    pub fn has(&self, entry: &Entry) -> bool {
        position(&self.wanted, entry).is_some()
    }

    /// A string field of the entry with this name.
    pub fn text(&self, entry: &Entry, field: &str) -> Option<String> {
        let item = &self.wanted[entry.kind.list()][position(&self.wanted, entry)?];
        item[entry.kind.field()][field].as_str().map(str::to_owned)
    }

    /// Removes a field from the entry with this name; returns whether it was there.
    ///
    /// # Errors
    /// If that would need a change elsewhere.
    pub fn remove(&mut self, entry: &Entry, field: &str) -> Result<bool> {
        let (list, kind) = (entry.kind.list(), entry.kind.field());
        let index = position(&self.wanted, entry);
        let fields = index.and_then(|index| self.wanted[list][index][kind].as_object_mut());
        if fields.and_then(|fields| fields.remove(field)).is_none() {
            return Ok(false);
        }
        remove(&self.root()?, entry, field).ok_or(IN_THE_WAY)?;
        Ok(true)
    }

    /// The names of the contexts with this cluster and another user.
    pub fn contexts_of(&self, cluster: &str, user: &str) -> Vec<String> {
        let is_another = |context: &&Value| context["cluster"] == cluster && context["user"] != user;
        let others = self.items("contexts").filter(|item| is_another(&&item["context"]));
        others.filter_map(|item| item["name"].as_str().map(str::to_owned)).collect()
    }

    /// Adds or changes an entry; returns whether that changed anything.
    ///
    /// # Errors
    /// If the entry would contradict existing fields, or would need a change elsewhere.
    pub fn put(&mut self, entry: &Entry) -> Result<bool> {
        if let Some((field, text)) = &entry.replaces
            && self.text(entry, field).as_ref() == Some(text)
        {
            self.remove(entry, field)?;
        }
        let item = self.whole(entry);
        let is_changed = merge_entry(&mut self.wanted, entry, &item)?;
        if is_changed {
            put(&self.root()?, entry, &item).ok_or(IN_THE_WAY)?;
        }
        Ok(is_changed)
    }

    /// Makes this context the current one.
    ///
    /// # Errors
    /// If that would need a change elsewhere.
    pub fn set_current_context(&mut self, name: &str) -> Result<()> {
        merge(&mut self.wanted, &json!({ "current-context": name }));
        put_field(&self.root()?, "current-context", &name.into()).ok_or_else(|| IN_THE_WAY.into())
    }

    /// The changed text, but only if its values are the wanted ones and nothing else: the editor may err, and an alias
    /// carries a change to other entries.
    ///
    /// # Errors
    /// If its values are different.
    pub fn into_text(self) -> Result<String> {
        let Self { file, wanted } = self;
        let text = file.to_string();
        // Two trees at once would be most of the memory of a run.
        drop(file);
        match parse(&text).and_then(|file| meaning(&file)) {
            Ok(meaning) if meaning == wanted => Ok(text),
            _ => Err(IN_THE_WAY.into()),
        }
    }

    /// The entry as it will be, with the fields that are kept from the existing one.
    fn whole(&self, entry: &Entry) -> Value {
        let mut item = json!({"name": entry.name, entry.kind.field(): entry.fields});
        let old = position(&self.wanted, entry).map(|index| &self.wanted[entry.kind.list()][index]);
        for Keep { path: [outer, inner], good } in entry.keeps {
            let value = old.map(|old| &old[entry.kind.field()][outer][inner]);
            if let Some(value) = value.filter(|value| value.as_str().is_some_and(|text| good.contains(&text))) {
                item[entry.kind.field()][outer][inner] = value.clone();
            }
        }
        item
    }

    fn root(&self) -> Result<Mapping> {
        self.file.document().and_then(|document| document.as_mapping()).ok_or_else(|| IN_THE_WAY.into())
    }
}

fn position(meaning: &Value, entry: &Entry) -> Option<usize> {
    meaning[entry.kind.list()].as_array()?.iter().position(|item| item["name"] == entry.name.as_str())
}

/// Merges the entry into the values of the whole file; returns whether that changed anything.
fn merge_entry(meaning: &mut Value, entry: &Entry, item: &Value) -> Result<bool> {
    let Some(index) = position(meaning, entry) else {
        let list = &mut meaning[entry.kind.list()];
        list.is_null().then(|| *list = json!([]));
        list.as_array_mut().expect("a list, as was looked at").push(item.clone());
        return Ok(true);
    };
    let old = &mut meaning[entry.kind.list()][index];
    if let Some(command) = Exec::of_another(&old[Kind::User.field()]["exec"]) {
        return Err(format!("its user '{}' signs in with '{command}': give another name with --user", entry.name));
    }
    let contradicts = |name: &&&str| !old[entry.kind.field()][**name].is_null();
    match entry.excludes.iter().find(contradicts) {
        Some(name) => {
            let (kind, entry) = (entry.kind.field(), &entry.name);
            Err(format!("its {kind} '{entry}' has {name}, which conflicts with the new entry"))
        }
        None => {
            let before = old.clone();
            merge(old, item);
            Ok(*old != before)
        }
    }
}
