//! The string literals of `src/` that are compiled for a platform, by a simple reading of `mod`, `#[cfg(...)]` and
//! `if cfg!(...)`.

use std::fs;
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::str::Chars;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    /// A string literal, and in the command line also a doc comment: clap prints it.
    Text(String, usize),
    Sign(char),
}

#[derive(Clone, Copy, PartialEq)]
pub enum Platform {
    Linux,
    MacOs,
    Windows,
}

impl Platform {
    /// The texts of the whole program, with their files and lines; those of `--help` are doc comments.
    pub fn all_texts(self, has_help: bool) -> Vec<(PathBuf, usize, String)> {
        let mut texts = Vec::new();
        for file in ["src/lib.rs", "src/main.rs"] {
            self.texts(Path::new(file), has_help, &mut texts);
        }
        texts
    }

    /// The texts of this source.
    pub fn texts_in(self, source: &str) -> Vec<String> {
        let kept = self.kept(source, false);
        let text = |token| if let Token::Text(text, _) = token { Some(text) } else { None };
        kept.into_iter().filter_map(text).collect()
    }

    /// Whether a condition such as `all(unix, not(target_os = "macos"))` holds; one for tests does not.
    fn holds(self, condition: &[Token]) -> bool {
        let (Some(Token::Word(name)), rest) = (condition.first(), &condition[1..]) else { panic!("{condition:?}") };
        let parts = || split(inside(rest)).into_iter().map(|part| self.holds(part));
        match (name.as_str(), rest.last()) {
            ("not", _) => !parts().next().unwrap(),
            ("all", _) => parts().all(|part| part),
            ("any", _) => parts().any(|part| part),
            ("windows", _) => self == Self::Windows,
            ("unix", _) => self != Self::Windows,
            ("target_os", Some(Token::Text(os, _))) => match self {
                Self::Linux => os == "linux",
                Self::MacOs => os == "macos",
                Self::Windows => os == "windows",
            },
            ("test" | "debug_assertions" | "feature" | "fuzzing" | "target_env" | "target_arch", _) => false,
            other => panic!("a condition that this test does not know: {other:?}"),
        }
    }

    /// The texts of a file and of its modules, as far as they are compiled for this platform.
    fn texts(self, file: &Path, has_help: bool, found: &mut Vec<(PathBuf, usize, String)>) {
        let source = fs::read_to_string(root().join(file)).unwrap();
        let kept = self.kept(&source, has_help && (file.starts_with("src/cli") || file == Path::new("src/cli.rs")));
        for (index, token) in kept.iter().enumerate() {
            match (token, kept.get(index + 1), kept.get(index + 2)) {
                (Token::Text(text, line), ..) => found.push((file.to_owned(), *line, text.clone())),
                (Token::Word(word), Some(Token::Word(name)), Some(Token::Sign(';'))) if word == "mod" => {
                    self.texts(&module(file, name, path_before(&kept[..index])), has_help, found);
                }
                _ => {}
            }
        }
    }

    fn kept(self, source: &str, has_help: bool) -> Vec<Token> {
        let mut kept = Vec::new();
        self.compiled(&tokens(source, has_help), &mut kept);
        kept
    }

