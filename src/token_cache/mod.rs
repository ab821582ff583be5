//! Where a sign-in is kept between runs, and the lock around making one.
//!
//! | `--token-storage` | what is read and written |
//! |---|---|
//! | `auto` | the keyring, with the current ID token in the kernel in front of it; without a keyring the kernel alone; without that nothing |
//! | `keyring`, `kernel`, `file`, `none` | that and nothing else |

mod file;
#[cfg(target_os = "linux")]
mod kernel;
#[cfg(not(target_os = "linux"))]
#[path = "no_kernel.rs"]
mod kernel;
#[cfg(not(all(unix, not(target_os = "macos"))))]
mod keyring;
#[cfg(all(unix, not(target_os = "macos")))]
#[path = "secret_service.rs"]
mod keyring;
mod lock;
#[cfg(all(unix, not(target_os = "macos")))]
mod secret_session;
#[cfg(any(test, not(all(unix, not(target_os = "macos")))))]
mod split;

use std::io;
use std::path::{Path, PathBuf};

use chrono::{TimeDelta, Utc};
use sha2::{Digest, Sha256};

pub use lock::Lock;

use crate::config::{Settings, TokenStorage};
use crate::error::{Error, ErrorKind, Result};
use crate::state::State;
use crate::terminal;
use crate::token::{Saved, TokenSet};
use kernel::Part;

/// How long after the sign-in the kernel keeps a refresh token: a day's work.
const LONGEST_SESSION: TimeDelta = TimeDelta::hours(12);

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
    /// The kernel's keys alone.
    Kernel,
    /// A file in this folder.
    File(PathBuf),
    /// Nowhere: each run has to sign in. The reason is there if that was nobody's choice.
    Nowhere(Option<String>),
}

/// Why a keyring did not do what it was asked.
#[derive(Debug)]
pub enum KeyringError {
    /// It is locked.
    Locked(String),
    /// There is none in this session.
    Absent(String),
    /// There is one, and it does not answer.
    Silent(String),
    /// There is one, and it fails.
    Broken(String),
}

impl KeyringError {
    fn why(self) -> String {
        let (Self::Locked(why) | Self::Absent(why) | Self::Silent(why) | Self::Broken(why)) = self;
        why
    }
}

/// All places where one credential may be kept, of which the settings choose.
#[derive(Debug)]
pub struct TokenCache {
    /// The credential.
    pub key: CredentialKey,
    storage: TokenStorage,
    token_dir: Option<PathBuf>,
}

impl TokenCache {
    /// The cache of the credential that `settings` ask for. Nothing is opened yet.
    pub fn new(settings: &Settings) -> Self {
        Self {
            key: CredentialKey::new(settings),
            storage: settings.token_storage,
            token_dir: settings.token_dir.clone(),
        }
    }

    /// The ID token that the kernel holds, in front of a keyring or alone, if it can be used: the shortest way.
    pub fn load_from_kernel(&self) -> Option<Saved> {
        let is_wanted = match self.storage {
            TokenStorage::Auto => !kernel::is_shared(),
            TokenStorage::Kernel => true,
            _ => false,
        };
        let saved = is_wanted.then(|| kernel::load(&self.key, Part::IdToken)).flatten()?;
        Saved::read(&saved).filter(|saved| saved.fresh(Utc::now()).is_some())
    }

    /// Reads the saved sign-in, and says where it is or would be kept. What is there and cannot be understood is like
    /// nothing there: the next store replaces it.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] if a sign-in is there and cannot be had: another one would not make it accessible.
    pub fn load(&self) -> Result<(Store, Option<Saved>)> {
        match self.storage {
            TokenStorage::None => Ok((Store::Nowhere(None), None)),
            TokenStorage::Kernel => Ok((Store::Kernel, self.load_kernel())),
            TokenStorage::File => {
                let dir = self.token_dir()?;
                let saved = file::load(dir, &self.key).map_err(|error| unusable_file(&error))?;
                Ok((Store::File(dir.to_owned()), saved.as_ref().and_then(Saved::read)))
            }
            TokenStorage::Keyring => match keyring::load(&self.key) {
                Ok(saved) => Ok((Store::Keyring, saved.as_ref().and_then(Saved::read))),
                Err(error) => Err(self.kept_back(error)),
            },
            TokenStorage::Auto => self.load_auto(),
        }
    }

