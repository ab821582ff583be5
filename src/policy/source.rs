//! Where a policy comes from: the administrator's files, the registry of Windows, managed preferences of macOS.

use std::io;
use std::path::Path;
use std::rc::Rc;

use super::error::unusable;
#[cfg(any(windows, target_os = "macos", test))]
use super::managed::Managed;
use crate::config::file;
use crate::config::layers::drop_ins;
use crate::config::place::{Place, PolicyPlace};
use crate::config::policy_keys::{POLICY_KEYS, PolicyKey};
use crate::config::syntax::table_of;
use crate::config::{escape, nearest, platform};
use crate::encoding;
use crate::error::{Error, Result};
use crate::trusted_file::{self, Owner};

/// An entry of the policy: a key and its value.
#[derive(Clone, Debug)]
pub struct Said {
    /// The key.
    pub key: &'static PolicyKey,
    /// One string, or several for a list; `true` or `false` for a switch.
    pub texts: Vec<String>,
    /// Where it is set.
    pub origin: PolicyPlace,
}

/// All sources of a policy, and their entries.
#[derive(Debug, Default)]
pub struct Sources {
    /// The names of the sources, lowest first.
    pub names: Vec<Rc<str>>,
    /// The entries, one for each key: the highest source wins.
    pub said: Vec<Said>,
}

impl Sources {
    /// Reads all sources, lowest first: `policy.toml`, `policy.d/*.toml` in the order of their names, and what device
    /// management sets.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Policy`] for what is not trusted, cannot be read, or is wrong.
    pub fn read() -> Result<Self> {
        let mut sources = Self::default();
        // What cannot be looked for must not count as absent.
        if cfg!(windows) && platform::system_config_dirs().is_empty() {
            return Err(unusable("Windows does not say where ProgramData is"));
        }
        platform::system_config_dirs().iter().try_for_each(|dir| sources.read_dir(dir))?;
        #[cfg(windows)]
        sources.add_managed(super::registry::read()?)?;
        #[cfg(target_os = "macos")]
        sources.add_managed(super::managed_preferences::read()?)?;
        Ok(sources)
    }

    fn read_dir(&mut self, dir: &Path) -> Result<()> {
        let drop_ins_dir = dir.join("policy.d");
        // Empty folders are checked too: whoever can write to one may have emptied it.
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
            // A broken link is not an absent policy: its target may be missing only for now.
            Err(error) if error.kind() == io::ErrorKind::NotFound && trusted_file::is_absent(path) => Ok(()),
            Err(error) => Err(refused(path, &error)),
        }
    }

    /// Adds the entries of a file.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Policy`], with the location of the mistake.
    pub fn add_file(&mut self, path: &Path, text: &str) -> Result<()> {
        let start = Place::start_of(path, text);
        let table = table_of(&start).map_err(|error| match (unusable(&error.to_string()), error.what_to_do()) {
            (unusable, "") => unusable,
            (unusable, hint) => unusable.hint(hint),
        })?;
        self.names.push(path.display().to_string().into());
        for (name, value) in &table {
            let place = start.at(name.span().start);
            let wrong =
                |why: &str| unusable(&format!("{place}, column {}: {why}: {}", place.column(), place.shown_line()));
            let key = find_key(name.get_ref()).map_err(|why| wrong(&why))?;
            if let Some((_, why)) = escape::in_value(&start, key.name, value) {
                return Err(wrong(&why).hint(escape::HINT));
            }
            let texts = file::texts(key.kind, value.get_ref());
            let texts = texts.ok_or_else(|| wrong(&format!("{} must be {}", key.name, key.kind.in_words())))?;
            if texts.iter().any(String::is_empty) {
                return Err(wrong(&format!("{} contains an empty string", key.name)));
            }
            self.put(Said { key, texts, origin: PolicyPlace::File(place.clone()) });
        }
        Ok(())
    }

    /// Adds what device management sets; no values mean no policy.
    #[cfg(any(windows, target_os = "macos", test))]
    pub(super) fn add_managed(&mut self, (place, values): (Rc<str>, Vec<(String, Managed)>)) -> Result<()> {
        if !values.is_empty() {
            self.names.push(place.clone());
        }
        for (name, value) in values {
            let wrong = |why: &str| unusable(&format!("{place}: {why}"));
            let key = find_key(&name).map_err(|why| wrong(&why))?;
            let texts = value.texts(key.kind).ok_or_else(|| {
                let (registry, list) = (key.kind.in_registry(), key.kind.in_property_list());
                wrong(&format!("{name} must be {}", if cfg!(windows) { registry } else { list }))
            })?;
            if texts.iter().any(String::is_empty) {
                return Err(wrong(&format!("{name} contains an empty string")));
            }
            self.put(Said { key, texts, origin: PolicyPlace::Managed(place.clone()) });
        }
        Ok(())
    }

    fn put(&mut self, said: Said) {
        self.said.retain(|lower| lower.key.name != said.key.name);
        self.said.push(said);
    }
}

fn refused(path: &Path, error: &io::Error) -> Error {
    let refused = unusable(&format!("{}: {error}", path.display()));
    match (trusted_file::commands(error), encoding::conversion(path, error)) {
        ([], Some(command)) => refused.hint("your administrator must save it as UTF-8:").commands([command]),
        ([], None) => refused,
        (commands, _) => refused.hint(trusted_file::HINT).commands(commands.iter().cloned()),
    }
}

fn find_key(name: &str) -> std::result::Result<&'static PolicyKey, String> {
    PolicyKey::named(name).ok_or_else(|| {
        let nearest = nearest::of(name, POLICY_KEYS.iter().map(|key| key.name));
        let hint = nearest.map(|name| format!(" (did you mean '{name}'?)")).unwrap_or_default();
        format!("unknown key '{name}'{hint}")
    })
}
