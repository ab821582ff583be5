//! The typed line, and how it is shown.

use std::fmt::Write as _;

use rustix::termios::tcgetwinsize;

use super::keys::Key;
use crate::printable::sanitise_whole;

/// The columns of a terminal that does not report its width.
const COLUMNS: usize = 80;

/// The fewest columns for an answer in the same line as its question.
const FEWEST: usize = 20;

/// How many names are shown at once, if there are several to choose from.
const SHOWN: usize = 20;

/// The longest line, in characters; anything pasted beyond that is dropped. Linux accepts no longer path.
const LONGEST: usize = 4096;

/// Separates a long question and its answer.
const NEXT_LINE: &str = "\n> ";

/// Lists all strings that a string can be completed to with Tab.
pub type Complete<'a> = &'a dyn Fn(&str) -> Vec<String>;

/// The typed line, of which as much is shown as fits.
pub struct Line<'a> {
    question: &'a str,
    /// The characters typed.
    pub text: Vec<char>,
    cursor: usize,
    /// The terminal's width, where the answer begins, and how wide it may be, in columns.
    columns: usize,
    start: usize,
    width: usize,
    write: &'a dyn Fn(&str),
}

impl<'a> Line<'a> {
    /// An empty line after this question.
    pub fn new(question: &'a str, write: &'a dyn Fn(&str)) -> Self {
        Self { question, text: Vec::new(), cursor: 0, columns: COLUMNS, start: 0, width: 0, write }
    }

    /// The line as a string.
    pub fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// Shows the question, and what was typed.
    pub fn begin(&mut self) {
        self.columns = columns();
        self.start = self.question.len() % self.columns;
        // Only the terminal knows where a question with other characters ends.
        let is_beside = self.question.is_ascii() && self.start + FEWEST <= self.columns;
        if !is_beside {
            self.start = NEXT_LINE.len() - 1;
        }
        self.width = self.columns.saturating_sub(self.start + 1).max(1);
        (self.write)(self.question);
        if !is_beside {
            (self.write)(NEXT_LINE);
        }
        if !self.text.is_empty() {
            self.show();
        }
    }

    /// Starts again further down if the width of the terminal has changed: how it has rearranged the lines above is
    /// unknown.
    pub fn follow_width(&mut self) {
        if columns() != self.columns {
            // ECMA-48 §8.3.39: erase to the end of the page.
            (self.write)("\x1b[J\n");
            self.begin();
        }
    }

    /// Applies a key to the line.
    pub fn edit(&mut self, key: Key) {
        let is_at_end = self.cursor == self.text.len();
        match key {
            Key::Char(_) if self.text.len() >= LONGEST => return,
            Key::Char(character) => {
                self.text.insert(self.cursor, character);
                self.cursor += 1;
                let all = shown(&self.text);
                if is_at_end && columns_of(&all) <= self.width {
                    return (self.write)(&shown(&[character]));
                }
            }
            Key::Left => self.cursor = self.cursor.saturating_sub(1),
            Key::Right => self.cursor = (self.cursor + 1).min(self.text.len()),
            Key::First => self.cursor = 0,
            Key::Last => self.cursor = self.text.len(),
            Key::Backspace => self.erase(self.cursor.saturating_sub(1), self.cursor),
            Key::Delete | Key::End => self.erase(self.cursor, (self.cursor + 1).min(self.text.len())),
            Key::EraseBefore => self.erase(0, self.cursor),
            Key::EraseAfter => self.erase(self.cursor, self.text.len()),
            Key::EraseWord => self.erase(self.start_of_word(), self.cursor),
            Key::Enter | Key::Tab | Key::Up | Key::Signal(_) | Key::Nothing => return,
        }
        self.show();
    }

    /// Replaces the line.
    pub fn replace(&mut self, text: &str) {
        self.text = text.chars().collect();
        self.cursor = self.text.len();
        self.show();
    }

    fn erase(&mut self, from: usize, to: usize) {
        self.text.drain(from..to);
        self.cursor = from;
    }

    fn start_of_word(&self) -> usize {
        let before = &self.text[..self.cursor];
        let end = before.iter().rposition(|c| !c.is_whitespace()).unwrap_or(0);
        before[..end].iter().rposition(|c| c.is_whitespace()).map_or(0, |space| space + 1)
    }

    /// Adds what all completions of this line have in common; if that is nothing, shows them.
    pub fn complete(&mut self, complete: Complete<'_>) {
        if self.cursor < self.text.len() {
            return;
        }
        let text = self.text();
        let all = complete(&text);
        let Some(first) = all.first() else { return };
        let common = all.iter().fold(first.as_str(), |common, other| common_start(common, other));
        if common.len() > text.len() {
            return self.replace(common);
        }
        if all.len() > 1 {
            let names = all.iter().take(SHOWN).fold(String::new(), |mut names, name| {
                let _ = write!(names, "\n  {}", sanitise_whole(name));
                names
            });
            let more = if all.len() > SHOWN { "\n  ...\n" } else { "\n" };
            (self.write)(&format!("{names}{more}"));
            self.begin();
        }
    }

    /// Draws the answer again, moved to the left as far as the cursor needs it. The terminal saves the position of the
    /// cursor: only the terminal knows how wide each character is.
    fn show(&self) {
        let (before, after) = (shown(&self.text[..self.cursor]), shown(&self.text[self.cursor..]));
        let before: String = fitting(before.chars().rev(), self.width).rev().collect();
        let after: String = fitting(after.chars(), self.width - columns_of(&before)).collect();
        let start = self.start + 1;
        // ECMA-48 §8.3.9 and §8.3.41: to a column, and erase to the end of the line; VT100: save the cursor, and
        // restore it.
        (self.write)(&format!("\x1b[{start}G{before}\x1b7{after}\x1b[K\x1b8"));
    }
}

/// The terminal's width.
fn columns() -> usize {
    let columns = tcgetwinsize(rustix::stdio::stdin()).map_or(0, |size| usize::from(size.ws_col));
    if columns == 0 { COLUMNS } else { columns }
}

/// The most columns that a string takes. Only ASCII characters have the same width in all terminals, and none shows a
/// character wider than two columns.
fn columns_of(text: &str) -> usize {
    text.chars().map(most_columns).sum()
}

fn most_columns(character: char) -> usize {
    if character.is_ascii() { 1 } else { 2 }
}

/// As many of these characters, from the first on, as fit into `columns`.
fn fitting(characters: impl Iterator<Item = char>, columns: usize) -> std::vec::IntoIter<char> {
    let mut left = columns;
    let fits = |character: &char| {
        let rest = left.checked_sub(most_columns(*character));
        left = rest.unwrap_or_default();
        rest.is_some()
    };
    characters.take_while(fits).collect::<Vec<_>>().into_iter()
}

fn shown(text: &[char]) -> String {
    sanitise_whole(&text.iter().collect::<String>())
}

fn common_start<'a>(one: &'a str, other: &str) -> &'a str {
    let same = one.char_indices().zip(other.chars()).find(|((_, one), other)| one != other);
    match same {
        Some(((at, _), _)) => &one[..at],
        None => &one[..one.len().min(other.len())],
    }
}