    fn load_auto(&self) -> Result<(Store, Option<Saved>)> {
        let mut state = State::load(&self.key);
        let is_known = state.is_in_keyring();
        if !is_known && state.is_keyring_absent(Utc::now()) {
            return Ok(self.load_without_keyring("this session had no keyring a moment ago".into()));
        }
        match keyring::load(&self.key) {
            Ok(Some(saved)) => {
                let saved = Saved::read(&saved);
                self.put_in_front(saved.as_ref());
                Ok((Store::Keyring, saved))
            }
            Ok(None) => match self.load_kernel().filter(|saved| saved.session.is_some() && !kernel::is_shared()) {
                Some(saved) => Ok((Store::Kernel, Some(saved))),
                None => Ok((Store::Keyring, None)),
            },
            Err(error) if is_known || matches!(error, KeyringError::Locked(_)) => Err(self.kept_back(error)),
            Err(error) => {
                if let KeyringError::Absent(_) = error {
                    state.note_keyring_absent(Utc::now());
                }
                Ok(self.load_without_keyring(error.why()))
            }
        }
    }

    fn load_without_keyring(&self, why: String) -> (Store, Option<Saved>) {
        match self.without_keyring(why) {
            Store::Kernel => (Store::Kernel, self.load_kernel()),
            store => (store, None),
        }
    }

    fn without_keyring(&self, why: String) -> Store {
        if kernel::is_available() && !kernel::is_shared() { Store::Kernel } else { Store::Nowhere(Some(why)) }
    }

    /// Both parts. Each may be missing: the ID token has expired, or is too large.
    fn load_kernel(&self) -> Option<Saved> {
        let read = |part| kernel::load(&self.key, part).as_ref().and_then(Saved::read);
        match (read(Part::IdToken), read(Part::Session)) {
            (Some(id_token), Some(session)) => Some(Saved { session: session.session, ..id_token }),
            (id_token, session) => id_token.or(session),
        }
    }

    /// Where the tokens of the sign-in that is about to begin are going to be kept: looked at before the user is
    /// troubled. `found` is what [`TokenCache::load`] said; `None` asks afresh.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] if the place that was asked for cannot keep anything.
    pub fn choose(&self, found: Option<Store>) -> Result<Store> {
        match self.storage {
            TokenStorage::None => Ok(Store::Nowhere(None)),
            TokenStorage::Kernel if kernel::is_available() => Ok(Store::Kernel),
            TokenStorage::Kernel => {
                Err(Error::new(ErrorKind::Storage, "the kernel keeps no keys here").hint(OTHER_PLACE))
            }
            TokenStorage::File => {
                let dir = self.token_dir()?;
                file::prepare(dir).map_err(|error| unusable_file(&error))?;
                Ok(Store::File(dir.to_owned()))
            }
            TokenStorage::Keyring => keyring::probe().map(|()| Store::Keyring).map_err(|error| self.kept_back(error)),
            TokenStorage::Auto => Ok(self.choose_auto(found)),
        }
    }

    fn choose_auto(&self, found: Option<Store>) -> Store {
        let store = match found.unwrap_or(Store::Keyring) {
            Store::Keyring => match keyring::probe() {
                Ok(()) => Store::Keyring,
                Err(error) => self.without_keyring(error.why()),
            },
            store => store,
        };
        if let Store::Nowhere(Some(why)) = &store {
            terminal::warning(&format!(
                "this sign-in is not kept, and each run has to sign in again: {why}; --token-storage=file keeps it in a file"
            ));
        }
        store
    }

    /// Keeps `tokens`. What goes wrong is a warning: the user has signed in and gets their token.
    ///
    /// `spent` says that the saved refresh token was rotated away. If the new one cannot be kept, the old one goes, too:
    /// to a provider a spent refresh token that comes again is a stolen one, and it may end all of the user's sessions.
    pub fn store(&self, store: &Store, tokens: &TokenSet, spent: bool) {
        let failed = match store {
            Store::Nowhere(_) => None,
            Store::Kernel => self.store_in_kernel(tokens),
            Store::File(dir) => file::store(dir, &self.key, &tokens.to_saved()).err().map(|error| error.to_string()),
            Store::Keyring => self.store_in_keyring(tokens),
        };
        let Some(why) = failed else { return };
        terminal::warning(&format!("this sign-in is not saved, the next run has to sign in again: {why}"));
        if spent && self.remove_spent(store).is_err() {
            terminal::warning("the used-up refresh token could not be removed either");
        }
    }

    fn store_in_keyring(&self, tokens: &TokenSet) -> Option<String> {
        let result = keyring::store(&self.key, &tokens.to_saved());
        // In front only what is new, whether or not it is behind as well.
        self.put_in_front(Some(&tokens.clone().into()));
        match result {
            Ok(process) => {
                if self.storage == TokenStorage::Auto {
                    State::load(&self.key).note_keyring(Some(process));
                    kernel::remove(&self.key, Part::Session);
                }
                None
            }
            Err(error) => Some(error.why()),
        }
    }

