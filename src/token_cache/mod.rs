//! Where a sign-in is kept between runs, and the lock around making one.
//!
//! | `--token-storage` | what is read and written |
//! |---|---|
//! | `auto` | the keyring, with the current ID token in the kernel in front of it; without a keyring the kernel alone; without that nothing |
//! | `keyring`, `kernel`, `file`, `none` | that and nothing else |

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
#[cfg(any(test, not(all(unix, not(target_os = "macos")))))]
mod split;

use std::path::{Path, PathBuf};

use chrono::Utc;

pub use credential_key::CredentialKey;
pub use lock::Lock;

use crate::config::{Settings, TokenStorage};
use crate::error::{Error, ErrorKind, Result};
use crate::state::State;
use crate::token::{Saved, TokenSet};
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
    pub fn load(&self, unlock: Unlock) -> Result<(Store, Option<Saved>)> {
        match self.storage {
            TokenStorage::None => Ok((Store::Nowhere(None), None)),
            TokenStorage::Kernel => Ok((Store::Kernel, self.load_kernel())),
            TokenStorage::File => {
                let dir = self.token_dir()?;
                let saved = file::load(dir, &self.key).map_err(|error| unusable_file(&error))?;
                Ok((Store::File(dir.to_owned()), saved.as_ref().and_then(Saved::read)))
            }
            TokenStorage::Keyring => match keyring::load(&self.key, unlock) {
                Ok(saved) => Ok((Store::Keyring, saved.as_ref().and_then(Saved::read))),
                Err(error) => Err(self.kept_back(error)),
            },
            TokenStorage::Auto => self.load_auto(unlock),
        }
    }

    fn load_auto(&self, unlock: Unlock) -> Result<(Store, Option<Saved>)> {
        let mut state = State::load(&self.key);
        let is_known = state.is_in_keyring();
        if !is_known && state.is_keyring_absent(Utc::now()) {
            return Ok(self.load_without_keyring("this session had no keyring a moment ago".into()));
        }
        match keyring::load(&self.key, unlock) {
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

    fn token_dir(&self) -> Result<&Path> {
        self.token_dir.as_deref().ok_or_else(|| {
            Error::new(ErrorKind::Usage, "there is no folder for tokens").hint("set HOME, or give --token-dir")
        })
    }
}
