//! Secrets that the tests know, searched for in all that `kubekey` says and in what it leaves in files.
//!
//! Whoever makes or sees one tells of it; every run looks for all of them. ID tokens need not be told: a JWT begins with
//! `eyJ`.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

use serde_json::{Deserializer, Value};

use super::provider::server::Request;

/// What is shorter may be a word by accident.
const SHORTEST: usize = 16;

static CANARIES: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

/// From here on no run may let this out.
pub fn tell(secret: &str) {
    if secret.len() >= SHORTEST {
        CANARIES.lock().expect("the canaries").insert(secret.to_owned());
    }
}

/// The secrets in a request as it came to the provider.
pub fn tell_of(request: &Request) {
    const NAMES: [&str; 6] = ["state", "nonce", "code", "code_verifier", "refresh_token", "client_secret"];
    NAMES.iter().filter_map(|name| request.param(name)).for_each(tell);
    request.header("authorization").and_then(|value| value.split(' ').nth(1)).into_iter().for_each(tell);
}

/// The value of a cookie that the listener has set.
pub fn tell_of_cookie(header: &str) {
    let pair = header.split(';').next().unwrap_or_default();
    pair.split_once('=').into_iter().for_each(|(_, value)| tell(value));
}

/// There is none in a text that anybody may read.
pub fn assert_none_in(text: &str, what: &str) {
    assert!(!text.contains("eyJ"), "a JWT in {what}: {text}");
    let is_found = |secret: &&String| text.contains(secret.as_str());
    let found: Vec<_> = CANARIES.lock().expect("the canaries").iter().filter(is_found).cloned().collect();
    assert!(found.is_empty(), "{found:?} in {what}: {text}");
}

/// Standard output may have the ID tokens of ExecCredentials, and nothing else.
pub fn assert_none_but_tokens_in(stdout: &str) {
    let documents: Result<Vec<Value>, _> = Deserializer::from_str(stdout).into_iter().collect();
    let Ok(mut documents) = documents else { return assert_none_in(stdout, "stdout") };
    for document in &mut documents {
        document.pointer_mut("/status/token").map(Value::take);
        assert_none_in(&document.to_string(), "stdout");
    }
}

/// There is none in what `kubekey` writes below these folders, but for the file store.
pub fn assert_none_in_files(folders: &[PathBuf]) {
    for file in folders.iter().flat_map(|folder| files(&folder.join("kubekey"))) {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap_or_default()).into_owned();
        assert_none_in(&text, &file.display().to_string());
    }
}

/// Ordinary files: a test may have put something there that would make a reader wait.
fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let walk = |path: PathBuf| match fs::symlink_metadata(&path) {
        Ok(metadata) if metadata.is_dir() => files(&path),
        Ok(metadata) if metadata.is_file() => vec![path],
        _ => Vec::new(),
    };
    paths.filter(|path| path.file_stem().is_none_or(|name| name != "tokens")).flat_map(walk).collect()
}
