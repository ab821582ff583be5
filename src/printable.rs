//! Text from outside, made harmless for a terminal: one line, of bounded length, without control characters and secrets.

use std::fmt::Write as _;
use std::sync::Mutex;

use crate::secret::Secret;

/// The longest message, in characters: providers put whole HTML pages into their errors.
const LONGEST: usize = 600;

/// Replaces the rest of a longer message.
const ELLIPSIS: &str = " ...";

/// The characters that are invisible and not text: Unicode's general category Cf, which includes the bidirectional
/// controls (UAX #9) and the zero-width characters, and Zl and Zp, the separators of lines and paragraphs.
const INVISIBLE: [(char, char); 20] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{180e}', '\u{180e}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{fff9}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0001}', '\u{e0001}'),
    ('\u{e0020}', '\u{e007f}'),
];

/// Secrets that are never printed, whoever repeats them.
static HIDDEN: Mutex<Vec<Secret>> = Mutex::new(Vec::new());

/// The shortest secret that is hidden, in bytes: a shorter one would also take parts out of words.
const SHORTEST_HIDDEN: usize = 8;

/// Hides a secret in all that is printed from here on. It must be hidden before it is sent: a provider may quote in
/// its error what it refuses.
pub fn hide(secret: &str) {
    if let Ok(mut hidden) = HIDDEN.lock()
        && secret.len() >= SHORTEST_HIDDEN
    {
        hidden.push(Secret::new(secret));
    }
}

/// `text` as one line of at most 600 characters: secrets are hidden, and control and invisible characters show as
/// their code points.
pub fn sanitise(text: &str) -> String {
    let text = without_secrets(text);
    let mut safe = String::with_capacity(text.len());
    let mut length = 0;
    let mut fits = 0;
    for character in text.trim_end_matches(['\r', '\n']).chars() {
        let before = safe.len();
        push(&mut safe, character);
        length += safe[before..].chars().count();
        if length > LONGEST {
            safe.truncate(fits);
            safe.push_str(ELLIPSIS);
            break;
        }
        if length <= LONGEST - ELLIPSIS.len() {
            fits = safe.len();
        }
    }
    safe
}

/// The same of any length, for requested values, which are not messages.
pub fn sanitise_whole(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    without_secrets(text).chars().for_each(|character| push(&mut safe, character));
    safe
}

/// A short text of which each control character shows as its code point, line breaks and tabs too: where these are the
/// mistake, they must be visible.
pub fn with_code_points(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    text.chars().for_each(|character| match character.is_control() {
        true => push_code_point(&mut shown, character),
        false => shown.push(character),
    });
    shown
}

/// Whether every character of a text is shown as itself, so that it can be copied from what is printed.
pub fn is_plain(text: &str) -> bool {
    !text.chars().any(is_not_shown)
}

/// A text in double quotes of JSON, which is one of TOML and of YAML then, too, with what is not shown as their escapes.
pub fn escaped(quoted: &str) -> String {
    let mut text = String::with_capacity(quoted.len());
    for character in quoted.chars() {
        match u32::from(character) {
            _ if !is_not_shown(character) => text.push(character),
            code @ ..=0xffff => write!(text, "\\u{code:04x}").expect("a String takes all that is written"),
            code => write!(text, "\\U{code:08x}").expect("a String takes all that is written"),
        }
    }
    text
}

fn without_secrets(text: &str) -> String {
    let hidden = HIDDEN.lock();
    let secrets = hidden.iter().flat_map(|hidden| hidden.iter());
    secrets.fold(text.to_owned(), |text, secret| text.replace(secret.expose(), "<hidden>"))
}

fn push(safe: &mut String, character: char) {
    match character {
        '\n' | '\r' | '\t' => safe.push(' '),
        character if is_not_shown(character) => push_code_point(safe, character),
        character => safe.push(character),
    }
}

fn is_not_shown(character: char) -> bool {
    character.is_control() || INVISIBLE.iter().any(|(first, last)| (*first..=*last).contains(&character))
}

fn push_code_point(safe: &mut String, character: char) {
    write!(safe, "<U+{:04X}>", u32::from(character)).expect("a String takes all that is written");
}