    /// Copies the tokens that are compiled for this platform.
    fn compiled(self, tokens: &[Token], kept: &mut Vec<Token>) {
        let mut rest = tokens;
        while let Some(token) = rest.first() {
            if let Some((condition, after)) = condition(rest, &["#", "[", "cfg", "("]) {
                // Past the `]`.
                rest = if self.holds(condition) { &after[1..] } else { after_item(&after[1..]) };
            } else if let Some((condition, after)) = condition(rest, &["if", "cfg", "!", "("])
                && after.first() == Some(&Token::Sign('{'))
            {
                let (body, mut after) = group(after);
                let is_other = after.first() == Some(&Token::Word("else".into()));
                if self.holds(condition) {
                    self.compiled(body, kept);
                    while after.first() == Some(&Token::Word("else".into())) {
                        let brace = after.iter().position(|token| *token == Token::Sign('{')).unwrap();
                        after = group(&after[brace..]).1;
                    }
                } else if is_other {
                    after = &after[1..];
                }
                rest = after;
            } else if let Some((parts, after)) = condition(rest, &["#", "[", "cfg_attr", "("])
                && let [condition, doc] = split(parts)[..]
                && doc.first() == Some(&Token::Word("doc".into()))
            {
                if self.holds(condition) {
                    kept.extend_from_slice(doc);
                }
                rest = &after[1..];
            } else if is_silent_attribute(rest) {
                rest = group(&rest[1..]).1;
            } else if is_panic(rest) {
                rest = &rest[1..];
                while !matches!(rest.first(), Some(Token::Sign('('))) {
                    rest = &rest[1..];
                }
                rest = group(rest).1;
            } else {
                kept.push(token.clone());
                rest = &rest[1..];
            }
        }
    }
}

/// Attributes whose texts are for readers of the code.
fn is_silent_attribute(tokens: &[Token]) -> bool {
    let [Token::Sign('#'), Token::Sign('['), Token::Word(name), ..] = tokens else { return false };
    ["expect", "allow", "cfg_attr", "deprecated", "must_use"].contains(&name.as_str())
}

/// The message of a panic is for readers of the code, too.
fn is_panic(tokens: &[Token]) -> bool {
    let [Token::Word(name), Token::Sign(sign), ..] = tokens else { return false };
    name == "expect" && *sign == '(' || ["panic", "unreachable"].contains(&name.as_str()) && *sign == '!'
}

/// The condition in parentheses after a beginning, and what follows.
fn condition<'t>(tokens: &'t [Token], beginning: &[&str]) -> Option<(&'t [Token], &'t [Token])> {
    let is_next = |(token, text): (&Token, &&str)| match token {
        Token::Word(word) => word == text,
        Token::Sign(sign) => text.len() == 1 && text.starts_with(*sign),
        Token::Text(..) => false,
    };
    let begins = tokens.len() > beginning.len() && tokens.iter().zip(beginning).all(is_next);
    begins.then(|| group(&tokens[beginning.len() - 1..]))
}

/// What is inside of the brackets that `tokens` begins with, and what follows them.
fn group(tokens: &[Token]) -> (&[Token], &[Token]) {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate() {
        match token {
            Token::Sign('(' | '[' | '{') => depth += 1,
            Token::Sign(')' | ']' | '}') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (&tokens[1..index], &tokens[index + 1..]);
        }
    }
    panic!("brackets without an end")
}

fn inside(tokens: &[Token]) -> &[Token] {
    group(tokens).0
}

/// Splits at the commas that are not in brackets.
fn split(tokens: &[Token]) -> Vec<&[Token]> {
    let mut depth = 0;
    let parts = tokens.split(|token| {
        match token {
            Token::Sign('(') => depth += 1,
            Token::Sign(')') => depth -= 1,
            _ => {}
        }
        depth == 0 && *token == Token::Sign(',')
    });
    parts.filter(|part| !part.is_empty()).collect()
}

/// What follows the item, statement, field or arm that `tokens` begins with.
fn after_item(mut tokens: &[Token]) -> &[Token] {
    while tokens.first() == Some(&Token::Sign('#')) {
        tokens = group(&tokens[1..]).1;
    }
    let is_list = matches!(tokens.first(), Some(Token::Word(word)) if !ITEMS.contains(&word.as_str()));
    while let Some(token) = tokens.first() {
        match token {
            Token::Sign('{') => return group(tokens).1,
            Token::Sign('(' | '[') => tokens = group(tokens).1,
            Token::Sign(';') => return &tokens[1..],
            Token::Sign(',') if is_list => return &tokens[1..],
            Token::Sign('}' | ')' | ']') => return tokens,
            _ => tokens = &tokens[1..],
        }
    }
    tokens
}

