//! What device management sets, in the registry of Windows or in a property list of macOS.

use crate::config::keys::Kind;

/// A value of the registry or of a property list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Managed {
    /// A number, or a boolean as 1 and 0.
    Number(u64),
    /// A string.
    Text(String),
    /// A list of strings.
    Texts(Vec<String>),
    /// Anything else.
    Other,
}

impl Managed {
    /// The value as the strings of a key of this kind; `None` if its type does not match.
    pub fn texts(self, kind: Kind) -> Option<Vec<String>> {
        match (kind, self) {
            (Kind::Switch, Self::Number(number @ (0 | 1))) => Some(vec![(number == 1).to_string()]),
            (Kind::Time, Self::Number(number)) => Some(vec![number.to_string()]),
            // The registry ends a list with an empty string.
            (Kind::Texts | Kind::Secrets, Self::Texts(texts)) => {
                Some(texts.into_iter().filter(|text| !text.is_empty()).collect())
            }
            (Kind::Switch, _) => None,
            (_, Self::Text(text)) => Some(vec![text]),
            _ => None,
        }
    }
}
