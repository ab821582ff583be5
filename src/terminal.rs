//! The only writer to stderr. What it prints is one line a message, and text from outside is made harmless in it.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use crate::error::Error;

/// The longest message, in characters: providers put whole HTML pages into their errors.
const LONGEST: usize = 600;

/// Tells the user what kubekey is doing and what they can do.
pub fn notice(text: &str) {
    line("", text);
}

/// Tells the user about something that went wrong and did not stop the run.
pub fn warning(text: &str) {
    line("warning: ", text);
}

/// Tells the user why the run failed and what to do next.
pub fn error(error: &Error) {
    line("", &error.to_string());
    if !error.what_to_do().is_empty() {
        write_line(&format!("hint: {}", sanitise(error.what_to_do())));
    }
}

fn line(label: &str, text: &str) {
    write_line(&format!("kubekey: {label}{}", sanitise(text)));
}

fn write_line(text: &str) {
    // A closed stderr is no reason to fail, and there is nobody left to tell.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// `text` as one line of at most [`LONGEST`] characters in which control characters, and those that reorder text
/// (bidirectional controls), show as their code points.
pub fn sanitise(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for (index, character) in text.trim_end().chars().enumerate() {
        if index == LONGEST {
            safe.push_str(" ...");
            break;
        }
        match character {
            '\n' | '\r' | '\t' => safe.push(' '),
            character if character.is_control() || is_bidirectional_control(character) => {
                write!(safe, "<U+{:04X}>", u32::from(character)).expect("a String takes all that is written");
            }
            character => safe.push(character),
        }
    }
    safe
}

/// Unicode's Bidi_Control property (UAX #9), and the line and paragraph separators.
fn is_bidirectional_control(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, sanitise};

    #[test]
    fn what_could_move_the_cursor_or_turn_text_around_is_shown_as_its_code_point() {
        assert_eq!(sanitise("a\u{1b}[2Jb\u{9b}c\u{202e}d\u{7}"), "a<U+001B>[2Jb<U+009B>c<U+202E>d<U+0007>");
    }

    #[test]
    fn a_message_is_one_line() {
        assert_eq!(sanitise("a\r\nb\tc\n"), "a  b c");
    }

    #[test]
    fn a_long_message_is_cut() {
        assert_eq!(sanitise(&"x".repeat(LONGEST + 1)), format!("{} ...", "x".repeat(LONGEST)));
    }
}
