//! Credential Manager and the Keychain, where they hold what `kubekey` saved for one home. A secret that is too large for one item is in
//! several, which the first one names.

use std::io;
use std::path::{Path, PathBuf};

use keyring_core::{Entry, Error};
use sha2::{Digest, Sha256};

/// The most that one item of Credential Manager holds, in bytes. The Keychain was not tried: no test ran on macOS.
const LARGEST: usize = 2560;

pub struct Keyring {
    /// The names of its files are those of the credentials.
    state: PathBuf,
}

impl Keyring {
    pub fn start(home: &Path) -> io::Result<Self> {
        let state = if cfg!(windows) { "AppData/Local" } else { "Library/Application Support" };
        Ok(Keyring { state: home.join(state).join("kubekey") })
    }

    /// What is saved for this home.
    pub fn secrets(&self) -> Vec<String> {
        self.names().iter().filter_map(|name| secret(name)).collect()
    }

    /// Replaces the one secret that kubekey saved.
    pub fn replace(&self, text: &str) {
        let names: Vec<_> = self.names().into_iter().filter(|name| secret(name).is_some()).collect();
        let [name] = &*names else { panic!("{} saved secrets where one was expected", names.len()) };
        let digest = format!("{:x}", Sha256::digest(text));
        let parts: Vec<_> = text.as_bytes().chunks(LARGEST).collect();
        if parts.len() == 1 || !cfg!(windows) {
            return set(name, text.as_bytes());
        }
        for (number, part) in parts.iter().enumerate() {
            set(&format!("{name}.{}.{number}", &digest[..16]), part);
        }
        set(name, format!("kubekey-split {} {} {digest}", text.len(), parts.len()).as_bytes());
    }

    /// Removes what kubekey saved.
    pub fn clear(&self) {
        self.names().iter().for_each(|name| drop(entry(name).delete_credential()));
    }

    fn names(&self) -> Vec<String> {
        let files = std::fs::read_dir(&self.state).into_iter().flatten().flatten();
        let names = files.filter_map(|file| file.file_name().to_str()?.split('.').next().map(str::to_owned));
        let mut names: Vec<_> = names.filter(|name| !name.starts_with("metadata-")).collect();
        names.sort();
        names.dedup();
        names
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        self.clear();
    }
}

fn entry(name: &str) -> Entry {
    #[cfg(windows)]
    let store = windows_native_keyring_store::Store::new();
    #[cfg(not(windows))]
    let store = apple_native_keyring_store::keychain::Store::new();
    let store = store.expect("the system's keyring");
    keyring_core::set_default_store(store);
    Entry::new("kubekey", name).expect("an item")
}

fn get(name: &str) -> Option<Vec<u8>> {
    match entry(name).get_secret() {
        Ok(bytes) => Some(bytes),
        Err(Error::NoEntry) => None,
        Err(error) => panic!("{name}: {error}"),
    }
}

fn set(name: &str, bytes: &[u8]) {
    entry(name).set_secret(bytes).expect("an item that can be written");
}

fn secret(name: &str) -> Option<String> {
    let first = String::from_utf8(get(name)?).expect("UTF-8");
    let Some(head) = first.strip_prefix("kubekey-split ") else { return Some(first) };
    let fields: Vec<_> = head.split(' ').collect();
    let parts: usize = fields[1].parse().expect("a number");
    let parts = (0..parts).map(|part| get(&format!("{name}.{}.{part}", &fields[2][..16])).expect("a part"));
    Some(String::from_utf8(parts.flatten().collect()).expect("UTF-8"))
}