    fn store_in_kernel(&self, tokens: &TokenSet) -> Option<String> {
        State::load(&self.key).note_keyring(None);
        let session_is_kept = match &tokens.session {
            Some(session) => {
                let left = session.signed_in_at + LONGEST_SESSION - Utc::now();
                kernel::store(&self.key, Part::Session, &session.to_saved(), left.num_seconds())
            }
            None => {
                kernel::remove(&self.key, Part::Session);
                false
            }
        };
        let left = tokens.id_token.expires_at - Utc::now();
        let id_token_is_kept = kernel::store(&self.key, Part::IdToken, &tokens.id_token_to_saved(), left.num_seconds());
        match session_is_kept || id_token_is_kept {
            true => None,
            false => Some("the kernel has no room for it (keyctl quota)".into()),
        }
    }

    /// Puts the ID token into the kernel, in front of the keyring.
    fn put_in_front(&self, saved: Option<&Saved>) {
        if self.storage != TokenStorage::Auto || kernel::is_shared() {
            return;
        }
        let Some(saved) = saved else { return };
        let Some(id_token) = saved.fresh(Utc::now()) else { return };
        let front = TokenSet { id_token: id_token.clone(), session: saved.session.clone() };
        kernel::store(
            &self.key,
            Part::IdToken,
            &front.id_token_to_saved(),
            (id_token.expires_at - Utc::now()).num_seconds(),
        );
    }

    fn remove_spent(&self, store: &Store) -> std::result::Result<(), ()> {
        match store {
            Store::Keyring => keyring::remove(&self.key).map_err(drop),
            Store::File(dir) => file::remove(dir, &self.key).map_err(drop),
            Store::Kernel | Store::Nowhere(_) => Ok(()),
        }
    }

    /// Removes the sign-in from every place where it may be.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] if it is left in one.
    pub fn remove(&self) -> Result<()> {
        kernel::remove(&self.key, Part::IdToken);
        kernel::remove(&self.key, Part::Session);
        let file = match &self.token_dir {
            Some(dir) => file::remove(dir, &self.key).map_err(|error| unusable_file(&error)),
            None => Ok(()),
        };
        // One that stays in one place is removed from the other all the same.
        self.remove_from_keyring().and(file)
    }

    fn remove_from_keyring(&self) -> Result<()> {
        match keyring::remove(&self.key) {
            Ok(()) => Ok(()),
            Err(KeyringError::Absent(_)) if !State::load(&self.key).is_in_keyring() => Ok(()),
            Err(error) => {
                let message = format!("the saved sign-in may still be in the keyring: {}", error.why());
                Err(Error::new(ErrorKind::Storage, message).hint("run this again in a session with that keyring"))
            }
        }
    }

    fn token_dir(&self) -> Result<&Path> {
        self.token_dir.as_deref().ok_or_else(|| {
            Error::new(ErrorKind::Usage, "there is no folder for tokens").hint("set HOME, or give --token-dir")
        })
    }

    /// The error for a sign-in that is in the keyring, or has to be.
    fn kept_back(&self, error: KeyringError) -> Error {
        if let KeyringError::Locked(why) = error {
            return Error::new(ErrorKind::Storage, format!("the saved sign-in cannot be read: {why}{}", self.restarted()))
                .hint("log in to the desktop, or unlock it from here (gnome-keyring-daemon --unlock), and run the command again");
        }
        let message = match State::load(&self.key).is_in_keyring() {
            true => format!("the saved sign-in is in the keyring, which cannot be had: {}", error.why()),
            false => error.why(),
        };
        Error::new(ErrorKind::Storage, message).hint(
            "start the keyring or log in to the desktop; 'kubekey login' with the same settings signs in without what is saved",
        )
    }

    /// Whether the keyring is another process than the one that the sign-in was saved in.
    fn restarted(&self) -> String {
        match (State::load(&self.key).keyring_process(), keyring::process()) {
            (Some(then), Some(now)) if then != now => {
                format!(" (the keyring has ended since and was started again: it was process {then} and is {now} now)")
            }
            _ => String::new(),
        }
    }
}

const OTHER_PLACE: &str = "give another --token-storage: auto, keyring, file or none";

fn unusable_file(error: &io::Error) -> Error {
    Error::new(ErrorKind::Storage, format!("the saved sign-in's file cannot be used: {error}"))
        .hint("mend or remove what is named, or give another --token-dir; the file has to be yours alone (mode 600, in a folder of mode 700)")
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
