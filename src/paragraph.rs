//! Breaks a message at the ends of words, for a terminal.

/// How far the lines after the first are set in.
const INDENT: &str = "  ";

/// The text in lines of at most `columns` characters. What is quoted, such as a command or a path, stays in one piece, as does
/// a word that is longer: the terminal breaks these itself, and they can still be copied.
pub fn wrap(text: &str, columns: usize) -> String {
    lines("", text, columns, INDENT.len())
}

/// The same beside `label`, below which nothing stands, if there is space beside it.
pub fn hang(label: &str, text: &str, columns: usize) -> String {
    let width = label.chars().count();
    let indent = if width * 2 <= columns { width } else { INDENT.len() };
    lines(label, text, columns, indent)
}

fn lines(label: &str, text: &str, columns: usize, indent: usize) -> String {
    let mut lines = label.to_owned();
    let mut used = label.chars().count();
    for (index, piece) in pieces(text).enumerate() {
        let length = piece.chars().count();
        if index > 0 && used > 0 && used + 1 + length > columns {
            lines.push('\n');
            lines.extend(std::iter::repeat_n(' ', indent));
            used = indent;
        } else if index > 0 && used > 0 {
            lines.push(' ');
            used += 1;
        }
        lines.push_str(piece);
        used += length;
    }
    lines
}

/// The words, each quotation with what adjoins it as one.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = end_of_piece(rest)?;
        let (piece, after) = rest.split_at(end);
        rest = after.strip_prefix(' ').unwrap_or(after);
        Some(piece)
    })
}

fn end_of_piece(text: &str) -> Option<usize> {
    let mut is_quoted = false;
    let mut before = ' ';
    for (at, letter) in text.char_indices() {
        match letter {
            // An apostrophe is within a word, and a quotation may lack its end.
            '\'' if is_quoted => is_quoted = false,
            '\'' if !before.is_alphanumeric() => is_quoted = text[at + 1..].contains('\''),
            ' ' if !is_quoted => return Some(at),
            _ => {}
        }
        before = letter;
    }
    (!text.is_empty()).then_some(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_words_and_quotations_stay_whole() {
        for (text, columns, expected) in [
            ("kubekey: a b", 80, "kubekey: a b"),
            ("kubekey: one two three", 12, "kubekey: one\n  two three"),
            (
                "hint: run 'kubekey login --context prod' again",
                20,
                "hint: run\n  'kubekey login --context prod'\n  again",
            ),
            ("the provider's answer isn't one", 16, "the provider's\n  answer isn't\n  one"),
            ("see https://long.example.com/a/path now", 10, "see\n  https://long.example.com/a/path\n  now"),
            ("a 'quote without an end", 9, "a 'quote\n  without\n  an end"),
            ("two  spaces", 80, "two  spaces"),
            ("", 80, ""),
        ] {
            assert_eq!(wrap(text, columns), expected, "{text}");
        }
    }

    #[test]
    fn beside_a_label_the_lines_begin_below_each_other_unless_that_is_narrow() {
        for (columns, expected) in
            [(80, "ok     one two three"), (14, "ok     one two\n       three"), (13, "ok     one\n  two three")]
        {
            assert_eq!(hang("ok     ", "one two three", columns), expected, "{columns}");
        }
    }
}
