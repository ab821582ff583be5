//! The given settings, from the lowest layer to the highest, each with its origin.

use super::keys::{self, KEYS, Key};
use super::place::{Place, PolicyPlace};
use crate::error::{Error, ErrorKind};
use crate::printable;

/// The settings that users copy and paste, and that are never valid with spaces around them.
const TRIMMED: [&str; 2] = ["issuer-url", "client-id"];

/// Who gave a value, lowest first. A higher layer overrides a lower one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// kubekey's defaults.
    Default,
    /// The administrator, in the system's files.
    System,
    /// The user who installed kubekey with Homebrew.
    Homebrew,
    /// The user, in their own file.
    User,
    /// The extension of the kubeconfig's cluster.
    Extension,
    /// Variables with the names of the original kubekey.
    Original,
    /// Variables and flags, both of which a kubeconfig can set for its user.
    Exec,
    /// The administrator, in the policy.
    Policy,
}

/// Where a value came from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// The table of settings.
    Default,
    /// A file of this layer.
    File(Layer, Place),
    /// The extension of the kubeconfig's cluster.
    Extension,
    /// A variable with a name of the original kubekey, or of an installation.
    Original(&'static str),
    /// The setting's variable.
    Variable,
    /// The setting's flag.
    Flag,
    /// kubelogin's default: one of its flags is given.
    Kubelogin,
    /// The policy, at this location.
    Policy(PolicyPlace),
}

impl Origin {
    /// The layer of this origin.
    pub fn layer(&self) -> Layer {
        match self {
            Self::Default | Self::Kubelogin => Layer::Default,
            Self::File(layer, _) => *layer,
            Self::Extension => Layer::Extension,
            Self::Original(_) => Layer::Original,
            Self::Variable | Self::Flag => Layer::Exec,
            Self::Policy(_) => Layer::Policy,
        }
    }

    /// The name of a setting of this origin in errors.
    pub fn label(&self, key: &Key) -> String {
        match self {
            Self::File(_, place) => format!("{place}: {}", key.name()),
            Self::Extension => format!("{} in the kubeconfig's extension of its cluster", key.name()),
            Self::Original(variable) => (*variable).to_owned(),
            Self::Variable => key.variable(),
            Self::Default | Self::Kubelogin | Self::Flag => format!("--{}", key.flag),
            Self::Policy(origin) => format!("the policy {origin}: {}", key.name()),
        }
    }

    /// The origin in the words of `config show --origin`.
    pub fn in_words(&self, key: &Key) -> String {
        match self {
            Self::Default => "default".to_owned(),
            Self::Kubelogin => "kubelogin's default, as a flag --oidc-... is given".to_owned(),
            Self::File(_, place) => place.to_string(),
            Self::Extension => "the kubeconfig's extension of its cluster".to_owned(),
            Self::Original(_) | Self::Variable | Self::Flag => self.label(key),
            Self::Policy(origin) => format!("the policy {origin}"),
        }
    }
}

/// A setting as it was given. No `Debug`: it may be a secret.
#[derive(Clone)]
pub struct Value {
    /// The setting.
    pub key: &'static Key,
    /// One string, or several if the setting is a list.
    pub texts: Vec<String>,
    /// Where it came from.
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

/// A string that was given for a setting, with all that an error needs to name it.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    /// The string, never empty.
    pub text: &'a str,
    /// The setting.
    pub key: &'static Key,
    /// Where it came from.
    pub origin: &'a Origin,
}

impl<'a> Text<'a> {
    /// The name of the setting in errors.
    pub fn label(&self) -> String {
        self.origin.label(self.key)
    }

    /// The error for a value that cannot be used.
    pub fn unusable(&self, why: &str) -> Error {
        // A URL with an '@' may contain a password.
        // Somebody may have given a key or a token instead of the file that has it.
        let is_secret =
            self.key.kind.is_secret() || self.text.contains("PRIVATE KEY") || self.text.trim().starts_with("eyJ");
        let may_be_password = self.text.contains('@') && (self.text.contains("://") || self.key.flag == "issuer-url");
        unusable(&self.label(), if may_be_password || is_secret { "***" } else { self.text }, why)
    }

    /// A part of the string, with the same setting and origin.
    pub fn part(self, text: &'a str) -> Self {
        Self { text, ..self }
    }

    /// The words of the string.
    pub fn words(self) -> impl Iterator<Item = Self> {
        self.text.split_whitespace().map(move |word| self.part(word))
    }
}

/// The error for a setting named `label` whose value cannot be used.
pub fn unusable(label: &str, value: &str, why: &str) -> Error {
    let value = printable::with_code_points(value);
    Error::new(ErrorKind::Usage, format!("{label} '{value}' cannot be used: {why}"))
}

/// All given values, lowest first, including those that a higher layer overrides: a policy checks each of them.
#[derive(Clone, Default)]
pub struct Given {
    values: Vec<Value>,
    /// The original strings of values that were trimmed, with the index of the value.
    untrimmed: Vec<(usize, String)>,
}

