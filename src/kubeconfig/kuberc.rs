//! kubectl's own preferences, as far as they say which credential plugins it runs (kubectl 1.35 and newer).

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::home;
use super::text::{meaning, parse};
use crate::atomic_file;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// Which credential plugins kubectl runs.
pub struct Kuberc {
    /// The file.
    pub path: PathBuf,
    /// `AllowAll`, `DenyAll` or `Allowlist`; `AllowAll` if the file does not say it.
    pub policy: String,
    allowed: Vec<String>,
}

impl Kuberc {
    /// The file that kubectl would read: that of `KUBERC`, else `~/.kube/kuberc`; `None` if there is none.
    ///
    /// # Errors
    /// The file, and why it cannot be read.
    pub fn find() -> Result<Option<Self>, String> {
        let named = std::env::var_os("KUBERC").filter(|name| !name.is_empty());
        if named.as_ref().is_some_and(|name| name == "off") {
            return Ok(None);
        }
        let default = || Some(home::folder()?.join(".kube/kuberc"));
        if let Some(name) = named.as_ref().filter(|name| !Path::new(name).is_absolute()) {
            return Err(format!("KUBERC is '{}', a relative path, which kubekey does not read", name.display()));
        }
        let Some(path) = named.map(PathBuf::from).or_else(default) else { return Ok(None) };
        let unreadable = |why: String| format!("{} cannot be read: {why}", path.display());
        let bytes = atomic_file::read(&path, LARGEST).map_err(|error| unreadable(error.to_string()))?;
        let Some(bytes) = bytes else { return Ok(None) };
        let text = String::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))?;
        let preferences = parse(&text).and_then(|tree| meaning(&tree)).map_err(unreadable)?;
        Ok(Some(Self::of(path, &preferences)))
    }

    fn of(path: PathBuf, preferences: &Value) -> Self {
        let policy = preferences["credentialPluginPolicy"].as_str().filter(|policy| !policy.is_empty());
        let entries = preferences["credentialPluginAllowlist"].as_array().into_iter().flatten();
        // 'name' until kubectl 1.35, 'command' from 1.36 on.
        let names = entries.filter_map(|entry| entry["command"].as_str().or_else(|| entry["name"].as_str()));
        Self { path, policy: policy.unwrap_or("AllowAll").to_owned(), allowed: names.map(str::to_owned).collect() }
    }

    /// Whether kubectl runs this command of a kubeconfig. It looks for both names with `find`, as for programs.
    pub fn allows(&self, command: &str, find: &dyn Fn(&str) -> Option<PathBuf>) -> bool {
        let is_same = |allowed: &String| {
            allowed == command || find(allowed).zip(find(command)).is_some_and(|(allowed, command)| allowed == command)
        };
        match &*self.policy {
            "AllowAll" => true,
            "Allowlist" => self.allowed.iter().any(is_same),
            _ => false,
        }
    }
}