const ITEMS: [&str; 14] =
    ["pub", "fn", "mod", "impl", "const", "static", "use", "struct", "enum", "type", "trait", "unsafe", "async", "let"];

/// The tokens of a source, without comments.
fn tokens(source: &str, has_help: bool) -> Vec<Token> {
    let (mut tokens, mut line) = (Vec::new(), 1);
    let mut rest = source.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\n' => line += 1,
            '/' if rest.peek() == Some(&'/') => {
                let comment: String = rest.by_ref().take_while(|character| *character != '\n').collect();
                if has_help && let Some(help) = comment.strip_prefix("//") {
                    tokens.push(Token::Text(help.to_owned(), line));
                }
                line += 1;
            }
            '"' => {
                let text = text(&mut rest);
                let lines = text.matches('\n').count();
                tokens.push(Token::Text(text.clone(), line));
                line += lines;
            }
            'r' if matches!(rest.peek(), Some('"' | '#')) => {
                let raw = raw_text(&mut rest);
                line += raw.matches('\n').count();
                tokens.push(Token::Text(raw, line));
            }
            // A character; what follows a lifetime's quote is its name.
            '\'' => {
                let mut ahead = rest.clone();
                let (first, second) = (ahead.next(), ahead.next());
                if first == Some('\\') {
                    rest.nth(1);
                    _ = rest.by_ref().find(|character| *character == '\'');
                } else if second == Some('\'') {
                    rest.nth(1);
                }
            }
            letter if letter.is_alphanumeric() || letter == '_' => {
                let mut word = letter.to_string();
                while let Some(letter) = rest.next_if(|letter| letter.is_alphanumeric() || *letter == '_') {
                    word.push(letter);
                }
                // Of bytes.
                if word == "br" && matches!(rest.peek(), Some('"' | '#')) {
                    raw_text(&mut rest);
                } else {
                    tokens.push(Token::Word(word));
                }
            }
            space if space.is_whitespace() => {}
            sign => tokens.push(Token::Sign(sign)),
        }
    }
    tokens
}

fn text(rest: &mut Peekable<Chars<'_>>) -> String {
    let mut text = String::new();
    while let Some(character) = rest.next() {
        match character {
            '"' => break,
            '\\' => match rest.next() {
                Some(quoted @ ('"' | '\\')) => text.push(quoted),
                Some('n' | 'r' | 't' | '\n') => text.push('\n'),
                _ => {}
            },
            character => text.push(character),
        }
    }
    text
}

fn raw_text(rest: &mut Peekable<Chars<'_>>) -> String {
    let mut end = String::from("\"");
    while rest.next_if_eq(&'#').is_some() {
        end.push('#');
    }
    rest.next();
    let mut text = String::new();
    while !text.ends_with(&end) {
        text.push(rest.next().unwrap());
    }
    text.truncate(text.len() - end.len());
    text
}

/// The file of `mod name;` in `file`.
fn module(file: &Path, name: &str, path: Option<&str>) -> PathBuf {
    let is_root = ["main.rs", "lib.rs", "mod.rs"].iter().any(|root| file.ends_with(root));
    let folder = if is_root { file.parent().unwrap().to_owned() } else { file.with_extension("") };
    match path {
        Some(path) => file.parent().unwrap().join(path),
        None if root().join(folder.join(name).join("mod.rs")).exists() => folder.join(name).join("mod.rs"),
        None => folder.join(name).with_extension("rs"),
    }
}

/// The value of a `#[path = "..."]` directly before.
fn path_before(tokens: &[Token]) -> Option<&str> {
    match tokens {
        [.., Token::Word(path), Token::Sign('='), Token::Text(text, _), Token::Sign(']')] if path == "path" => {
            Some(text)
        }
        _ => None,
    }
}

/// The folder of the project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
