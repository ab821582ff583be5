//! `config.toml`: settings, profiles and clusters.

use std::io;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::escape;
use super::given::{Layer, Origin, Value};
use super::keys::{Key, Kind};
use super::mistake::{Checked, Mistake, without_consequences};
use super::place::Place;
use super::syntax::{headers, read_tables};
use crate::error::{Error, ErrorKind, Result};
use crate::trusted_file::{self, Owner, is_absent};
use crate::{encoding, foreign};

/// The maximum size of a configuration file or a policy, in bytes.
pub const LARGEST: u64 = 1024 * 1024;

/// The keys of a file that are not settings.
pub const TABLES: [&str; 2] = ["profiles", "clusters"];

/// A configuration file.
#[derive(Clone)]
pub struct File {
    /// The start of the file, which has its path and its text.
    pub start: Place,
    /// The settings outside of profiles.
    pub values: Vec<Value>,
    /// The name and the settings of each profile.
    pub profiles: Vec<(String, Vec<Value>)>,
    /// Unknown keys.
    pub unknown: Vec<Unknown>,
}

/// An unknown key.
#[derive(Clone)]
pub struct Unknown {
    /// The key.
    pub name: String,
    /// Where it is; `None` for the extension of a kubeconfig's cluster.
    pub place: Option<Place>,
    /// The kind of table that has it.
    pub table: Table,
    /// Its header, if it is a table itself: `[profile.staging]`.
    pub header: Option<String>,
}

/// A kind of table; each has its own keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// The file itself.
    File,
    /// Settings without profiles and clusters.
    Settings,
    /// A cluster.
    Cluster,
}

impl File {
    /// Reads a file, if it exists. The layer decides who must own it.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`], with the file, if others can write it, if it cannot be read, or if it has a mistake.
    pub fn read(path: &Path, layer: Layer) -> Result<Option<Self>> {
        Self::look_at(path, layer)?.map(Checked::or_first).transpose()
    }

    /// Reads a file, if it exists, and collects its mistakes.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`], with the file, if others can write it or if it cannot be read.
    pub fn look_at(path: &Path, layer: Layer) -> Result<Option<Checked<Self>>> {
        let owner = match layer {
            Layer::System => Owner::System,
            Layer::Homebrew => Owner::Installer,
            _ => Owner::User,
        };
        match trusted_file::read(path, owner, LARGEST) {
            Ok(text) => Ok(Some(Self::check(path, &text, layer))),
            // A broken link counts as a missing file: its target may be absent only for now.
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_absent(path) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(None),
            // The variables may name another user's home directory, as under sudo; a file that cannot be seen there is
            // not this user's.
            Err(error) if owner == Owner::User && is_out_of_sight(path, &error) => Ok(None),
            Err(error) => Err(refused(path, &error)),
        }
    }

    /// Whether the file contains a client secret.
    pub fn has_secret(&self) -> bool {
        let of_profiles = self.profiles.iter().flat_map(|(_, values)| values);
        self.values.iter().chain(of_profiles).any(|value| value.key.kind.is_secret())
    }

    /// Parses the text of a file.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`], with file, line, column and the line itself.
    pub fn parse(path: &Path, text: &str, layer: Layer) -> Result<Self> {
        Self::check(path, text, layer).or_first()
    }

    /// Parses the text of a file and collects its mistakes.
    pub fn check(path: &Path, text: &str, layer: Layer) -> Checked<Self> {
        let start = Place::start_of(path, text);
        let mut reader = Reader { start: &start, layer, unknown: Vec::new(), mistakes: Vec::new() };
        let (table, mut mistakes) = read_tables(&start);
        let values = reader.settings(&table, Table::File);
        let profiles = table.get("profiles").map(|profiles| reader.profiles(profiles)).unwrap_or_default();
        let Reader { mut unknown, mistakes: others, .. } = reader;
        unknown.sort_by_key(|unknown| unknown.place.as_ref().map(|place| place.offset));
        let others: Vec<_> = without_consequences(others, &mistakes).collect();
        mistakes.extend(others);
        Checked { good: Self { start, values, profiles, unknown }, mistakes }
    }
}

fn is_out_of_sight(path: &Path, error: &io::Error) -> bool {
    let hidden = io::ErrorKind::PermissionDenied;
    error.kind() == hidden && path.symlink_metadata().is_err_and(|error| error.kind() == hidden)
}