impl Given {
    /// The defaults.
    pub fn new() -> Self {
        let mut given = Self { values: Vec::with_capacity(2 * KEYS.len()), untrimmed: Vec::new() };
        for key in &KEYS {
            if let keys::Default::Value(text) = key.default {
                given.push(Value { key, texts: vec![text.to_owned()], origin: Origin::Default });
            }
        }
        given
    }

    /// Only these flags, above the defaults.
    ///
    /// # Panics
    /// If a flag does not exist.
    pub fn of_flags(flags: &[(&str, &str)]) -> Self {
        let mut given = Self::new();
        for (flag, text) in flags {
            let key = Key::of_flag(flag).expect("a flag");
            given.push(Value { key, texts: vec![(*text).to_owned()], origin: Origin::Flag });
        }
        given
    }

    /// Adds a value above all others. An empty one is ignored: a kubeconfig cannot unset a variable, only empty it.
    pub fn push(&mut self, mut value: Value) {
        let index = self.values.len();
        for text in value.texts.iter_mut().filter(|_| TRIMMED.contains(&value.key.flag)) {
            let trimmed = text.trim_matches(is_unseen);
            if trimmed.len() < text.len() {
                let trimmed = trimmed.to_owned();
                self.untrimmed.push((index, std::mem::replace(text, trimmed)));
            }
        }
        match value.texts.iter().any(|text| !text.is_empty()) {
            true => self.values.push(value),
            false => self.untrimmed.retain(|(of, _)| *of != index),
        }
    }

    /// The warnings about effective values that were trimmed.
    pub fn trimmed(&self) -> impl Iterator<Item = String> {
        let wins =
            |index: usize| self.values[index + 1..].iter().all(|above| above.key.flag != self.values[index].key.flag);
        self.untrimmed.iter().filter(move |(index, _)| wins(*index)).map(|(index, text)| {
            let value = &self.values[*index];
            let label = value.origin.label(value.key);
            // A URL with an '@' may contain a password.
            let text = if text.contains('@') && text.contains("://") { "***".to_owned() } else { format!("{text:?}") };
            format!(
                "{label} {text} has leading or trailing spaces, line breaks or invisible characters, which are ignored"
            )
        })
    }

    /// All values, lowest first.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The effective value of the setting with this flag.
    pub fn value(&self, flag: &str) -> Option<&Value> {
        self.values.iter().rev().find(|value| value.key.flag == flag)
    }

    /// The effective string of the setting with this flag.
    pub fn text(&self, flag: &str) -> Option<Text<'_>> {
        self.value(flag)?.text()
    }

    /// The effective strings of the setting with this flag.
    pub fn texts(&self, flag: &str) -> Vec<Text<'_>> {
        self.value(flag).map(Value::all).unwrap_or_default()
    }

    /// The lowest layer that has the effective value of this setting.
    pub fn first_layer(&self, flag: &str) -> Option<Layer> {
        let wins = self.value(flag)?;
        let mut same = self.values.iter().filter(|value| value.key.flag == flag && value.texts == wins.texts);
        same.next().map(|value| value.origin.layer())
    }
}

/// Whether a character is invisible at either end of a string: spaces, line breaks, and the marks that editors and web
/// pages leave.
fn is_unseen(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_and_a_client_id_are_trimmed_and_shown_with_what_nobody_sees() {
        for (written, shown) in [
            ("https://x.example\r", r#""https://x.example\r""#),
            ("https://x.example\n", r#""https://x.example\n""#),
            (" \thttps://x.example", r#"" \thttps://x.example""#),
            ("https://x.example\u{a0}", r#""https://x.example\u{a0}""#),
            ("\u{feff}https://x.example", r#""\u{feff}https://x.example""#),
            ("https://x.example\u{200b}", r#""https://x.example\u{200b}""#),
        ] {
            let given = Given::of_flags(&[("issuer-url", written)]);
            assert_eq!(given.text("issuer-url").map(|text| text.text), Some("https://x.example"), "{written:?}");
            let text = format!(
                "--issuer-url {shown} has leading or trailing spaces, line breaks or invisible characters, which are ignored"
            );
            assert_eq!(given.trimmed().collect::<Vec<_>>(), [text]);
        }
    }

    #[test]
    fn only_what_wins_is_warned_of_and_what_is_inside_stays() {
        let given = Given::of_flags(&[("client-id", "a "), ("client-id", "b c"), ("client-secret", "s ")]);
        assert_eq!(given.text("client-id").map(|text| text.text), Some("b c"));
        assert_eq!(given.text("client-secret").map(|text| text.text), Some("s "));
        assert_eq!(given.trimmed().count(), 0);
    }

    #[test]
    fn blanks_alone_are_no_value_and_a_password_is_not_shown() {
        let given = Given::of_flags(&[("client-id", "a"), ("client-id", " \n")]);
        assert_eq!((given.text("client-id").map(|text| text.text), given.trimmed().count()), (Some("a"), 0));
        let given = Given::of_flags(&[("issuer-url", "https://jane:pw@x.example ")]);
        assert!(given.trimmed().all(|text| text.starts_with("--issuer-url *** has leading")));
    }
}
