//! kubectl's own preferences, as far as they say which credential plugins it runs (kubectl 1.35 and newer).

use std::path::PathBuf;

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
        let Some(path) = named.map(PathBuf::from).filter(|path| path.is_absolute()).or_else(default) else {
            return Ok(None);
        };
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

    /// Whether kubectl runs this command of a kubeconfig.
    pub fn allows(&self, command: &str) -> bool {
        match &*self.policy {
            "AllowAll" => true,
            "Allowlist" => self.allowed.iter().any(|allowed| allowed == command),
            _ => false,
        }
    }
}
