//! Where a sign-in is kept between runs, and the lock around making one.

#[cfg(not(all(unix, not(target_os = "macos"))))]
mod keyring;
#[cfg(all(unix, not(target_os = "macos")))]
#[path = "secret_service.rs"]
mod keyring;
mod lock;

use sha2::{Digest, Sha256};

pub use lock::Lock;

use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::terminal;
use crate::token::TokenSet;

/// What names one credential: everything that changes which token the provider gives.
#[derive(Debug)]
pub struct CredentialKey {
    /// The issuer URL, for a person who looks into the keyring.
    pub issuer: String,
    /// The client ID, for the same.
    pub client_id: String,
    /// The SHA-256 of all parts, in hexadecimal: safe in a file name, an attribute and an item name.
    pub digest: String,
}

impl CredentialKey {
    /// The key of the credential that `settings` ask for.
    pub fn new(settings: &Settings) -> Self {
        let mut scopes = settings.scopes.clone().unwrap_or_default();
        scopes.sort();
        let (issuer, client_id) = (settings.issuer_url.as_str(), settings.client_id.as_str());
        let mut digest = Sha256::new();
        for part in [issuer, client_id, &scopes.join(" ")] {
            // With its length in front no part can run into the next.
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        Self { issuer: issuer.to_owned(), client_id: client_id.to_owned(), digest: format!("{:x}", digest.finalize()) }
    }
}

/// Where the tokens of this run are kept.
#[derive(Debug)]
pub enum Store {
    /// The operating system's keyring.
    Keyring,
    /// Nowhere, since there is no keyring, for the reason given: each run has to sign in.
    Nowhere(String),
}

/// Why a keyring did not do what it was asked.
#[derive(Debug)]
pub enum KeyringError {
    /// It holds what was asked for and is locked.
    Locked(String),
    /// There is none, or it does not work.
    Unavailable(String),
}

impl Store {
    /// Reads the saved tokens, and says where those of this run are to be kept: decided before the user signs in. What
    /// is there and cannot be understood is like nothing there: the next store replaces it.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] if a sign-in is there and locked away: another one would not make it accessible.
    pub fn open(key: &CredentialKey) -> Result<(Self, Option<TokenSet>)> {
        match keyring::load(key) {
            Ok(saved) => Ok((Self::Keyring, saved.and_then(|saved| TokenSet::from_saved(&saved)))),
            Err(KeyringError::Unavailable(why)) => Ok((Self::Nowhere(why), None)),
            Err(KeyringError::Locked(why)) => Err(locked(&why)),
        }
    }

    /// Keeps `tokens`. What goes wrong is a warning: the user has signed in and gets their token.
    ///
    /// `spent` says that the saved refresh token was rotated away. If the new one cannot be kept, the old one goes, too:
    /// to a provider a spent refresh token that comes again is a stolen one, and it may end all of the user's sessions.
    pub fn store(&self, key: &CredentialKey, tokens: &TokenSet, spent: bool) {
        let why = match self {
            Self::Nowhere(why) => why.clone(),
            Self::Keyring => match keyring::store(key, &tokens.to_saved()) {
                Ok(()) => return,
                Err(KeyringError::Unavailable(why) | KeyringError::Locked(why)) => why,
            },
        };
        terminal::warning(&format!("this sign-in is not saved, the next run has to sign in again: {why}"));
        if spent && keyring::remove(key).is_err() {
            terminal::warning("the used-up refresh token could not be removed from the keyring either");
        }
    }
}

fn locked(why: &str) -> Error {
    Error::new(ErrorKind::Storage, format!("the saved sign-in cannot be read: {why}")).hint(
        "log in to the desktop, or unlock it from here (gnome-keyring-daemon --unlock), and run the command again",
    )
}

#[cfg(test)]
mod tests {
    use super::CredentialKey;
    use crate::{cli, config::Settings};

    fn digest(issuer: &str, client_id: &str, scopes: &[&str]) -> String {
        let given = cli::Settings {
            issuer_url: Some(issuer.into()),
            client_id: Some(client_id.into()),
            scope: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            ..Default::default()
        };
        CredentialKey::new(&Settings::resolve(&given, |_| None).unwrap()).digest
    }

    #[test]
    fn whatever_changes_the_token_changes_the_key() {
        let plain = digest("https://a.example", "b", &[]);
        assert_ne!(plain, digest("https://a.example/", "b", &[]));
        assert_ne!(plain, digest("https://a.example", "c", &[]));
        assert_ne!(plain, digest("https://a.example", "b", &["groups"]));
    }

    #[test]
    fn the_order_of_scopes_does_not_matter() {
        let one = digest("https://a.example", "b", &["groups", "email"]);
        assert_eq!(one, digest("https://a.example", "b", &["email", "groups", "openid"]));
    }
}
