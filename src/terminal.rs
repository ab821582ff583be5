//! The only writer to stderr. What it prints is one line a message, and text from outside is made harmless in it.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::Mutex;

use crate::error::Error;
use crate::log::{self, Level};
use crate::secret::Secret;

/// The longest message, in characters: providers put whole HTML pages into their errors.
const LONGEST: usize = 600;

/// What stands for the rest of a longer one.
const ELLIPSIS: &str = " ...";

/// The characters that are no text and show as nothing: Unicode's general category Cf, with the bidirectional controls
/// (UAX #9) and the zero-width characters among them, and Zl and Zp, the separators of lines and paragraphs.
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

/// What is never printed, whoever repeats it.
static HIDDEN: Mutex<Vec<Secret>> = Mutex::new(Vec::new());

/// A shorter secret would take parts out of words, in bytes.
const SHORTEST_HIDDEN: usize = 8;

/// Keeps a secret that is about to be sent out of all that is printed from here on: a provider may quote in its error what
/// it refuses.
pub fn hide(secret: &str) {
    if let Ok(mut hidden) = HIDDEN.lock()
        && secret.len() >= SHORTEST_HIDDEN
    {
        hidden.push(Secret::new(secret));
    }
}

/// Tells the user what kubekey is doing and what they can do.
pub fn notice(text: &str) {
    if log::is_on(Level::Info) {
        write_line("kubekey: ", text);
    }
}

/// Tells the user what they have to do for the run to go on, and where: said at every level.
pub fn request(text: &str) {
    write_line("kubekey: ", text);
}

/// Tells the user about something that went wrong and did not stop the run.
pub fn warning(text: &str) {
    if log::is_on(Level::Warn) {
        write_line("kubekey: warning: ", text);
    }
}

/// Tells the user why the run failed and what to do next.
pub fn error(error: &Error) {
    write_line("kubekey: ", &error.to_string());
    if !error.what_to_do().is_empty() {
        write_line("hint: ", error.what_to_do());
    }
}

/// Tells whoever asked for it by [`log::start`].
pub(crate) fn log(level: &'static str, text: &str) {
    write_line(&format!("kubekey: {level}"), text);
}

/// Whether a person is there who reads what is asked here and can answer it.
#[expect(clippy::disallowed_methods, reason = "nothing is written")]
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks that person for one line, without the spaces around it; an empty one is the default, which is shown if there is
/// one. `None` at the end of the input.
pub fn ask(question: &str, default: &str) -> Option<String> {
    let shown = if default.is_empty() { String::new() } else { format!(" [{default}]") };
    write(&format!("kubekey: {}: ", sanitise(&format!("{question}{shown}"))));
    let mut line = Vec::new();
    let is_read = io::stdin().lock().read_until(b'\n', &mut line).is_ok_and(|length| length > 0);
    if !line.ends_with(b"\n") {
        write("\n");
    }
    let answer = String::from_utf8_lossy(&line);
    let answer = if answer.trim().is_empty() { default } else { answer.trim() };
    is_read.then(|| answer.to_owned())
}

fn write_line(label: &str, text: &str) {
    write(&format!("{label}{}\n", sanitise(text)));
}

/// The one way out, which nothing goes around: `clippy.toml` forbids the standard library's everywhere else.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
fn write(text: &str) {
    // A closed stderr is no reason to fail, and there is nobody left to tell.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// `text` as one line of at most [`LONGEST`] characters, in which those that are no text show as their code points, and
/// without what is to be hidden.
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

/// The same of any length, for what is no message: values that are asked for.
pub fn sanitise_whole(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    without_secrets(text).chars().for_each(|character| push(&mut safe, character));
    safe
}

fn without_secrets(text: &str) -> String {
    let hidden = HIDDEN.lock();
    let secrets = hidden.iter().flat_map(|hidden| hidden.iter());
    secrets.fold(text.to_owned(), |text, secret| text.replace(secret.expose(), "<hidden>"))
}

fn push(safe: &mut String, character: char) {
    let is_invisible = |character| INVISIBLE.iter().any(|(first, last)| (*first..=*last).contains(&character));
    match character {
        '\n' | '\r' | '\t' => safe.push(' '),
        character if character.is_control() || is_invisible(character) => {
            write!(safe, "<U+{:04X}>", u32::from(character)).expect("a String takes all that is written");
        }
        character => safe.push(character),
    }
}
