//! The location of a setting.

use std::cell::OnceCell;
use std::fmt;
use std::path::Path;
use std::rc::Rc;

use super::shown_lines::shown_lines;

/// The longest part of a line that a message shows, in characters.
const LONGEST_SHOWN: usize = 200;

/// A location in a file.
#[derive(Clone)]
pub struct Place {
    /// The file.
    pub path: Rc<Path>,
    /// The text of the file.
    text: Rc<Text>,
    /// The offset in bytes.
    pub offset: usize,
}

/// The text of a file. The lines are only determined when a message needs one.
struct Text {
    text: Box<str>,
    lines: OnceCell<Lines>,
}

struct Lines {
    /// The offset of each line in bytes.
    starts: Vec<usize>,
    /// Whether each line may be shown.
    are_shown: Vec<bool>,
}

impl Place {
    /// The start of a file with this text.
    pub fn start_of(path: &Path, text: &str) -> Self {
        let text = Text { text: text.into(), lines: OnceCell::new() };
        Self { path: Rc::from(path), text: Rc::new(text), offset: 0 }
    }

    /// Another location in the same file.
    pub fn at(&self, offset: usize) -> Self {
        Self { offset, ..self.clone() }
    }

    /// The text of the file.
    pub fn text(&self) -> &str {
        &self.text.text
    }

    /// The line number, from 1.
    pub fn line(&self) -> usize {
        self.text.lines().starts.partition_point(|start| *start <= self.offset)
    }

    /// The column, in characters from 1.
    pub fn column(&self) -> usize {
        let start = self.text.lines().starts[self.line() - 1];
        self.text().get(start..self.offset).unwrap_or_default().chars().count() + 1
    }

    /// The line itself, for a message; `***` if it may contain a secret or a password.
    pub fn shown_line(&self) -> String {
        let (lines, index) = (self.text.lines(), self.line() - 1);
        let line = self.text()[lines.starts[index]..].lines().next().unwrap_or_default().trim();
        let has_password = line.contains("://") && line.contains('@');
        if lines.are_shown.get(index) == Some(&false) || has_password {
            return "***".to_owned();
        }
        match line.char_indices().nth(LONGEST_SHOWN) {
            Some((end, _)) => format!("{} ...", &line[..end]),
            None => line.to_owned(),
        }
    }
}

impl Text {
    fn lines(&self) -> &Lines {
        self.lines.get_or_init(|| Lines {
            starts: std::iter::once(0).chain(self.text.match_indices('\n').map(|(at, _)| at + 1)).collect(),
            are_shown: shown_lines(&self.text),
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}", self.path.display(), self.line())
    }
}

/// Without the file's text: a client secret may be in it.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a policy key was set.
#[derive(Clone, Debug)]
pub enum PolicyPlace {
    /// A file.
    File(Place),
    /// A registry key or a property list that device management installed.
    Managed(Rc<str>),
}

impl fmt::Display for PolicyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(place) => place.fmt(f),
            Self::Managed(place) => f.write_str(place),
        }
    }
}
