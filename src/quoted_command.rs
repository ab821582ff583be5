//! Commands that a sentence quotes, to be copied.

use crate::printable::is_plain;

/// How they begin.
const STARTS: [&str; 2] = ["'kubekey ", "'kubectl "];

/// Replaces a word that cannot be copied from what is printed.
const ELLIPSIS: &str = "...";

/// The sentence with an ellipsis for each word of such a command that has invisible characters: what is shown in place of
/// them would be another name.
pub fn with_plain_commands(sentence: &str) -> String {
    let (mut plain, mut rest) = (String::with_capacity(sentence.len()), sentence);
    while let Some(start) = STARTS.iter().filter_map(|start| rest.find(start)).min().filter(|_| !is_plain(rest)) {
        let (before, command) = rest.split_at(start + 1);
        let (words, after) = command.split_at(length(command));
        plain += before;
        plain.extend(pieces(words).into_iter().map(|word| if is_plain(word) { word } else { ELLIPSIS }));
        rest = after;
    }
    plain + rest
}

/// The length of a command, which ends before the apostrophe that closes it.
fn length(command: &str) -> usize {
    let (mut quote, mut before) = (None, ' ');
    for (at, character) in command.char_indices() {
        match (quote, character) {
            (None, '\'') if ![' ', '='].contains(&before) => return at,
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
        before = character;
    }
    command.len()
}

/// Its words, and what separates them: a value is separate from its flag.
fn pieces(words: &str) -> Vec<&str> {
    let (mut pieces, mut start, mut quote) = (Vec::new(), 0, None);
    for (at, character) in words.char_indices() {
        match (quote, character) {
            (None, ' ' | '=') => {
                pieces.extend([&words[start..at], &words[at..=at]]);
                start = at + 1;
            }
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
    }
    pieces.push(&words[start..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_cannot_be_copied_is_left_out_of_a_command_and_nowhere_else() {
        for (sentence, expected) in [
            ("run 'kubekey login --context prod'", "run 'kubekey login --context prod'"),
            ("run 'kubekey login --context \"x\u{200b}\"', or not", "run 'kubekey login --context ...', or not"),
            (
                "with 'kubectl config set-cluster \"a b\u{200b}\" --kubeconfig=\"\u{202e}\"'",
                "with 'kubectl config set-cluster ... --kubeconfig=...'",
            ),
            ("'kubekey login --context '$\u{200b} x' --browser'", "'kubekey login --context ... --browser'"),
            ("context 'x\u{200b}': 'kubekey status'", "context 'x\u{200b}': 'kubekey status'"),
            ("'kubekey status' and 'x\u{200b}'", "'kubekey status' and 'x\u{200b}'"),
            ("'kubekey login --context \u{200b}", "'kubekey login --context ..."),
        ] {
            assert_eq!(with_plain_commands(sentence), expected, "{sentence}");
        }
    }
}
