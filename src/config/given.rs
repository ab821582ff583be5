//! What settings were given, from the lowest layer to the highest, each with the place that it came from.

use std::fmt;
use std::path::Path;
use std::rc::Rc;

use super::keys::{self, KEYS, Key};
use super::policy;
use crate::error::{Error, ErrorKind};

/// Whose word a value is, lowest first. A higher one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// kubekey's own.
    Default,
    /// The administrator's: the system's files.
    System,
    /// That of whoever installed kubekey with Homebrew.
    Homebrew,
    /// The user's own file.
    User,
    /// The kubeconfig's, of its cluster.
    Extension,
    /// Variables with the names of the original kubekey.
    Original,
    /// Variables and flags, both of which a kubeconfig can set for its user.
    Exec,
    /// The administrator's policy.
    Policy,
}

/// The place that a value came from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// The table of settings.
    Default,
    /// A file of this layer.
    File(Layer, Place),
    /// The extension of the kubeconfig's cluster.
    Extension,
    /// A variable with a name of the original kubekey.
    Original(&'static str),
    /// The setting's variable.
    Variable,
    /// Its flag.
    Flag,
    /// A policy, which was said there.
    Policy(policy::Origin),
}

impl Origin {
    /// Whose word it is.
    pub fn layer(&self) -> Layer {
        match self {
            Self::Default => Layer::Default,
            Self::File(layer, _) => *layer,
            Self::Extension => Layer::Extension,
            Self::Original(_) => Layer::Original,
            Self::Variable | Self::Flag => Layer::Exec,
            Self::Policy(_) => Layer::Policy,
        }
    }

    /// How an error calls the setting that came from here.
    pub fn label(&self, key: &Key) -> String {
        match self {
            Self::File(_, place) => format!("{place}: {}", key.name()),
            Self::Extension => format!("{} in the kubeconfig's extension of its cluster", key.name()),
            Self::Original(variable) => (*variable).to_owned(),
            Self::Variable => key.variable(),
            Self::Default | Self::Flag => format!("--{}", key.flag),
            Self::Policy(origin) => format!("the policy {origin}: {}", key.name()),
        }
    }

    /// What `config show --origin` says of it.
    pub fn in_words(&self, key: &Key) -> String {
        match self {
            Self::Default => "default".to_owned(),
            Self::File(_, place) => place.to_string(),
            Self::Extension => "the kubeconfig's extension of its cluster".to_owned(),
            Self::Original(_) | Self::Variable | Self::Flag => self.label(key),
            Self::Policy(origin) => format!("the policy {origin}"),
        }
    }
}

/// A place in a file. The line is counted only when somebody wants to know it.
#[derive(Clone)]
pub struct Place {
    /// The file.
    pub path: Rc<Path>,
    /// What is in it.
    pub text: Rc<str>,
    /// How many bytes come before the place.
    pub offset: usize,
}

impl Place {
    /// The line, from 1.
    pub fn line(&self) -> usize {
        self.before().matches('\n').count() + 1
    }

    /// The column, in characters from 1.
    pub fn column(&self) -> usize {
        let before = self.before();
        before[before.rfind('\n').map_or(0, |at| at + 1)..].chars().count() + 1
    }

    /// The line itself.
    pub fn shown_line(&self) -> &str {
        self.text.lines().nth(self.line() - 1).unwrap_or_default().trim()
    }

    fn before(&self) -> &str {
        self.text.get(..self.offset).unwrap_or(&self.text)
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

/// A setting as it was given. No `Debug`: it may be a secret.
#[derive(Clone)]
pub struct Value {
    /// The setting.
    pub key: &'static Key,
    /// One text, or several where the setting is a list.
    pub texts: Vec<String>,
    /// From where.
    pub origin: Origin,
}

impl Value {
    fn text(&self) -> Option<Text<'_>> {
        self.all().into_iter().next()
    }

    fn all(&self) -> Vec<Text<'_>> {
        let texts = self.texts.iter().filter(|text| !text.is_empty());
        texts.map(|text| Text { text, key: self.key, origin: &self.origin }).collect()
    }
}

/// A text that was given for a setting, and what is needed to name it in an error.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    /// The text, never empty.
    pub text: &'a str,
    /// For this setting.
    pub key: &'static Key,
    /// From there.
    pub origin: &'a Origin,
}

impl<'a> Text<'a> {
    /// How an error calls the setting.
    pub fn label(&self) -> String {
        self.origin.label(self.key)
    }

    /// The error for a text that cannot be used.
    pub fn unusable(&self, why: &str) -> Error {
        // With an '@' in a URL, it may be a password that is quoted.
        let may_be_password = self.text.contains('@') && (self.text.contains("://") || self.key.flag == "issuer-url");
        unusable(&self.label(), if may_be_password { "***" } else { self.text }, why)
    }

    /// A part of it.
    pub fn part(self, text: &'a str) -> Self {
        Self { text, ..self }
    }

    /// Its words.
    pub fn words(self) -> impl Iterator<Item = Self> {
        self.text.split_whitespace().map(move |word| self.part(word))
    }
}

/// A setting, as `label` calls it, whose value cannot be used.
pub(super) fn unusable(label: &str, value: &str, why: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("{label} '{value}' cannot be used: {why}"))
}

/// All that was given, lowest first. What a higher layer overrides stays in it: a policy looks at each.
#[derive(Clone, Default)]
pub struct Given(Vec<Value>);

impl Given {
    /// The defaults.
    pub fn new() -> Self {
        let mut given = Self(Vec::with_capacity(2 * KEYS.len()));
        for key in &KEYS {
            if let keys::Default::Value(text) = key.default {
                given.push(Value { key, texts: vec![text.to_owned()], origin: Origin::Default });
            }
        }
        given
    }

    /// These flags and no others, above the defaults.
    ///
    /// # Panics
    /// If there is no such flag.
    pub fn of_flags(flags: &[(&str, &str)]) -> Self {
        let mut given = Self::new();
        for (flag, text) in flags {
            let key = Key::of_flag(flag).expect("a flag");
            given.push(Value { key, texts: vec![(*text).to_owned()], origin: Origin::Flag });
        }
        given
    }

    /// Adds a value above all that are there. An empty one is as good as none, since kubeconfigs cannot unset a variable.
    pub fn push(&mut self, value: Value) {
        if value.texts.iter().any(|text| !text.is_empty()) {
            self.0.push(value);
        }
    }

    /// All values, lowest first.
    pub fn values(&self) -> &[Value] {
        &self.0
    }

    /// The value of the setting with this flag that wins.
    pub fn value(&self, flag: &str) -> Option<&Value> {
        self.0.iter().rev().find(|value| value.key.flag == flag)
    }

    /// Its text.
    pub fn text(&self, flag: &str) -> Option<Text<'_>> {
        self.value(flag)?.text()
    }

    /// Its texts.
    pub fn texts(&self, flag: &str) -> Vec<Text<'_>> {
        self.value(flag).map(Value::all).unwrap_or_default()
    }

    /// The lowest layer in which somebody gave the value of this setting that wins.
    pub fn first_layer(&self, flag: &str) -> Option<Layer> {
        let wins = self.value(flag)?;
        let mut same = self.0.iter().filter(|value| value.key.flag == flag && value.texts == wins.texts);
        same.next().map(|value| value.origin.layer())
    }
}
