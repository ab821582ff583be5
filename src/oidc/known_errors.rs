//! The table `known_errors.toml`: what errors of well-known providers mean, and who can change it.

use serde::Deserialize;

/// The table is compiled in and a test reads it, so it is always valid.
const TABLE: &str = include_str!("known_errors.toml");

#[derive(Deserialize)]
struct Table {
    error: Vec<KnownError>,
}

/// An error that a provider describes in words of its own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownError {
    #[serde(rename = "provider")]
    _provider: String,
    words: String,
    hint: String,
    /// Whether the client's registration is the cause: a new sign-in meets the same error, and none is needed afterwards.
    #[serde(default)]
    pub is_about_client: bool,
    /// Whether a client secret is missing.
    #[serde(default)]
    pub lacks_secret: bool,
}

impl KnownError {
    /// The error that this `error_description` names.
    pub fn in_description(description: &str) -> Option<Self> {
        let table: Table = toml::from_str(TABLE).expect("the table is valid, says a test");
        table.error.into_iter().find(|known| contains_words(description, &known.words))
    }

    /// What it means for this client, and who can change it.
    pub fn hint(&self, client_id: &str) -> String {
        self.hint.replace("CLIENT", client_id)
    }
}

/// Whether the text contains these words and not the beginning of longer ones: AADSTS50011 is not AADSTS500113.
fn contains_words(text: &str, words: &str) -> bool {
    let is_end = |rest: &str| !rest.starts_with(|next: char| next.is_ascii_alphanumeric());
    text.match_indices(words).any(|(at, _)| is_end(&text[at + words.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Vec<KnownError> {
        toml::from_str::<Table>(TABLE).unwrap().error
    }

    #[test]
    fn each_error_is_found_by_its_words_and_by_no_others() {
        for known in table() {
            let found = |text: &str| KnownError::in_description(text).map(|found| found.words);
            let words = &known.words;
            assert_eq!(found(&format!("{words}: and more. Trace ID: 0")).as_ref(), Some(words));
            assert_eq!(found(&format!("It says {words}")).as_ref(), Some(words));
            assert_ne!(found(&format!("{words}7: another error")).as_ref(), Some(words));
        }
        assert!(KnownError::in_description("").is_none());
    }

    #[test]
    fn each_hint_reads_like_the_others() {
        for known in table() {
            let hint = known.hint("kubernetes");
            assert!(hint.starts_with(char::is_lowercase) && !hint.ends_with('.'), "{hint}");
            assert!(hint.len() <= 240 && !hint.contains("CLIENT"), "{hint}");
            assert!(!known.lacks_secret || known.is_about_client, "{hint}");
        }
    }
}
