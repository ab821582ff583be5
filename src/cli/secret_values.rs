//! The values of settings that are secret, in a command line that is not understood.

use std::ffi::OsString;

use crate::config::keys::{KEYS, Key};
use crate::printable;

/// Hides them: an error repeats the words that are not understood.
pub(super) fn hide(words: &[OsString]) {
    for (at, word) in words.iter().enumerate() {
        let Some(value) = word.to_str().filter(|word| !is_another(word)).and_then(value) else { continue };
        let next = words.get(at + 1).and_then(|word| word.to_str());
        printable::hide(value);
        next.filter(|_| value.is_empty()).into_iter().for_each(printable::hide);
    }
}

/// What is attached to the name of a secret, however that is written.
fn value(word: &str) -> Option<&str> {
    let secrets = KEYS.iter().filter(|key| key.kind.is_secret());
    let attached = secrets.filter_map(|key| word.split_once(key.flag)).map(|(_, value)| value).next()?;
    Some(attached.trim_start_matches(['=', ':']))
}

/// Whether it is a setting that may be shown.
fn is_another(word: &str) -> bool {
    let name = word.split('=').next().and_then(|flag| flag.strip_prefix("--"));
    name.and_then(Key::of_flag).is_some_and(|key| !key.kind.is_secret())
}
