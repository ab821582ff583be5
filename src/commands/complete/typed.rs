//! The words that are typed, read as far as clap would read them.

use clap::{Arg, Command};

/// A command line whose last word is being typed.
pub(super) struct Typed<'a> {
    /// The command that the words name.
    pub command: &'a Command,
    /// The flag whose value comes next.
    pub awaiting: Option<&'a Arg>,
    /// The beginning of the current word.
    pub current: String,
    /// The values of flags, by the flags' names.
    given: Vec<(String, String)>,
    /// How many words that are no flags came after the command.
    positionals: usize,
}

impl<'a> Typed<'a> {
    /// Reads the words after the program's name; the last one has a `+` in front, so that no shell loses an empty one.
    pub fn read(root: &'a Command, words: &[String]) -> Self {
        let (current, before) = words.split_last().map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
        let current = current.strip_prefix('+').unwrap_or(current).to_owned();
        let mut typed = Self { command: root, awaiting: None, current, given: Vec::new(), positionals: 0 };
        before.iter().for_each(|word| typed.take(word));
        typed
    }

    fn take(&mut self, word: &str) {
        if let Some(arg) = self.awaiting.take() {
            self.given.push((name_of(arg), word.to_owned()));
        } else if let Some((name, value)) = word.split_once('=').filter(|_| word.starts_with("--")) {
            let name = self.flag(name).map_or_else(|| name.to_owned(), name_of);
            self.given.push((name, value.to_owned()));
        } else if word.starts_with('-') {
            self.awaiting = self.flag(word).filter(|arg| takes_next_word(arg));
        } else if let Some(child) = self.command.find_subcommand(word).filter(|_| self.positionals == 0) {
            self.command = child;
        } else {
            self.positionals += 1;
        }
    }

    /// The flag of this name, with its dashes, or one that has it as another name.
    pub fn flag(&self, name: &str) -> Option<&'a Arg> {
        let Some(name) = name.strip_prefix("--") else {
            let letter = name.strip_prefix('-').and_then(|name| name.parse().ok())?;
            return self.command.get_arguments().find(|arg| arg.get_short() == Some(letter));
        };
        let has_alias = |arg: &Arg| arg.get_all_aliases().is_some_and(|aliases| aliases.contains(&name));
        self.command.get_arguments().find(|arg| arg.get_long() == Some(name) || has_alias(arg))
    }

    /// What the current word is, if it is no flag and no command.
    pub fn positional(&self) -> Option<&'a Arg> {
        self.command.get_positionals().nth(self.positionals)
    }

    /// The last value of this flag.
    pub fn given(&self, flag: &str) -> Option<&str> {
        self.given.iter().rev().find(|(name, _)| name == flag).map(|(_, value)| value.as_str())
    }
}

fn name_of(arg: &Arg) -> String {
    arg.get_long().unwrap_or_default().to_owned()
}

/// A switch takes its value only behind a `=`.
fn takes_next_word(arg: &Arg) -> bool {
    arg.get_action().takes_values() && !arg.is_require_equals_set()
}