/// The error for a file that is not trusted or cannot be read.
pub(super) fn refused(path: &Path, error: &io::Error) -> Error {
    if let Some(command) = encoding::conversion(path, error) {
        return Error::new(ErrorKind::Usage, format!("{} cannot be used: {error}", path.display()))
            .hint("save it as UTF-8:")
            .commands([command]);
    }
    if let commands @ [_, ..] = trusted_file::commands(error) {
        return Error::new(ErrorKind::Usage, format!("{} cannot be used: {error}", path.display()))
            .hint(trusted_file::HINT)
            .commands(commands.iter().cloned());
    }
    // Under sudo, the file may be valid for its owner: then the hint must not be to fix or remove it.
    let foreign = path.parent().and_then(foreign::keeps_out).or_else(|| foreign::keeps_out(path));
    let what_to_do = foreign.and_then(|foreign| foreign.what_to_do());
    Error::new(ErrorKind::Usage, format!("{} cannot be used: {error}", path.display()))
        .hint(what_to_do.unwrap_or_else(|| "fix or remove it: kubekey cannot continue without reading it".to_owned()))
}

struct Reader<'a> {
    start: &'a Place,
    layer: Layer,
    unknown: Vec<Unknown>,
    mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    fn profiles(&mut self, profiles: &Spanned<DeValue<'_>>) -> Vec<(String, Vec<Value>)> {
        let mut found = Vec::new();
        let profiles = self.table(profiles, "profiles must be a table: [profiles.NAME]");
        for (name, profile) in profiles.into_iter().flatten() {
            if let Some(profile) = self.table(profile, "a profile must be a table: [profiles.NAME]") {
                found.push((name.get_ref().to_string(), self.settings(profile, Table::Settings)));
            }
        }
        found
    }

    fn settings(&mut self, table: &DeTable<'_>, kind: Table) -> Vec<Value> {
        let mut values = Vec::with_capacity(table.len());
        for (name, value) in table {
            let key = Key::named(name.get_ref()).filter(|key| kind == Table::File || key.flag != "profile");
            match key {
                Some(key) => values.extend(self.value(key, name, value)),
                None if kind == Table::File && TABLES.contains(&&**name.get_ref()) => {}
                None => {
                    let unknown = self.unknown(name, value.get_ref(), kind);
                    self.unknown.extend(unknown);
                }
            }
        }
        values
    }

    /// An unknown key; of a table of tables, each inner table.
    fn unknown(&self, name: &Spanned<DeString<'_>>, value: &DeValue<'_>, table: Table) -> Vec<Unknown> {
        let unknown = |offset, header| {
            let (name, place) = (name.get_ref().to_string(), Some(self.place(offset)));
            Unknown { name, place, table, header }
        };
        let headers = headers(name, value);
        match headers.is_empty() {
            true => vec![unknown(name.span().start, None)],
            false => headers.into_iter().map(|(offset, header)| unknown(offset, Some(header))).collect(),
        }
    }

    fn value(
        &mut self,
        key: &'static Key,
        name: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<Value> {
        if let Some((offset, why)) = escape::in_setting(self.start, key, value) {
            self.mistakes.push(Mistake::of_escape(self.place(offset), &why));
            return None;
        }
        let origin = Origin::File(self.layer, self.place(name.span().start));
        if let Some(texts) = texts(key.kind, value.get_ref()) {
            return Some(Value { key, texts, origin });
        }
        // A table `[profile.NAME]` is a misspelled `[profiles.NAME]`, not a wrong value for the setting `profile`.
        if key.flag == "profile" && value.get_ref().is_table() {
            for unknown in self.unknown(name, value.get_ref(), Table::File) {
                self.mistakes.extend(unknown.into_mistake());
            }
            return None;
        }
        let why = format!("{} must be {}", key.name(), key.kind.in_words());
        self.mistakes.push(Mistake::new(self.place(value.span().start), &why));
        None
    }

    fn table<'v, 'i>(&mut self, value: &'v Spanned<DeValue<'i>>, why: &str) -> Option<&'v DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.mistakes.push(Mistake::new(self.place(value.span().start), why));
        }
        table
    }

    fn place(&self, offset: usize) -> Place {
        self.start.at(offset)
    }
}

/// The value as strings, as flags have it; `None` if it has the wrong type.
pub fn texts(kind: Kind, value: &DeValue<'_>) -> Option<Vec<String>> {
    let one = |text: String| Some(vec![text]);
    match (kind, value) {
        (Kind::Switch, DeValue::Boolean(value)) => one(value.to_string()),
        (Kind::Time, DeValue::Integer(value)) => one(value.to_string()),
        (Kind::Texts | Kind::Secrets, DeValue::Array(array)) => {
            array.iter().map(|one| one.get_ref().as_str().map(str::to_owned)).collect()
        }
        (Kind::Switch, _) => None,
        (_, DeValue::String(text)) => one(text.to_string()),
        _ => None,
    }
}
