//! Items of the Secret Service: found, read, created and removed, with the peculiarities of the keyrings that exist.

use std::collections::HashMap;

use zbus::{ObjectPath, OwnedObjectPath, Variant};

use super::keyring_error::KeyringError;
use super::secret_bus::Answer;
use super::secret_collection::{COLLECTION, NONE, SERVICE, SERVICE_PATH, Service};
use super::secret_session::Session;
use crate::credential_key::CredentialKey;
use crate::secret::Secret;

const ITEM: &str = "org.freedesktop.Secret.Item";

/// A secret in transit: session, parameters, value, content type. Borrowed bytes are read at once, owned bytes one by
/// one.
type Travelling<'a> = (ObjectPath<'a>, &'a [u8], &'a [u8], &'a str);

type Result<T> = std::result::Result<T, KeyringError>;

impl Service {
    /// The items of `key`: those that can be read, and those that are locked.
    pub async fn search(&self, key: &CredentialKey) -> Result<(Vec<OwnedObjectPath>, Vec<OwnedObjectPath>)> {
        self.bus.call(SERVICE_PATH, SERVICE, "SearchItems", &(lookup(key),)).await
    }

    /// Reads the secret of an item.
    pub async fn secret(&self, item: &OwnedObjectPath, session: &Session) -> Result<Secret> {
        let answer = self.bus.raw_call(item, ITEM, "GetSecret", &(session.path(),)).await?;
        let ((_, parameters, value, _),): (Travelling<'_>,) =
            answer.deserialize().map_err(|error| KeyringError::Broken(error.to_string()))?;
        let bytes = session.decrypt(parameters, value.to_vec());
        // What is not text is not ours; the caller handles it like text that it cannot parse.
        Ok(Secret::new(bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()))
    }

    /// Creates an item, replacing one with the same attributes. KeePassXC creates it only after a prompt, which for an
    /// unlocked collection asks no person, and then reports its path.
    pub async fn create_item(
        &self,
        collection: &OwnedObjectPath,
        key: &CredentialKey,
        saved: &Secret,
        session: &Session,
    ) -> Result<OwnedObjectPath> {
        let (parameters, value) = session.encrypt(saved.expose().as_bytes());
        let label = format!("kubekey: {} at {}", key.client_id, key.issuer);
        let mut attributes = lookup(key);
        attributes.extend([("issuer", key.issuer.as_str()), ("client_id", key.client_id.as_str())]);
        let properties = HashMap::from([
            ("org.freedesktop.Secret.Item.Label", Variant::from(label)),
            ("org.freedesktop.Secret.Item.Attributes", Variant::from(attributes)),
        ]);
        let secret = (session.path(), parameters, value, "application/json");
        let (item, prompt): (OwnedObjectPath, OwnedObjectPath) =
            self.bus.call(collection, COLLECTION, "CreateItem", &(properties, &secret, true)).await?;
        if prompt.as_str() == NONE {
            return Ok(item);
        }
        // To replace an item, KeePassXC 2.7 asks a person even where it is set not to ask; to change one, it does not.
        if let Some(old) = self.search(key).await?.0.into_iter().next() {
            self.bus.raw_call(&old, ITEM, "SetSecret", &(secret,)).await?;
            self.bus.dismiss(&prompt).await;
            return Ok(old);
        }
        match self.bus.prompt(&prompt).await? {
            Answer::Accepted(made) => Ok(OwnedObjectPath::try_from(made).unwrap_or(item)),
            Answer::Dismissed => Err(KeyringError::Broken("the keyring refused the sign-in".into())),
            Answer::None(waited) => {
                Err(KeyringError::Silent(format!("the keyring did not finish its prompt within {waited} s")))
            }
        }
    }

    /// Reads the new item back. Removes others with this key: one in another collection, which was the default then,
    /// would be found before the new one.
    pub async fn require_kept(
        &self,
        key: &CredentialKey,
        item: &OwnedObjectPath,
        saved: &Secret,
        session: &Session,
    ) -> Result<()> {
        let (unlocked, locked) = self.search(key).await?;
        // An item that was locked meanwhile exists, and cannot be read.
        let is_there = unlocked.contains(item) && self.secret(item, session).await? == *saved;
        if !is_there && !locked.contains(item) {
            let name = self.name().await;
            return Err(KeyringError::Broken(format!("the keyring{name} accepted the sign-in but did not save it")));
        }
        for other in unlocked.iter().filter(|other| *other != item) {
            // The new item is saved, whatever happens to the old one.
            let _ = self.delete(other).await;
        }
        Ok(())
    }

    /// Removes an item. KeePassXC may ask a person to confirm.
    pub async fn delete(&self, item: &OwnedObjectPath) -> Result<()> {
        let (prompt,): (OwnedObjectPath,) = self.bus.call(item, ITEM, "Delete", &()).await?;
        if prompt.as_str() == NONE {
            return Ok(());
        }
        match self.bus.prompt(&prompt).await? {
            Answer::Accepted(_) => Ok(()),
            Answer::Dismissed => {
                Err(KeyringError::Denied("the keyring's prompt to remove the sign-in was dismissed".into()))
            }
            Answer::None(_) => {
                Err(KeyringError::Denied("the keyring's prompt to remove the sign-in was not answered".into()))
            }
        }
    }

    /// The name of the keyring's process, as an addition to a sentence.
    async fn name(&self) -> String {
        let Ok(process) = self.bus.process().await else { return String::new() };
        let name = std::fs::read_to_string(format!("/proc/{process}/comm"));
        name.map_or_else(|_| format!(" (process {process})"), |name| format!(" ({})", name.trim_end()))
    }
}

/// The attributes that find the item. Those for human readers are not among them.
fn lookup(key: &CredentialKey) -> HashMap<&str, &str> {
    HashMap::from([("service", "kubekey"), ("credential", &key.digest)])
}
