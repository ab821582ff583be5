//! The input from which a `config.toml` is generated: an answers file, which has the same format, variables, and flags.

use std::io::{self, IsTerminal, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::config::file::{self, File};
use crate::config::given::{Given, Layer, Origin, Value};
use crate::config::keys::Key;
use crate::config::layers::{Flags, above_files};
use crate::config::{Cluster, clusters};
use crate::encoding;
use crate::error::{Error, ErrorKind, Result};
use crate::settings::named_file;

/// The maximum size of an answers file in bytes, the same as that of a `config.toml`.
const LARGEST: usize = file::LARGEST as usize;

const HINT: &str = "give --answers a file in the format of config.toml, or - to read it from standard input";

/// The name of standard input in errors. A package pipes in the answers that the administrator gave to its questions.
const STANDARD_INPUT: &str = "the answers";

/// The settings for all users of a machine, before they are written to a file.
pub struct Answers {
    /// The answers file, if there is one.
    pub file: Option<File>,
    /// The settings, lowest first: from the file, from variables, from flags.
    pub given: Given,
    /// Its clusters.
    pub clusters: Vec<Cluster>,
}

impl Answers {
    /// Reads the answers. `source` is the answers file, or `-` for standard input; `installer` are the variables of an
    /// installation, each with the flag of its setting; `environment` returns the value of a variable.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`], with file, line, column and the line itself where the error is in a line.
    pub fn read(
        source: Option<&str>,
        installer: &[(&'static str, &'static str)],
        flags: &Flags,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let file = source.map(read_file).transpose()?;
        let clusters = clusters(file.as_slice())?.0;
        let mut given = Given::new();
        file.iter().flat_map(|file| &file.values).for_each(|value| given.push(value.clone()));
        given_by(installer, &environment).for_each(|value| given.push(value));
        // The variable names of the original kubekey may have been set for another program.
        let own = |name: &str| environment(name).filter(|_| name.starts_with("KUBEKEY_"));
        above_files(flags, own, None)?.0.into_iter().for_each(|value| given.push(value));
        Ok(Self { file, given, clusters })
    }

    /// Adds the settings of `file` below the answers, so that the answers override them.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if a cluster in the file cannot be used.
    pub fn put_above(&mut self, file: File) -> Result<()> {
        let mut given = Given::new();
        file.values.iter().for_each(|value| given.push(value.clone()));
        self.settings().for_each(|value| given.push(value.clone()));
        let own = std::mem::replace(&mut self.clusters, clusters(std::slice::from_ref(&file))?.0);
        own.into_iter().for_each(|cluster| self.put(cluster));
        (self.file, self.given) = (Some(file), given);
        Ok(())
    }

    /// Whether no settings, profiles or clusters were given.
    pub fn is_empty(&self) -> bool {
        self.settings().next().is_none() && self.profiles().is_empty() && self.clusters.is_empty()
    }

    /// The effective value of each setting that was given; defaults are left out.
    pub fn settings(&self) -> impl Iterator<Item = &Value> {
        let given = self.given.values().iter().filter(|value| !matches!(value.origin, Origin::Default));
        given.filter(|value| self.given.value(value.key.flag).is_some_and(|wins| std::ptr::eq(wins, *value)))
    }

    /// The profiles of the file.
    pub fn profiles(&self) -> &[(String, Vec<Value>)] {
        self.file.as_ref().map_or(&[], |file| &file.profiles)
    }

    /// Whether the answers contain a client secret.
    pub fn has_secret(&self) -> bool {
        let is_in_file = self.file.as_ref().is_some_and(File::has_secret);
        is_in_file || self.settings().any(|value| value.key.kind.is_secret())
    }

    /// Adds a cluster, or replaces the one of the same name.
    pub fn put(&mut self, cluster: Cluster) {
        match self.clusters.iter_mut().find(|known| known.name == cluster.name) {
            Some(known) => *known = cluster,
            None => self.clusters.push(cluster),
        }
    }
}

/// The settings of an installation's variables. An empty one is not an answer.
fn given_by(
    installer: &[(&'static str, &'static str)],
    environment: &impl Fn(&str) -> Option<String>,
) -> impl Iterator<Item = Value> {
    installer.iter().filter_map(move |(variable, flag)| {
        let text = environment(variable).filter(|text| !text.is_empty())?;
        Some(Value { key: Key::of_flag(flag)?, texts: vec![text], origin: Origin::Original(variable) })
    })
}

fn read_file(source: &str) -> Result<File> {
    let (path, bytes) = match source {
        "-" => (Path::new(STANDARD_INPUT), read_standard_input()?),
        _ => (
            Path::new(source),
            named_file::read("--answers", Path::new(source), LARGEST).map_err(|error| error.hint(HINT))?,
        ),
    };
    let text = encoding::utf8(&bytes).map_err(|error| {
        let unusable = unusable(&error.to_string());
        match encoding::conversion(path, &error).filter(|_| source != "-") {
            Some(command) => unusable.hint("save the file as UTF-8:").commands([command]),
            None => unusable,
        }
    })?;
    File::parse(path, text.trim_start_matches('\u{feff}'), Layer::System)
}

/// Reads piped input. A terminal is rejected: `--system` must never wait for a person.
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
