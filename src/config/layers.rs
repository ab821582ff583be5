//! The one place where the layers of settings are put on top of each other.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::extension;
use super::file::{File, Table, Unknown, refused};
use super::given::{Given, Layer, Origin, Text, Value};
use super::keys::{KEYS, Key};
use super::policy::keys::PolicyKey;
use super::{nearest, platform};
use crate::error::Result;
use crate::exec_credential::Cluster;
use crate::trusted_file::is_absent;
use crate::{log, terminal};

/// What the flags of the command line say.
#[derive(Clone, Default)]
pub struct Flags(pub Vec<(&'static Key, Vec<String>)>);

impl Flags {
    /// Puts `texts` in place of what was given for a flag, which is returned.
    pub fn replace(&mut self, flag: &'static str, texts: &[String]) -> Vec<String> {
        let (found, others) = std::mem::take(&mut self.0).into_iter().partition(|(key, _)| key.flag == flag);
        self.0 = others;
        if let (Some(key), false) = (Key::of_flag(flag), texts.is_empty()) {
            self.0.push((key, texts.to_vec()));
        }
        let found: Vec<(_, Vec<String>)> = found;
        found.into_iter().flat_map(|(_, texts)| texts).collect()
    }
}

/// All that was given, and the files it came from.
pub struct Layers {
    /// The settings.
    pub given: Given,
    /// The files, lowest first.
    pub files: Vec<File>,
    unknown: Vec<Unknown>,
}

impl Layers {
    /// Reads all layers, lowest first: defaults, the system's files, Homebrew's, the user's, the profile that was chosen, the
    /// extension of the kubeconfig's cluster, variables, flags. `environment` gives a variable's value.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Usage`], naming the place, for a file that cannot be used, a value of the wrong type and a profile
    /// that is not there.
    pub fn read(
        flags: &Flags,
        environment: impl Fn(&str) -> Option<String>,
        cluster: Option<&Cluster>,
    ) -> Result<Self> {
        let files = read_files()?;
        log::debug(format_args!("config: {} files", files.len()));
        let (above, unknown) = above_files(flags, environment, cluster)?;
        Ok(Self { given: merge(&files, above)?, files, unknown })
    }

    /// Warns of what means nothing. Not for runs that find a token: they would do so at each call of kubectl.
    pub fn warn(&self) {
        for unknown in self.files.iter().flat_map(|file| &file.unknown).chain(&self.unknown) {
            terminal::warning(&unknown.message());
        }
    }
}

impl Unknown {
    /// What is said of it, with the nearest key that there is.
    pub fn message(&self) -> String {
        let place = match &self.place {
            Some(place) => place.to_string(),
            None => "the kubeconfig's extension of its cluster".to_owned(),
        };
        let nearest = match nearest::key(&self.name, self.table) {
            _ if self.table == Table::Cluster && Key::named(&self.name).is_some() => {
                " (it is a setting, and belongs above the first table)".into()
            }
            _ if PolicyKey::named(&self.name).is_some() => {
                " (it is a key of the policy, and counts in policy.toml)".into()
            }
            Some(key) => format!(" (did you mean '{key}'?)"),
            None => String::new(),
        };
        format!("{place}: there is no setting '{}'{nearest}", self.name)
    }
}

/// What comes above all files, lowest first.
pub(super) fn above_files(
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
    let flags = flags.0.iter().map(|(key, texts)| Value { key, texts: texts.clone(), origin: Origin::Flag });
    above.extend(flags);
    Ok((above, unknown))
}

/// A profile's settings come right above those of all files: who chooses one means what it says.
pub(super) fn merge(files: &[File], above: Vec<Value>) -> Result<Given> {
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

fn profile_of<'a>(files: &'a [File], chosen: Text<'_>) -> Result<Vec<&'a Value>> {
    let all = || files.iter().flat_map(|file| &file.profiles);
    if all().all(|(name, _)| name != chosen.text) {
        let mut names: Vec<_> = all().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let hint = match names.is_empty() {
            true => "no configuration file has any; 'kubekey config show --origin' lists the files".to_owned(),
            false => format!("there are: {}", names.join(", ")),
        };
        return Err(chosen.unusable("there is no such profile").hint(hint));
    }
    Ok(all().filter(|(name, _)| name == chosen.text).flat_map(|(_, values)| values).collect())
}

/// The names of the original kubekey. The bare ones are too common to believe: CLIENT_ID may have been set for another
/// tool, if there is no issuer beside it.
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

fn read_files() -> Result<Vec<File>> {
    let mut files = Vec::new();
    for dir in platform::system_config_dirs().into_iter().filter(|dir| !is_absent(dir)) {
        files.extend(File::read(&dir.join("config.toml"), Layer::System)?);
        let drop_ins_dir = dir.join("config.d");
        for path in drop_ins(&drop_ins_dir).map_err(|error| refused(&drop_ins_dir, &error))? {
            files.extend(File::read(&path, Layer::System)?);
        }
    }
    if let Some(dir) = platform::homebrew_config_dir() {
        files.extend(File::read(&dir.join("config.toml"), Layer::Homebrew)?);
    }
    for dir in platform::user_config_dirs() {
        files.extend(File::read(&dir.join("config.toml"), Layer::User)?);
    }
    Ok(files)
}

/// The files in a folder that end with `.toml`, in the order of their names; none where there is no folder.
pub(super) fn drop_ins(dir: &Path) -> io::Result<Vec<PathBuf>> {
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
