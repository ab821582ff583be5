//! Words of a shell: in messages, to be copied into one, and in commands that a user gives.

use std::path::Path;

/// Quotes a word so that every shell reads it, those of Windows included, where that is possible.
pub fn quoted(text: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "_./:@-+".contains(character);
    match text {
        _ if !text.is_empty() && text.chars().all(is_plain) => text.to_owned(),
        // cmd takes an apostrophe as it is.
        _ if text.contains(['"', '$', '`', '!', '%']) || (text.contains('\\') && !cfg!(windows)) => {
            // fish reads a backslash within apostrophes as the start of an escape.
            let escaped = |character| match character {
                '\'' => r"'\''".to_owned(),
                '\\' if !cfg!(windows) => r"'\\'".to_owned(),
                other => other.to_string(),
            };
            format!("'{}'", text.chars().map(escaped).collect::<String>())
        }
        _ => format!("\"{text}\""),
    }
}

/// Splits a command of a user's, or an administrator's, into its program and arguments as a shell of this system would, and does
/// nothing else that a shell would do. There is at least one word.
///
/// # Errors
/// What is wrong with it, in words.
pub fn split(command: &str) -> Result<Vec<String>, String> {
    // For kubelogin the whole string is one program, which may have spaces in its path.
    if Path::new(command).is_absolute() && Path::new(command).exists() {
        return Ok(vec![command.to_owned()]);
    }
    split_on(command, cfg!(windows))
}

/// Whether a command can be split, without a look at the file system.
///
/// # Errors
/// As [`split`].
pub fn require_words(command: &str) -> Result<(), String> {
    split_on(command, cfg!(windows)).map(drop)
}

fn split_on(command: &str, is_windows: bool) -> Result<Vec<String>, String> {
    match if is_windows { windows_words(command) } else { shlex::split(command) } {
        None => Err(format!("a quote in '{command}' is not closed")),
        Some(words) if words.is_empty() => Err("the command is empty".into()),
        Some(words) => Ok(words),
    }
}

/// On Windows a backslash separates folders, and an apostrophe may be part of a name: it only quotes at the start of a word,
/// as in PowerShell. `None` if a quote is not closed.
fn windows_words(command: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = command.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' | '\'' if character == '"' || word.is_none() => {
                let (quoted, rest) = characters.as_str().split_once(character)?;
                word.get_or_insert_default().push_str(quoted);
                characters = rest.chars();
            }
            character if character.is_whitespace() => words.extend(word.take()),
            character => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_split_as_on_its_system() {
        const OPEN: &str = "is not closed";
        const EMPTY: &str = "is empty";
        // A command, and its words, or the error, on Windows and elsewhere.
        for (command, on_windows, elsewhere) in [
            ("firefox --new-window %s", "firefox|--new-window|%s", "firefox|--new-window|%s"),
            ("  firefox\t-x ", "firefox|-x", "firefox|-x"),
            (r#""C:\Program Files\x\y.exe" %s"#, r"C:\Program Files\x\y.exe|%s", r"C:\Program Files\x\y.exe|%s"),
            (r"'C:\Program Files\x\y.exe' %s", r"C:\Program Files\x\y.exe|%s", r"C:\Program Files\x\y.exe|%s"),
            (r"C:\x\y.exe --profile=a\b", r"C:\x\y.exe|--profile=a\b", "C:xy.exe|--profile=ab"),
            (r"C:\Users\O'Brien\y.exe %s", r"C:\Users\O'Brien\y.exe|%s", OPEN),
            (r#"C:\x\ -a="two words"b"#, r"C:\x\|-a=two wordsb", "C:x -a=two wordsb"),
            (r#"\\server\share\y.exe """#, r"\\server\share\y.exe|", r"\serversharey.exe|"),
            (r"two\ words", r"two\|words", "two words"),
            ("--url=%s 'é ü'", "--url=%s|é ü", "--url=%s|é ü"),
            ("x \"y", OPEN, OPEN),
            ("x 'y", OPEN, OPEN),
            ("", EMPTY, EMPTY),
            ("   ", EMPTY, EMPTY),
        ] {
            for (is_windows, expected) in [(true, on_windows), (false, elsewhere)] {
                match split_on(command, is_windows) {
                    Ok(words) => assert_eq!(words.join("|"), expected, "{command} {is_windows}"),
                    Err(why) => assert!(why.ends_with(expected), "{command} {is_windows}: {why}"),
                }
            }
        }
    }
}
