//! What a `config.toml` is generated from: a file of answers, which is one itself, variables, and flags.

use std::io::{self, IsTerminal, Read};
use std::path::Path;

use zeroize::Zeroizing;

use super::clusters::{Cluster, clusters};
use super::file::{self, File};
use super::given::{Given, Layer, Origin, Value};
use super::keys::Kind;
use super::layers::{Flags, above_files};
use super::named_file;
use crate::error::{Error, ErrorKind, Result};

/// The most that is read, in bytes: what is read of a `config.toml`.
const LARGEST: usize = file::LARGEST as usize;

const HINT: &str = "give --answers a file as config.toml is one, or - and the same on standard input";

/// How an error calls what comes on standard input. With a package it is what somebody has answered.
const STANDARD_INPUT: &str = "the answers";

/// The settings of all users of a computer, before they are in a file.
pub struct Answers {
    /// The file of answers, if there is one.
    pub file: Option<File>,
    /// Its settings, above them those of variables, and those of flags.
    pub given: Given,
    /// Its clusters.
    pub clusters: Vec<Cluster>,
}

impl Answers {
    /// Reads them; `source` is the file of answers, or `-` for standard input. `environment` gives a variable's value.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`], with file, line, column and the line itself where it is about one.
    pub fn read(source: Option<&str>, flags: &Flags, environment: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let file = source.map(read_file).transpose()?;
        let clusters = clusters(file.as_slice())?.0;
        let mut given = Given::new();
        file.iter().flat_map(|file| &file.values).for_each(|value| given.push(value.clone()));
        // The original's names may have been set for another program.
        let own = |name: &str| environment(name).filter(|_| name.starts_with("KUBEKEY_"));
        above_files(flags, own, None)?.0.into_iter().for_each(|value| given.push(value));
        Ok(Self { file, given, clusters })
    }

    /// Puts them above what a file says, which is then a part of them.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for a cluster in it that cannot be used.
    pub fn put_above(&mut self, file: File) -> Result<()> {
        let mut given = Given::new();
        file.values.iter().for_each(|value| given.push(value.clone()));
        self.settings().for_each(|value| given.push(value.clone()));
        let own = std::mem::replace(&mut self.clusters, clusters(std::slice::from_ref(&file))?.0);
        own.into_iter().for_each(|cluster| self.put(cluster));
        (self.file, self.given) = (Some(file), given);
        Ok(())
    }

    /// Whether nobody said anything.
    pub fn is_empty(&self) -> bool {
        self.settings().next().is_none() && self.profiles().is_empty() && self.clusters.is_empty()
    }

    /// The settings that somebody gave, of each the one that wins.
    pub fn settings(&self) -> impl Iterator<Item = &Value> {
        let given = self.given.values().iter().filter(|value| !matches!(value.origin, Origin::Default));
        given.filter(|value| self.given.value(value.key.flag).is_some_and(|wins| std::ptr::eq(wins, *value)))
    }

    /// The profiles of the file.
    pub fn profiles(&self) -> &[(String, Vec<Value>)] {
        self.file.as_ref().map_or(&[], |file| &file.profiles)
    }

    /// Whether a client secret is among them.
    pub fn has_secret(&self) -> bool {
        let is_in_file = self.file.as_ref().is_some_and(File::has_secret);
        is_in_file || self.settings().any(|value| value.key.kind == Kind::Secret)
    }

    /// Adds a cluster, in the place of one of the same name.
    pub fn put(&mut self, cluster: Cluster) {
        match self.clusters.iter_mut().find(|known| known.name == cluster.name) {
            Some(known) => *known = cluster,
            None => self.clusters.push(cluster),
        }
    }
}

fn read_file(source: &str) -> Result<File> {
    let (path, bytes) = match source {
        "-" => (Path::new(STANDARD_INPUT), read_standard_input()?),
        _ => (
            Path::new(source),
            named_file::read("--answers", Path::new(source), LARGEST).map_err(|error| error.hint(HINT))?,
        ),
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| unusable("it is not UTF-8"))?;
    File::parse(path, text.trim_start_matches('\u{feff}'), Layer::System)
}

/// Reads what is piped in; a person is asked nothing, not even this way.
fn read_standard_input() -> Result<Zeroizing<Vec<u8>>> {
    let input = io::stdin().lock();
    if input.is_terminal() {
        return Err(unusable("it is a terminal"));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    input.take(LARGEST as u64 + 1).read_to_end(&mut bytes).map_err(|error| unusable(&error.to_string()))?;
    match bytes.len() > LARGEST {
        true => Err(unusable(&format!("it has more than {LARGEST} bytes"))),
        false => Ok(bytes),
    }
}

fn unusable(why: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("the answers cannot be used: {why}")).hint(HINT)
}
