//! Each message of the program is provoked by a test: `tests/messages` compares the texts of `src/` with what the program
//! said in all tests.

use std::collections::BTreeSet;
use std::fs;

use crate::support::said::{END, SAID};
use crate::support::source::{Platform, root};

/// The most characters that a value within a message has.
const LONGEST_VALUE: usize = 1000;

/// The messages that no test provokes, below their reason, which begins with `#`.
const NOT_PROVOKED: &str = include_str!("messages.txt");

#[test]
#[ignore = "it reads what the program said in all tests, see tests/messages"]
#[expect(clippy::print_stdout, reason = "it is for who runs tests/messages")]
fn a_test_provokes_each_message() {
    let said = said();
    assert!(said.iter().map(String::len).sum::<usize>() > 100_000, "the tests did not run with {SAID}");
    let is_said = |text: &str| said.iter().any(|said| said.contains(text) || is_in(&pieces(text), said));
    let all = messages();
    let silent: Vec<_> = all.iter().filter(|(_, text)| !is_said(text)).cloned().collect();
    let listed: BTreeSet<_> = NOT_PROVOKED.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let missing = silent.iter().filter(|(_, text)| !listed.contains(text.trim()));
    let missing: Vec<_> = missing.map(|(place, text)| format!("{place}: {text}\n")).collect();
    assert!(missing.is_empty(), "no test provokes these {}:\n{}", missing.len(), missing.concat());
    let is_one = |line: &str, texts: &[(String, String)]| texts.iter().any(|(_, text)| text.trim() == line);
    let stale: Vec<_> = listed.iter().filter(|line| !is_one(line, &all)).collect();
    assert!(stale.is_empty(), "tests/messages.txt lists what is no message: {stale:#?}");
    // Not an error: some depend on how fast the machine is.
    let provoked = listed.iter().filter(|line| !is_one(line, &silent));
    provoked.for_each(|line| println!("a test provokes what tests/messages.txt lists: {line}"));
}

/// What the program said, each text in one line, without repetitions.
fn said() -> BTreeSet<String> {
    let folder = std::env::var_os(SAID).expect("the folder with what was said");
    let files = fs::read_dir(folder).expect("the folder").map(|entry| fs::read(entry.expect("an entry").path()));
    let text: String = files.map(|file| String::from_utf8_lossy(&file.expect("a file of ours")).into_owned()).collect();
    let of_pages = [("&#39;", "'"), ("&#x27;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&amp;", "&")];
    let text = of_pages.iter().fold(text, |text, (escaped, plain)| text.replace(escaped, plain));
    text.split(END).map(in_one_line).collect()
}

/// The texts that people read, with their places: those of several words.
fn messages() -> Vec<(String, String)> {
    let is_time = |text: &str| text.contains("%Y-%m-%d");
    let is_read = |text: &str| text.trim().contains(' ') && text.contains(char::is_alphabetic) && !is_time(text);
    let texts = Platform::Linux.all_texts(false).into_iter().filter(|(.., text)| is_read(text));
    let errors = fs::read_to_string(root().join("src/oidc/known_errors.toml")).expect("the errors of providers");
    let hints =
        errors.lines().filter_map(|line| Some(line.strip_prefix("hint = \"")?.trim_end_matches('"').to_owned()));
    let hints: Vec<_> =
        hints.map(|hint| ("src/oidc/known_errors.toml".to_owned(), hint.replace("CLIENT", "{}"))).collect();
    texts.map(|(file, line, text)| (format!("{}:{line}", file.display()), in_one_line(&text))).chain(hints).collect()
}

/// Each space, and each end of a line as a terminal's width makes it, as one space.
fn in_one_line(text: &str) -> String {
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let space = |is_there: bool| if is_there { " " } else { "" };
    format!("{}{joined}{}", space(text.starts_with(char::is_whitespace)), space(text.ends_with(char::is_whitespace)))
}

/// The parts of a message between its values, which are in braces.
fn pieces(message: &str) -> Vec<String> {
    let message = message.replace("{{", "\u{1}").replace("}}", "\u{2}");
    let parts = message.split('{').enumerate();
    let parts = parts
        .map(|(index, part)| if index == 0 { part } else { part.split_once('}').map_or(part, |(_, after)| after) });
    parts.map(|part| part.replace('\u{1}', "{").replace('\u{2}', "}")).filter(|part| !part.trim().is_empty()).collect()
}

/// Whether the pieces are in the text, in this order and near each other.
fn is_in(pieces: &[String], text: &str) -> bool {
    let Some((first, rest)) = pieces.split_first() else { return true };
    text.match_indices(first.as_str()).any(|(at, _)| {
        let after = &text[at + first.len()..];
        let end = after.char_indices().nth(LONGEST_VALUE).map_or(after.len(), |(end, _)| end);
        is_in(rest, &after[..end])
    })
}

#[test]
fn a_message_is_found_with_any_values_and_with_no_other_words() {
    let said = in_one_line("kubekey: cannot read 'a': no such\r\n  file\nhint: run 'kubekey status'\n");
    for (message, is_said) in [
        ("cannot read '{}': {error}", true),
        ("cannot read '{}': no such file", true),
        ("run '{}' or", false),
        ("hint: {}read", false),
        ("cannot write '{}'", false),
    ] {
        assert_eq!(is_in(&pieces(message), &said), is_said, "{message}");
    }
}
