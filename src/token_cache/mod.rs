//! Where a sign-in is kept between runs, and the lock around making one.
//!
//! | `--token-storage` | what is read and written |
//! |---|---|
//! | `auto` | the keyring, with the current ID token in the kernel in front of it; without a keyring the kernel alone; without that nothing |
//! | `keyring`, `kernel`, `file`, `none` | that and nothing else |

mod asked;
#[cfg(all(unix, not(target_os = "macos")))]
mod bounded_call;
mod credential_key;
mod failure;
mod file;
mod keep;
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
#[cfg(all(unix, not(target_os = "macos")))]
mod session_bus;
#[cfg(any(test, not(all(unix, not(target_os = "macos")))))]
mod split;

use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};

use chrono::Utc;

pub use credential_key::CredentialKey;
pub use lock::Lock;

use crate::config::{SessionRules, Settings, TokenStorage};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::state::State;
use crate::token::Saved;
use asked::asked;
use failure::unusable_file;
use kernel::Part;

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

impl Store {
    fn name(&self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::Kernel => "kernel",
            Self::File(_) => "file",
            Self::Nowhere(_) => "nowhere",
        }
    }
}

/// What to do about a locked keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlock {
    /// Let it ask the person, if there is a screen, and wait for the answer.
    Ask,
    /// Leave it locked.
    Never,
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
        self.to_string()
    }
}

impl fmt::Display for KeyringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Locked(why) | Self::Absent(why) | Self::Silent(why) | Self::Broken(why)) = self;
        f.write_str(why)
    }
}

/// All places where one credential may be kept, of which the settings choose.
#[derive(Debug)]
pub struct TokenCache {
    /// The credential.
    pub key: CredentialKey,
    storage: TokenStorage,
    token_dir: Option<PathBuf>,
    session_rules: SessionRules,
}

impl TokenCache {
    /// The cache of the credential that `settings` ask for. Nothing is opened yet.
    pub fn new(settings: &Settings) -> Self {
        Self {
            key: CredentialKey::new(settings),
            storage: settings.token_storage,
            token_dir: settings.token_dir.clone(),
            session_rules: settings.session_rules.clone(),
        }
    }

    /// The ID token that the kernel holds, in front of a keyring or alone, if it can be used: the shortest way.
    pub fn load_from_kernel(&self) -> Option<Saved> {
        let is_wanted = match self.storage {
            TokenStorage::Auto => !kernel::is_shared(),
            TokenStorage::Kernel => true,
            _ => false,
        };
        let saved = is_wanted.then(|| self.ask_kernel(Part::IdToken)).flatten()?;
        let saved = self.session_rules.cap_saved(Saved::read(&saved)?);
        saved.fresh(Utc::now()).is_some().then_some(saved)
    }

    /// Reads the saved sign-in, and says where it is or would be kept. What is there and cannot be understood is like
    /// nothing there: the next store replaces it.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] if a sign-in is there and cannot be had: another one would not make it accessible.
    pub fn load(&self, unlock: Unlock) -> Result<(Store, Option<Saved>)> {
        let (store, saved) = self.load_from_store(unlock)?;
        Ok((store, saved.map(|saved| self.session_rules.cap_saved(saved))))
    }

    fn load_from_store(&self, unlock: Unlock) -> Result<(Store, Option<Saved>)> {
        match self.storage {
            TokenStorage::None => Ok((Store::Nowhere(None), None)),
            TokenStorage::Kernel => Ok((Store::Kernel, self.load_kernel())),
            TokenStorage::File => {
                let dir = self.token_dir()?;
                let saved = asked("file", || file::load(dir, &self.key)).map_err(|error| unusable_file(&error))?;
                Ok((Store::File(dir.to_owned()), saved.as_ref().and_then(Saved::read)))
            }
            TokenStorage::Keyring => match self.ask_keyring(unlock) {
                Ok(saved) => Ok((Store::Keyring, saved.as_ref().and_then(Saved::read))),
                Err(error) => Err(self.kept_back(error)),
            },
            TokenStorage::Auto => self.load_auto(unlock),
        }
    }

    fn load_auto(&self, unlock: Unlock) -> Result<(Store, Option<Saved>)> {
        let state = State::load(&self.key);
        let is_known = state.is_in_keyring();
        if !is_known && state.is_keyring_absent(Utc::now()) {
            return Ok(self.load_without_keyring("no keyring was there less than a minute ago".into()));
        }
        match self.ask_keyring(unlock) {
            Ok(Some(_)) if state.is_superseded() => {
                // What is in it is older than the sign-in that was made when it could not be reached.
                if keyring::remove(&self.key).is_ok() {
                    State::load(&self.key).note_keyring(None);
                }
                Ok(self.load_beside_keyring())
            }
            Ok(Some(saved)) => Ok((Store::Keyring, Saved::read(&saved))),
            // KeePassXC finds nothing while it is locked.
            Ok(None) if is_known => match keyring::probe(unlock) {
                Err(error @ KeyringError::Locked(_)) => Err(self.kept_back(error)),
                _ => Ok(self.load_beside_keyring()),
            },
            Ok(None) => Ok(self.load_beside_keyring()),
            Err(error) if is_known || matches!(error, KeyringError::Locked(_)) => Err(self.kept_back(error)),
            Err(error) => {
                if let KeyringError::Absent(_) = error {
                    State::load(&self.key).note_keyring_absent(Utc::now());
                }
                Ok(self.load_without_keyring(error.why()))
            }
        }
    }

    /// Where there is a keyring, and nothing in it: a session without one may have left its sign-in in the kernel.
    fn load_beside_keyring(&self) -> (Store, Option<Saved>) {
        match self.load_kernel().filter(|saved| saved.session.is_some() && !kernel::is_shared()) {
            Some(saved) => (Store::Kernel, Some(saved)),
            None => (Store::Keyring, None),
        }
    }

    fn load_without_keyring(&self, why: String) -> (Store, Option<Saved>) {
        match self.without_keyring(why) {
            Store::Kernel => (Store::Kernel, self.load_kernel()),
            store => (store, None),
        }
    }

    fn without_keyring(&self, why: String) -> Store {
        if kernel::is_shared() {
            let shared = "in a container, where all of a user's containers share the kernel's keys (--token-storage=kernel uses them)";
            Store::Nowhere(Some(format!("{why}, {shared}")))
        } else if kernel::is_available() {
            Store::Kernel
        } else {
            Store::Nowhere(Some(why))
        }
    }

    /// Both parts. Each may be missing: the ID token has expired, or is too large.
    fn load_kernel(&self) -> Option<Saved> {
        let is_young = |saved: &Saved| saved.session.as_ref().is_some_and(keep::is_young);
        let read = |part| self.ask_kernel(part).as_ref().and_then(Saved::read);
        match (read(Part::IdToken), read(Part::Session)) {
            (Some(id_token), Some(session)) if is_young(&session) => {
                Some(Saved { session: session.session, ..id_token })
            }
            (id_token, session) => id_token.or(session.filter(is_young)),
        }
    }

    fn ask_keyring(&self, unlock: Unlock) -> std::result::Result<Option<Secret>, KeyringError> {
        asked("keyring", || keyring::load(&self.key, unlock))
    }

    fn ask_kernel(&self, part: Part) -> Option<Secret> {
        let Ok(found) = asked::<Infallible>("kernel", || Ok(kernel::load(&self.key, part)));
        found
    }

    fn token_dir(&self) -> Result<&Path> {
        self.token_dir.as_deref().ok_or_else(|| {
            Error::new(ErrorKind::Usage, "there is no folder for tokens").hint("set HOME, or give --token-dir")
        })
    }
}
