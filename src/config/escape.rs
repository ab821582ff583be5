//! Backslashes in double quotes, which TOML takes for the beginning of an escape: `"C:\temp"` has a tab in it.

use toml::Spanned;
use toml::de::DeValue;

use super::keys::Key;
use super::place::Place;

/// What to do about a path whose backslashes were taken for escapes.
pub const HINT: &str =
    "in double quotes a backslash begins an escape: write the value in single quotes, or each backslash twice";

/// The escapes for a control character that are also the beginning of a file's name.
const CONTROLS: [(char, &str); 6] = [
    ('t', "a tab"),
    ('n', "a line break"),
    ('r', "a carriage return"),
    ('b', "a backspace"),
    ('f', "a form feed"),
    ('e', "the escape character"),
];

/// The settings with a path, a command or a URL, which contain no control character.
const PLACES: [&str; 9] = [
    "client-key",
    "client-secret-file",
    "subject-token-file",
    "certificate-authority",
    "redirect-url",
    "browser-command",
    "token-dir",
    "template-dir",
    "post-login-url",
];

/// The same as [`in_value`] for a setting, if it has a path, a command or a URL.
pub(super) fn in_setting(start: &Place, key: &Key, value: &Spanned<DeValue<'_>>) -> Option<(usize, String)> {
    PLACES.contains(&key.flag).then(|| in_value(start, &key.name(), value)).flatten()
}

/// Where the value of `name`, or an element of it, has an escape for a control character, and what is wrong with that.
/// `start` is that of the file.
pub fn in_value(start: &Place, name: &str, value: &Spanned<DeValue<'_>>) -> Option<(usize, String)> {
    match value.get_ref() {
        DeValue::Array(array) => array.iter().find_map(|element| in_value(start, name, element)),
        DeValue::String(text) if text.contains(char::is_control) => {
            let why = control_character(start.text().get(value.span())?)?;
            Some((value.span().start, format!("{name} contains a control character: {why}")))
        }
        _ => None,
    }
}

/// The first escape for a control character in a string as the file has it, in words.
fn control_character(source: &str) -> Option<String> {
    let mut characters = source.strip_prefix('"')?.chars();
    while let Some(character) = characters.next() {
        let escaped = (character == '\\').then(|| characters.next()).flatten();
        if let Some((letter, name)) = CONTROLS.iter().find(|(letter, _)| Some(*letter) == escaped) {
            return Some(format!(r"'\{letter}' in double quotes is {name}"));
        }
    }
    None
}

/// The backslash and the letter that are not an escape, if that is what a parser has rejected after `read`.
pub(super) fn unknown(read: &str, rest: &str) -> Option<String> {
    let line = read.rsplit('\n').next().unwrap_or_default();
    // An escape by number begins with one of these letters.
    let number = line.trim_end_matches(|digit: char| digit.is_ascii_hexdigit()).strip_suffix(['x', 'u', 'U']);
    let number = number.and_then(|line| line.strip_suffix('\\'));
    let (before, after) = match (number, line.strip_suffix('\\')) {
        (Some(before), _) => (before, &line[before.len() + 1..]),
        (None, before) => (before?, rest),
    };
    let letter = after.chars().next().filter(|letter| !letter.is_control())?;
    before.contains('"').then(|| format!(r"'\{letter}' in double quotes is not an escape"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_for_a_control_character_is_found_in_double_quotes_alone() {
        for (source, expected) in [
            (r#""C:\temp""#, Some(r"'\t' in double quotes is a tab")),
            (r#""C:\\a\new""#, Some(r"'\n' in double quotes is a line break")),
            (r#"""#, None),
            (r#""C:\\temp\\""#, None),
            (r#""C:\"temp""#, None),
            (r"'C:\temp'", None),
            (r"1", None),
        ] {
            assert_eq!(control_character(source).as_deref(), expected, "{source}");
        }
    }

    #[test]
    fn what_is_no_escape_is_named_wherever_the_parser_stops() {
        for (read, rest, letter) in [
            (r#"a = "C:\"#, r#"Program Files""#, Some('P')),
            (r#"a = "C:\U"#, r#"sers""#, Some('U')),
            (r#"a = "C:\xe"#, r#"nd""#, Some('x')),
            (r#"a = "C:\dead\"#, r#"Q""#, Some('Q')),
            (r"a = ", r"C:\temp", None),
            (r"a = 'C:\", r"' 1", None),
            ("a = \"C:\\\nb", "= 1", None),
        ] {
            let expected = letter.map(|letter| format!(r"'\{letter}' in double quotes is not an escape"));
            assert_eq!(unknown(read, rest), expected, "{read}");
        }
    }
}
