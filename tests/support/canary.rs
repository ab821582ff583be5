//! Secrets that the tests know: they must not be in anything that `kubekey` prints or in the files it leaves.
//!
//! Code that makes or sees a secret registers it here, and every run is searched for all of them. ID tokens are not
//! registered: a JWT begins with `eyJ`.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

use serde_json::{Deserializer, Value};

use super::provider::server::Request;

/// A shorter string may be a word by accident.
const SHORTEST: usize = 16;

/// By their beginnings, so that one pass over a text finds all of them: providers that register a secret meanwhile must not
/// have to wait.
static CANARIES: LazyLock<Mutex<HashMap<[u8; SHORTEST], HashSet<String>>>> = LazyLock::new(Mutex::default);

/// From now on, no run may print or write this.
pub fn tell(secret: &str) {
    if let Some(beginning) = secret.as_bytes().first_chunk() {
        CANARIES.lock().expect("the canaries").entry(*beginning).or_default().insert(secret.to_owned());
    }
}

/// Registers the secrets in a request that the provider received.
pub fn tell_of(request: &Request) {
    const NAMES: [&str; 10] = [
        "state",
        "nonce",
        "code",
        "code_verifier",
        "device_code",
        "refresh_token",
        "client_secret",
        "client_assertion",
        "subject_token",
        "assertion",
    ];
    NAMES.iter().filter_map(|name| request.param(name)).for_each(tell);
    request.header("authorization").and_then(|value| value.split(' ').nth(1)).into_iter().for_each(tell);
}

/// Registers the value of a cookie that the listener has set.
pub fn tell_of_cookie(header: &str) {
    let pair = header.split(';').next().unwrap_or_default();
    pair.split_once('=').into_iter().for_each(|(_, value)| tell(value));
}

/// Asserts that there is no secret in a string that anyone may read.
pub fn assert_none_in(text: &str, what: &str) {
    let mut words = text.split(|character: char| !character.is_ascii_alphanumeric() && !"-_".contains(character));
    // A short one may begin so by accident: the path of a local URL is random.
    assert!(!words.any(|word| word.starts_with("eyJ") && word.len() > SHORTEST), "a JWT in {what}: {text}");
    let (canaries, bytes) = (CANARIES.lock().expect("the canaries"), text.as_bytes());
    let beginnings = bytes.windows(SHORTEST).enumerate().filter_map(|(at, window)| Some((at, canaries.get(window)?)));
    let found = beginnings
        .flat_map(|(at, secrets)| secrets.iter().filter(move |secret| bytes[at..].starts_with(secret.as_bytes())));
    let found: Vec<_> = found.cloned().collect();
    drop(canaries);
    assert!(found.is_empty(), "{found:?} in {what}: {text}");
}

/// Asserts that standard output has no secret except the ID tokens of ExecCredentials.
pub fn assert_none_but_tokens_in(stdout: &str) {
    let documents: Result<Vec<Value>, _> = Deserializer::from_str(stdout).into_iter().collect();
    let Ok(mut documents) = documents else { return assert_none_in(stdout, "stdout") };
    for document in &mut documents {
        document.pointer_mut("/status/token").map(Value::take);
        assert_none_in(&document.to_string(), "stdout");
    }
}

/// Asserts that there is no secret in what `kubekey` writes in these folders, except the file store.
pub fn assert_none_in_files(folders: &[PathBuf]) {
    for file in folders.iter().flat_map(|folder| files(&folder.join("kubekey"))) {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap_or_default()).into_owned();
        assert_none_in(&text, &file.display().to_string());
    }
}

/// Regular files only: a test may have put something there that would block a reader.
fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let walk = |path: PathBuf| match fs::symlink_metadata(&path) {
        Ok(metadata) if metadata.is_dir() => files(&path),
        Ok(metadata) if metadata.is_file() => vec![path],
        _ => Vec::new(),
    };
    paths.filter(|path| path.file_stem().is_none_or(|name| name != "tokens")).flat_map(walk).collect()
}

#[test]
fn a_secret_is_found_wherever_it_is_and_a_random_path_is_none() {
    tell("0123456789abcdef-a-secret-of-the-canaries");
    let is_found = |text: &'static str| std::panic::catch_unwind(|| assert_none_in(text, "a text")).is_err();
    assert!(is_found("xx0123456789abcdef-a-secret-of-the-canariesxx"));
    assert!(is_found("Bearer eyJhbGciOiJSUzI1NiJ9.e30.sig"));
    assert!(!is_found(
        "0123456789abcdef-a-secret-of-the-canarie, http://127.0.0.1:1/4PGeyJZ92tSljX6M and /eyJ4PGZ92tSljX6M"
    ));
}
