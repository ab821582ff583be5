//! The layers of settings, merged here and nowhere else.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::extension;
use super::file::{File, Table, Unknown, refused};
use super::given::{Given, Layer, Origin, Text, Value};
use super::keys::{KEYS, Key};
use super::kubelogin::Kubelogin;
use super::mistake::{Checked, Mistake};
use super::place::Place;
use super::policy_keys::PolicyKey;
use super::{nearest, platform};
use crate::error::{Error, ErrorKind, Result};
use crate::exec_credential::Cluster;
use crate::trusted_file::is_absent;
use crate::{log, terminal};

/// The maximum number of unknown keys that are listed.
const MOST_NAMED: usize = 20;

/// The settings that flags of the command line give, and what flags of kubelogin say besides.
#[derive(Clone, Default)]
pub struct Flags(pub Vec<(&'static Key, Vec<String>)>, pub Kubelogin);

impl Flags {
    /// Replaces the values of a flag with `texts`, and returns the old ones.
    pub fn replace(&mut self, flag: &'static str, texts: &[String]) -> Vec<String> {
        let (found, others) = std::mem::take(&mut self.0).into_iter().partition(|(key, _)| key.flag == flag);
        self.0 = others;
        if let (Some(key), false) = (Key::of_flag(flag), texts.is_empty()) {
            self.0.push((key, texts.to_vec()));
        }
        let found: Vec<(_, Vec<String>)> = found;
        found.into_iter().flat_map(|(_, texts)| texts).collect()
    }

    /// The flags as values.
    pub fn values(&self) -> impl Iterator<Item = Value> {
        self.0.iter().map(|(key, texts)| Value { key, texts: texts.clone(), origin: Origin::Flag })
    }
}

/// All given settings, and the configuration files.
pub struct Layers {
    /// The settings.
    pub given: Given,
    /// The files, lowest first.
    pub files: Vec<File>,
    unknown: Vec<Unknown>,
    warnings: Vec<String>,
}

impl Layers {
    /// Reads all layers, lowest first: defaults, the system's files, Homebrew's, the user's, the selected profile, the
    /// extension of the kubeconfig's cluster, variables, flags. `environment` returns the value of a variable.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Usage`], with the location, for a file that cannot be used, a value of the wrong type
    /// and an unknown profile.
    pub fn read(
        flags: &Flags,
        environment: impl Fn(&str) -> Option<String>,
        cluster: Option<&Cluster>,
    ) -> Result<Self> {
        let files = files_up_to(Layer::User)?.collect::<Result<Vec<_>>>()?;
        log::debug(format_args!("config: {} files", files.len()));
        let (above, unknown) = above_files(flags, environment, cluster)?;
        let mut given = merge(&files, above)?;
        flags.1.complete(&mut given);
        Ok(Self { given, files, unknown, warnings: flags.1.warnings.clone() })
    }

    /// Warns about unknown keys and trimmed values. Not for runs that find a saved token: the warnings would appear at
    /// each call of kubectl.
    pub fn warn(&self) {
        let all = || self.files.iter().flat_map(|file| &file.unknown).chain(&self.unknown);
        all().take(MOST_NAMED).for_each(|unknown| terminal::warning(&unknown.message()));
        if let more @ 1.. = all().count().saturating_sub(MOST_NAMED) {
            terminal::warning(&format!("and {more} more unknown settings or tables"));
        }
        self.given.trimmed().for_each(|text| terminal::warning(&text));
        self.warnings.iter().for_each(|text| terminal::warning(text));
    }
}

impl Unknown {
    /// The message, with the most similar known key.
    pub fn message(&self) -> String {
        let place = match &self.place {
            Some(place) => place.to_string(),
            None => "the kubeconfig's extension of its cluster".to_owned(),
        };
        if let Some(header) = &self.header {
            let nearest = Some(self.table).filter(|table| *table == Table::File);
            let nearest = nearest.and_then(|_| nearest::header(&self.name, header));
            let nearest = nearest.map(|nearest| format!(" (did you mean {nearest}?)"));
            return format!("{place}: unknown table {header}{}", nearest.unwrap_or_default());
        }
        let is_in_profile = self.table == Table::Settings && self.place.is_some();
        let nearest = match nearest::key(&self.name, self.table) {
            _ if is_in_profile && self.name == "profile" => " here (a profile cannot name another one)".into(),
            _ if self.table == Table::Cluster && Key::named(&self.name).is_some() => {
                " (it is a setting, and belongs above the first table)".into()
            }
            _ if PolicyKey::named(&self.name).is_some() => " (it is a policy key, for policy.toml)".into(),
            Some(key) => format!(" (did you mean '{key}'?)"),
            None => String::new(),
        };
        format!("{place}: unknown setting '{}'{nearest}", self.name)
    }

    /// The unknown key as a mistake, for callers that must not ignore it; `None` if it is not in a file.
    pub fn into_mistake(self) -> Option<Mistake> {
        let error = Error::new(ErrorKind::Usage, self.message()).hint("fix or remove it: kubekey ignores it");
        Some(Mistake { place: self.place?, error })
    }
}

/// The layers above all files, lowest first.
pub fn above_files(
    flags: &Flags,
    environment: impl Fn(&str) -> Option<String>,
    cluster: Option<&Cluster>,
) -> Result<(Vec<Value>, Vec<Unknown>)> {
    let (mut above, unknown) = match cluster.and_then(|cluster| cluster.config.as_ref()) {
        Some(config) => extension::read(config)?,
        None => Default::default(),
    };
    above.extend(originals(&environment));
    above.extend(KEYS.iter().filter_map(|key| {
        let text = environment(&key.variable())?;
        Some(Value { key, texts: vec![text], origin: Origin::Variable })
    }));
    above.extend(flags.values());
    Ok((above, unknown))
}

/// Merges the layers. The settings of the selected profile come directly above those of all files, because a user who
/// selects a profile wants its settings.
pub fn merge(files: &[File], above: Vec<Value>) -> Result<Given> {
    let mut given = Given::new();
    let mut chooser = Given::default();
    for value in files.iter().flat_map(|file| &file.values) {
        given.push(value.clone());
        chooser.push(value.clone());
    }
    above.iter().for_each(|value| chooser.push(value.clone()));
    if let Some(profile) = chooser.text("profile") {
        for value in profile_of(files, profile)? {
            given.push(value.clone());
        }
    }
    above.into_iter().for_each(|value| given.push(value));
    Ok(given)
}

/// The settings of the chosen profile in these files.
///
/// # Errors
/// [`ErrorKind::Usage`], naming the known profiles, if there is no such profile.
pub fn profile_of<'a>(files: &'a [File], chosen: Text<'_>) -> Result<Vec<&'a Value>> {
    let all = || files.iter().flat_map(|file| &file.profiles);
    if all().all(|(name, _)| name != chosen.text) {
        let mut names: Vec<_> = all().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let hint = match names.is_empty() {
            true => "no configuration file has any; 'kubekey config show --origin' lists the files".to_owned(),
            false => format!("known profiles: {}", names.join(", ")),
        };
        return Err(chosen.unusable("there is no such profile").hint(hint));
    }
    Ok(all().filter(|(name, _)| name == chosen.text).flat_map(|(_, values)| values).collect())
}

/// The variables of the original kubekey. The names without a prefix are too common to be trusted: without an issuer
/// URL, CLIENT_ID may have been set for another tool.
fn originals(environment: &impl Fn(&str) -> Option<String>) -> Vec<Value> {
    const BARE: [(&str, &str); 3] =
        [("IDP_ISSUER_URL", "issuer-url"), ("CLIENT_ID", "client-id"), ("CLIENT_SECRET", "client-secret")];
    let read = |(variable, flag): (&'static str, &str)| {
        let key = Key::of_flag(flag).expect("a setting");
        Some(Value { key, texts: vec![environment(variable)?], origin: Origin::Original(variable) })
    };
    let is_believed = environment(BARE[0].0).is_some_and(|value| !value.is_empty());
    let bare = BARE.into_iter().filter(|_| is_believed).filter_map(read);
    bare.chain(read(("KUBEKEY_TEMPLATEDIR", "template-dir"))).collect()
}

/// Reads the files of the layers up to `highest`, lowest first.
///
/// # Errors
/// [`ErrorKind::Usage`] if their folder cannot be read.
pub fn files_up_to(highest: Layer) -> Result<impl Iterator<Item = Result<File>>> {
    let paths = paths()?.into_iter().filter(move |(_, layer)| *layer <= highest);
    Ok(paths.filter_map(|(path, layer)| File::read(&path, layer).transpose()))
}

/// All files, as far as they can be read, lowest first.
///
/// # Errors
/// [`ErrorKind::Usage`] if their folder cannot be read.
pub fn check_files() -> Result<Checked<Vec<File>>> {
    let mut all = Checked { good: Vec::new(), mistakes: Vec::new() };
    for (path, layer) in paths()? {
        match File::look_at(&path, layer) {
            Ok(None) => {}
            Ok(Some(file)) => {
                all.good.push(file.good);
                all.mistakes.extend(file.mistakes);
            }
            Err(error) => {
                let place = Place::start_of(&path, "");
                all.mistakes.push(Mistake { place, error });
            }
        }
    }
    Ok(all)
}

/// The paths where configuration files may be, lowest first.
fn paths() -> Result<Vec<(PathBuf, Layer)>> {
    let mut paths = Vec::new();
    for dir in platform::system_config_dirs().into_iter().filter(|dir| !is_absent(dir)) {
        paths.push((dir.join("config.toml"), Layer::System));
        let drop_ins_dir = dir.join("config.d");
        let drop_ins = drop_ins(&drop_ins_dir).map_err(|error| refused(&drop_ins_dir, &error))?;
        paths.extend(drop_ins.into_iter().map(|path| (path, Layer::System)));
    }
    if let Some(dir) = platform::homebrew_config_dir() {
        paths.push((dir.join("config.toml"), Layer::Homebrew));
    }
    for dir in platform::user_config_dirs() {
        paths.push((dir.join("config.toml"), Layer::User));
    }
    Ok(paths)
}

/// The files in a folder whose names end with `.toml`, sorted by name; none if the folder does not exist.
pub fn drop_ins(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    let is_hidden = |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    names.retain(|path| path.extension().is_some_and(|extension| extension == "toml") && !is_hidden(path));
    names.sort_unstable();
    Ok(names)
}
