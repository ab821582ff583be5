//! What the user of a command has just read: `kubectl get` runs a plugin that fails five times, and the same text five
//! times would push its first line, and the hint with it, off the screen.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use chrono::Utc;

use crate::config::platform;
use crate::environment::variable;
use crate::error::Error;
use crate::reader::command_id;
use crate::{atomic_file, own_file};

/// How long, in seconds, an error is remembered. A program that continues to poll prints it again after that.
const REMEMBERED: i64 = 60;

/// How many errors are remembered, for all commands together.
const MOST: usize = 16;

/// Returns `error`, or one line instead of it if the program that runs this kubekey as its plugin was told the same a
/// moment ago. A command that a person runs always prints all of it.
pub fn once(error: Error) -> Error {
    let dir = platform::lock_dirs().into_iter().next();
    match (variable("KUBERNETES_EXEC_INFO"), command_id(), dir) {
        (Some(exec_info), Some(command), Some(dir)) if !error.is_told() => {
            let is_known = is_known(&dir.join("told"), &format!("{command}-{:x}", digest(&error, &exec_info)));
            if is_known { error.told() } else { error }
        }
        _ => error,
    }
}

/// What distinguishes this error from others. Digits do not count: the remaining seconds of a cool-down change.
fn digest(error: &Error, exec_info: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    std::env::args_os().collect::<Vec<_>>().hash(&mut hasher);
    exec_info.hash(&mut hasher);
    format!("{error}\n{}", error.what_to_do())
        .replace(|character: char| character.is_ascii_digit(), "")
        .hash(&mut hasher);
    hasher.finish()
}

/// Whether `name` is in the file; adds it if it is not. Two runs at once may lose one entry; its error is then printed
/// twice.
fn is_known(path: &Path, name: &str) -> bool {
    let now = Utc::now().timestamp();
    let text = String::from_utf8(own_file::read(path).unwrap_or_default()).unwrap_or_default();
    let is_recent = |line: &&str| {
        let at: Option<i64> = line.split_once(' ').and_then(|(at, _)| at.parse().ok());
        at.is_some_and(|at| (0..REMEMBERED).contains(&now.saturating_sub(at)))
    };
    let recent: Vec<_> = text.lines().filter(is_recent).collect();
    if recent.iter().any(|line| line.split_once(' ').is_some_and(|(_, known)| known == name)) {
        return true;
    }
    let kept = recent.iter().rev().take(MOST - 1).rev().map(|line| (*line).to_owned());
    let lines: Vec<_> = kept.chain([format!("{now} {name}")]).collect();
    let _ = atomic_file::write(path, lines.join("\n").as_bytes());
    false
}
