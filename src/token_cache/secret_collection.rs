//! The Secret Service and its collections: locked or not, with the peculiarities of the keyrings that exist.

use std::sync::Mutex;

use zbus::{OwnedObjectPath, OwnedVariant, Variant};

use super::bounded_call::{Bound, read};
use super::keyring_error::{KeyringError, Unlock};
use super::secret_bus::{Answer, SecretBus};
use super::secret_session::Session;
use crate::config::platform;
use crate::terminal;

/// The path of the service.
pub(super) const SERVICE_PATH: &str = "/org/freedesktop/secrets";
/// The path of the default collection's alias.
const DEFAULT_PATH: &str = "/org/freedesktop/secrets/aliases/default";
/// Its interface.
pub(super) const SERVICE: &str = "org.freedesktop.Secret.Service";
/// The interface of a collection.
pub(super) const COLLECTION: &str = "org.freedesktop.Secret.Collection";

/// "No object" in place of a path.
pub(super) const NONE: &str = "/";

/// Why a person did not unlock the keyring: a run asks only once.
static REFUSED: Mutex<Option<String>> = Mutex::new(None);

type Result<T> = std::result::Result<T, KeyringError>;

/// The service, and what it reported first.
pub struct Service {
    /// The bus that it is on.
    pub bus: SecretBus,
    /// The collection for new items, if there is one, and whether it is locked.
    default: Option<(OwnedObjectPath, bool)>,
}

impl Service {
    /// Connects, and asks whether the default collection is locked: in KeePassXC, a search waits until a person has
    /// unlocked it.
    ///
    /// Sends a `Ping` first: gnome-keyring-daemon 42 to 50 aborts now and then when a client disconnects soon after its
    /// first call that is about secrets (GNOME items 190, 196 and 199). An earlier `Ping` that was answered prevents
    /// that; reading a property does not, as the reads of the benchmark show.
    pub async fn connect(bound: Bound) -> Result<Self> {
        let bus = SecretBus::connect(bound).await?;
        bus.raw_call(SERVICE_PATH, "org.freedesktop.DBus.Peer", "Ping", &()).await?;
        let path = OwnedObjectPath::try_from(DEFAULT_PATH).expect("a path");
        let default = match is_locked(&bus, &path).await {
            Ok(is_locked) => Some((path, is_locked)),
            Err(KeyringError::Broken(_)) => {
                let (path,): (OwnedObjectPath,) = bus.call(SERVICE_PATH, SERVICE, "ReadAlias", &("default",)).await?;
                match path.as_str() {
                    NONE => None,
                    _ => Some((path.clone(), is_locked(&bus, &path).await?)),
                }
            }
            Err(error) => return Err(error),
        };
        Ok(Self { bus, default })
    }

    /// Makes sure that a search gets a response. gnome-keyring and KWallet report what a locked collection contains.
    /// KeePassXC does not even report its age, and lets a search wait until a person has unlocked or opened a database.
    ///
    /// # Errors
    /// [`KeyringError::Locked`] if it remains locked; [`KeyringError::Absent`] if there is nothing to search.
    pub async fn make_searchable(&self, unlock: Unlock) -> Result<()> {
        match &self.default {
            Some((_, false)) => Ok(()),
            Some((path, true)) => match self.bus.property(path, COLLECTION, "Created").await {
                Err(KeyringError::Locked(_)) => self.unlock(path, unlock).await,
                Err(error @ (KeyringError::Silent(_) | KeyringError::Absent(_))) => Err(error),
                Ok(_) | Err(KeyringError::Denied(_) | KeyringError::Broken(_)) => Ok(()),
            },
            None => {
                let collections = self.bus.property(SERVICE_PATH, SERVICE, "Collections").await?;
                match Vec::<OwnedObjectPath>::try_from(collections) {
                    Ok(none) if none.is_empty() => Err(no_default_collection()),
                    _ => Ok(()),
                }
            }
        }
    }

    /// Opens a session. The bus is a socket of this user's own, so the secret is not encrypted again where the service
    /// allows that: a Diffie-Hellman exchange costs more than everything else together.
    pub async fn open_session(&self) -> Result<Session> {
        let plain = self.bus.raw_call(SERVICE_PATH, SERVICE, "OpenSession", &("plain", Variant::from(""))).await;
        match plain {
            Ok(answer) => {
                let (_, path): (OwnedVariant, OwnedObjectPath) = read(&answer)?;
                Ok(Session::plain(path))
            }
            Err(KeyringError::Broken(_)) => {
                let (private, public) = Session::key_pair();
                let wanted = (Session::ALGORITHM, Variant::from(public));
                let (theirs, path): (OwnedVariant, OwnedObjectPath) =
                    self.bus.call(SERVICE_PATH, SERVICE, "OpenSession", &wanted).await?;
                let theirs = Vec::<u8>::try_from(theirs).map_err(|error| KeyringError::Broken(error.to_string()))?;
                Ok(Session::encrypted(path, &private, &theirs))
            }
            Err(error) => Err(error),
        }
    }

    /// The collection for new items, after unlocking it.
    pub async fn unlocked_default_collection(&self, unlock: Unlock) -> Result<&OwnedObjectPath> {
        let (collection, is_locked) = self.default.as_ref().ok_or_else(no_default_collection)?;
        if *is_locked {
            self.unlock(collection, unlock).await?;
        }
        Ok(collection)
    }

    /// Unlocks an item or a collection through the keyring's own prompt: once in a run.
    pub async fn unlock(&self, object: &OwnedObjectPath, unlock: Unlock) -> Result<()> {
        if unlock == Unlock::Never {
            return Err(KeyringError::Locked("the keyring is locked".into()));
        }
        require_screen()?;
        if let Ok(Some(why)) = REFUSED.lock().as_deref() {
            return Err(KeyringError::Locked(why.clone()));
        }
        let (unlocked, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) =
            self.bus.call(SERVICE_PATH, SERVICE, "Unlock", &(vec![object],)).await?;
        let why = match (prompt.as_str(), unlocked.is_empty()) {
            (NONE, false) => return Ok(()),
            (NONE, true) => "the keyring is still locked".into(),
            _ => {
                terminal::notice("waiting for the keyring to be unlocked: see its prompt on the screen");
                match self.bus.prompt(&prompt).await? {
                    Answer::Accepted(_) => return Ok(()),
                    Answer::Dismissed => "the keyring is locked, and its prompt was dismissed".into(),
                    Answer::None(waited) => format!("the keyring is locked and was not unlocked within {waited} s"),
                }
            }
        };
        if let Ok(mut refused) = REFUSED.lock() {
            *refused = Some(why.clone());
        }
        Err(KeyringError::Locked(why))
    }
}

async fn is_locked(bus: &SecretBus, collection: &OwnedObjectPath) -> Result<bool> {
    let is_locked = bus.property(collection, COLLECTION, "Locked").await?;
    Ok(bool::try_from(is_locked).unwrap_or(true))
}

fn no_default_collection() -> KeyringError {
    KeyringError::Absent("the keyring has no default collection".into())
}

/// A password prompt needs a screen.
fn require_screen() -> Result<()> {
    match platform::has_screen() {
        true => Ok(()),
        false => {
            Err(KeyringError::Locked("the keyring is locked, and this session has no screen for its prompt".into()))
        }
    }
}
