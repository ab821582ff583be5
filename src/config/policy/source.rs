//! Where a policy is said: files of the administrator's, the registry of Windows, managed preferences of macOS.

use std::fmt;
use std::io;
use std::path::Path;
use std::rc::Rc;

use super::keys::{POLICY_KEYS, PolicyKey};
use super::unusable;
use crate::config::file::{self, table_of};
use crate::config::given::Place;
#[cfg(any(windows, target_os = "macos", test))]
use crate::config::keys::Kind;
use crate::config::layers::drop_ins;
use crate::config::{nearest, platform};
use crate::error::{Error, Result};
use crate::trusted_file::{self, Owner};

/// A key of the policy as it was said.
#[derive(Clone, Debug)]
pub struct Said {
    /// The key.
    pub key: &'static PolicyKey,
    /// One text, or several where it is a list; `true` or `false` where it is a switch.
    pub texts: Vec<String>,
    /// Where.
    pub origin: Origin,
}

/// The place where a key was said.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A file.
    File(Place),
    /// What the device's management put in place: a key of the registry, or a property list.
    Managed(Rc<str>),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(place) => place.fmt(f),
            Self::Managed(place) => f.write_str(place),
        }
    }
}

/// All that there is of a policy.
#[derive(Debug, Default)]
pub struct Sources {
    /// The places, lowest first.
    pub names: Vec<Rc<str>>,
    /// What they say, a key once: the higher place wins.
    pub said: Vec<Said>,
}

impl Sources {
    /// Reads all of it, lowest first: `policy.toml`, `policy.d/*.toml` in the order of their names, and what the device's
    /// management says.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Policy`] for what is not to be believed, cannot be read, or is wrong.
    pub fn read() -> Result<Self> {
        let mut sources = Self::default();
        platform::system_config_dirs().iter().try_for_each(|dir| sources.read_dir(dir))?;
        #[cfg(windows)]
        sources.add_managed(super::registry::read()?)?;
        #[cfg(target_os = "macos")]
        sources.add_managed(super::managed_preferences::read()?)?;
        Ok(sources)
    }

    fn read_dir(&mut self, dir: &Path) -> Result<()> {
        let drop_ins_dir = dir.join("policy.d");
        // Also where they are empty: whoever can write them may have emptied them.
        let is_there = |dir: &Path| trusted_file::require_folder(dir).map_err(|error| refused(dir, &error));
        if !is_there(dir)? {
            return Ok(());
        }
        self.read_file(&dir.join("policy.toml"))?;
        if !is_there(&drop_ins_dir)? {
            return Ok(());
        }
        let files = drop_ins(&drop_ins_dir).map_err(|error| refused(&drop_ins_dir, &error))?;
        files.iter().try_for_each(|path| self.read_file(path))
    }

    fn read_file(&mut self, path: &Path) -> Result<()> {
        match trusted_file::read(path, Owner::System, file::LARGEST) {
            Ok(text) => self.add_file(path, &text),
            // A link that leads nowhere is a policy that is not there for now.
            Err(error) if error.kind() == io::ErrorKind::NotFound && trusted_file::is_absent(path) => Ok(()),
            Err(error) => Err(refused(path, &error)),
        }
    }

    /// Adds what a file says.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Policy`], with the place of what is wrong.
    pub fn add_file(&mut self, path: &Path, text: &str) -> Result<()> {
        let start = Place { path: Rc::from(path), text: Rc::from(text), offset: 0 };
        let table = table_of(&start).map_err(|error| unusable(&error.to_string()))?;
        self.names.push(path.display().to_string().into());
        for (name, value) in &table {
            let place = Place { offset: name.span().start, ..start.clone() };
            let wrong =
                |why: &str| unusable(&format!("{place}, column {}: {why}: {}", place.column(), place.shown_line()));
            let key = known(name.get_ref()).map_err(|why| wrong(&why))?;
            let texts = file::texts(key.kind, value.get_ref());
            let texts = texts.ok_or_else(|| wrong(&format!("{} has to be {}", key.name, key.kind.in_words())))?;
            if texts.iter().any(String::is_empty) {
                return Err(wrong(&format!("{} has an empty text", key.name)));
            }
            self.put(Said { key, texts, origin: Origin::File(place.clone()) });
        }
        Ok(())
    }

    /// Adds what the device's management says; nothing said is no policy.
    #[cfg(any(windows, target_os = "macos", test))]
    pub(super) fn add_managed(&mut self, (place, values): (Rc<str>, Vec<(String, Managed)>)) -> Result<()> {
        if !values.is_empty() {
            self.names.push(place.clone());
        }
        for (name, value) in values {
            let wrong = |why: &str| unusable(&format!("{place}: {why}"));
            let key = known(&name).map_err(|why| wrong(&why))?;
            let texts = value.texts(key.kind).ok_or_else(|| {
                let (registry, list) = (key.kind.in_registry(), key.kind.in_property_list());
                wrong(&format!("{name} has to be {}", if cfg!(windows) { registry } else { list }))
            })?;
            if texts.iter().any(String::is_empty) {
                return Err(wrong(&format!("{name} has an empty text")));
            }
            self.put(Said { key, texts, origin: Origin::Managed(place.clone()) });
        }
        Ok(())
    }

    fn put(&mut self, said: Said) {
        self.said.retain(|lower| lower.key.name != said.key.name);
        self.said.push(said);
    }
}

/// A value of the registry or of a property list.
#[cfg(any(windows, target_os = "macos", test))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Managed {
    /// A number, or a boolean as 1 and 0.
    Number(u64),
    /// A text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// Anything else.
    Other,
}

#[cfg(any(windows, target_os = "macos", test))]
impl Managed {
    fn texts(self, kind: Kind) -> Option<Vec<String>> {
        match (kind, self) {
            (Kind::Switch, Self::Number(number @ (0 | 1))) => Some(vec![(number == 1).to_string()]),
            (Kind::Time, Self::Number(number)) => Some(vec![number.to_string()]),
            // The registry ends a list with an empty text.
            (Kind::Texts, Self::Texts(texts)) => Some(texts.into_iter().filter(|text| !text.is_empty()).collect()),
            (Kind::Switch, _) => None,
            (_, Self::Text(text)) => Some(vec![text]),
            _ => None,
        }
    }
}

fn refused(path: &Path, error: &io::Error) -> Error {
    unusable(&format!("{}: {error}", path.display()))
}

fn known(name: &str) -> std::result::Result<&'static PolicyKey, String> {
    PolicyKey::named(name).ok_or_else(|| {
        let nearest = nearest::of(name, POLICY_KEYS.iter().map(|key| key.name));
        let hint = nearest.map(|name| format!(" (did you mean '{name}'?)")).unwrap_or_default();
        format!("there is no key '{name}'{hint}")
    })
}
