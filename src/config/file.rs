//! `config.toml`: settings, profiles of them, and clusters.

use std::io;
use std::path::Path;
use std::rc::Rc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::given::{Layer, Origin, Place, Value};
use super::keys::{Key, Kind};
use crate::error::{Error, ErrorKind, Result};
use crate::trusted_file::{self, Owner, is_absent};

/// The most that is read of a configuration file or a policy, in bytes.
pub const LARGEST: u64 = 1024 * 1024;

/// Keys of a file beside the settings.
pub const TABLES: [&str; 2] = ["profiles", "clusters"];

/// A configuration file.
pub struct File {
    /// What is in it, from its beginning.
    pub start: Place,
    /// The settings outside of profiles.
    pub values: Vec<Value>,
    /// Those of each profile.
    pub profiles: Vec<(String, Vec<Value>)>,
    /// Keys that mean nothing.
    pub unknown: Vec<Unknown>,
}

/// A key that means nothing.
pub struct Unknown {
    /// The key.
    pub name: String,
    /// Where it stands; `None` for the extension of a kubeconfig.
    pub place: Option<Place>,
    /// In which kind of table.
    pub table: Table,
}

/// A kind of table, which has keys of its own.
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
    /// Reads a file, if there is one; the layer says who has to own it.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`], naming the file, if others can write it, it cannot be read, or something in it is wrong.
    pub fn read(path: &Path, layer: Layer) -> Result<Option<Self>> {
        let owner = match layer {
            Layer::System => Owner::System,
            Layer::Homebrew => Owner::Installer,
            _ => Owner::User,
        };
        match trusted_file::read(path, owner, LARGEST) {
            Ok(text) => Self::parse(path, &text, layer).map(Some),
            // A link that leads nowhere is a file that is not there for now.
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_absent(path) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(None),
            // The variables of somebody else's home, as under sudo: what cannot be seen there is not the user's word.
            Err(error) if owner == Owner::User && is_out_of_sight(path, &error) => Ok(None),
            Err(error) => Err(refused(path, &error)),
        }
    }

    /// Whether a client secret is in it.
    pub fn has_secret(&self) -> bool {
        let of_profiles = self.profiles.iter().flat_map(|(_, values)| values);
        self.values.iter().chain(of_profiles).any(|value| value.key.kind == Kind::Secret)
    }

    /// Parses what is in a file.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`], with file, line, column and the line itself.
    pub fn parse(path: &Path, text: &str, layer: Layer) -> Result<Self> {
        let start = Place { path: Rc::from(path), text: Rc::from(text), offset: 0 };
        let mut reader = Reader { start: &start, layer, unknown: Vec::new() };
        let table = table_of(&start)?;
        let values = reader.settings(&table, Table::File)?;
        let profiles = match table.get("profiles") {
            Some(profiles) => reader.profiles(profiles)?,
            None => Vec::new(),
        };
        let unknown = reader.unknown;
        Ok(Self { start, values, profiles, unknown })
    }
}

fn is_out_of_sight(path: &Path, error: &io::Error) -> bool {
    let hidden = io::ErrorKind::PermissionDenied;
    error.kind() == hidden && path.symlink_metadata().is_err_and(|error| error.kind() == hidden)
}

/// The error for a file that is not to be believed or cannot be read.
pub(super) fn refused(path: &Path, error: &io::Error) -> Error {
    Error::new(ErrorKind::Usage, format!("{} cannot be used: {error}", path.display()))
        .hint("mend or remove it: kubekey does not go on without knowing what it says")
}

/// What TOML makes of the file.
pub(super) fn table_of(start: &Place) -> Result<DeTable<'_>> {
    DeTable::parse(&start.text).map(Spanned::into_inner).map_err(|error| toml_error(start, &error))
}

/// What TOML has to say, with its place.
pub(super) fn toml_error(start: &Place, error: &toml::de::Error) -> Error {
    let offset = error.span().map_or(0, |span| span.start);
    wrong(&Place { offset, ..start.clone() }, &error.message().replace('\n', ", "))
}

/// The error for something in a file that is not as it has to be.
pub(super) fn wrong(place: &Place, why: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("{place}, column {}: {why}: {}", place.column(), place.shown_line()))
        .hint("'kubekey config check' looks at all files; 'kubekey config schema' has all keys and their types")
}

struct Reader<'a> {
    start: &'a Place,
    layer: Layer,
    unknown: Vec<Unknown>,
}

impl Reader<'_> {
    fn profiles(&mut self, profiles: &Spanned<DeValue<'_>>) -> Result<Vec<(String, Vec<Value>)>> {
        let mut found = Vec::new();
        for (name, profile) in self.table(profiles, "profiles has to be a table: [profiles.NAME]")? {
            let profile = self.table(profile, "a profile has to be a table: [profiles.NAME]")?;
            found.push((name.get_ref().to_string(), self.settings(profile, Table::Settings)?));
        }
        Ok(found)
    }

    fn settings(&mut self, table: &DeTable<'_>, kind: Table) -> Result<Vec<Value>> {
        let mut values = Vec::with_capacity(table.len());
        for (name, value) in table {
            let place = self.place(name.span().start);
            let key = Key::named(name.get_ref()).filter(|key| kind == Table::File || key.flag != "profile");
            match key {
                Some(key) => values.push(self.value(key, value, place)?),
                None if kind == Table::File && TABLES.contains(&&**name.get_ref()) => {}
                None => {
                    let name = name.get_ref().to_string();
                    self.unknown.push(Unknown { name, place: Some(place), table: kind });
                }
            }
        }
        Ok(values)
    }

    fn value(&self, key: &'static Key, value: &Spanned<DeValue<'_>>, place: Place) -> Result<Value> {
        let texts = texts(key.kind, value.get_ref()).ok_or_else(|| {
            let why = format!("{} has to be {}", key.name(), key.kind.in_words());
            wrong(&self.place(value.span().start), &why)
        })?;
        Ok(Value { key, texts, origin: Origin::File(self.layer, place) })
    }

    fn table<'v, 'i>(&self, value: &'v Spanned<DeValue<'i>>, why: &str) -> Result<&'v DeTable<'i>> {
        value.get_ref().as_table().ok_or_else(|| wrong(&self.place(value.span().start), why))
    }

    fn place(&self, offset: usize) -> Place {
        Place { offset, ..self.start.clone() }
    }
}

/// A value of the right type as flags have it; `None` for one of another type.
pub(super) fn texts(kind: Kind, value: &DeValue<'_>) -> Option<Vec<String>> {
    let one = |text: String| Some(vec![text]);
    match (kind, value) {
        (Kind::Switch, DeValue::Boolean(value)) => one(value.to_string()),
        (Kind::Time, DeValue::Integer(value)) => one(value.to_string()),
        (Kind::Texts, DeValue::Array(array)) => {
            array.iter().map(|one| one.get_ref().as_str().map(str::to_owned)).collect()
        }
        (Kind::Switch, _) => None,
        (_, DeValue::String(text)) => one(text.to_string()),
        _ => None,
    }
}
