//! The keyring of Linux and the BSDs: the freedesktop Secret Service, over D-Bus.
//!
//! Source: the Secret Service API draft of freedesktop.org. The calls are made by hand: the proxies of a library ask
//! for more than is needed, and a read has to be quick.

use std::collections::HashMap;
use std::time::Duration;

use futures_core::Stream;
use tokio::time::timeout;
use zbus::connection::Builder;
use zbus::message::Body;
use zbus::zvariant::{DynamicDeserialize, DynamicType};
use zbus::{Connection, ObjectPath, OwnedObjectPath, OwnedVariant, Variant};

use super::bounded_call::{describe, patience, read, within};
use super::secret_session::Session;
use super::session_bus::require_own_bus;
use super::{CredentialKey, KeyringError, Unlock};
use crate::config::platform;
use crate::secret::Secret;

/// How long the person may take to answer the keyring's own password prompt.
const PROMPT_PATIENCE: Duration = Duration::from_secs(60);

const NAME: &str = "org.freedesktop.secrets";
const SERVICE_PATH: &str = "/org/freedesktop/secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const ITEM: &str = "org.freedesktop.Secret.Item";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// "No object" in place of a path.
const NONE: &str = "/";

/// A secret as it travels: session, parameters, value, content type. Borrowed bytes are read as one, owned ones one by one.
type Travelling<'a> = (ObjectPath<'a>, &'a [u8], &'a [u8], &'a str);

type Result<T> = std::result::Result<T, KeyringError>;

/// Reads what is kept under `key`.
pub fn load(key: &CredentialKey, unlock: Unlock) -> Result<Option<Secret>> {
    run(async {
        let service = Service::connect().await?;
        let (unlocked, locked) = service.search(key).await?;
        let item = match (unlocked.first(), locked.first()) {
            (Some(item), _) => item,
            (None, Some(item)) => {
                service.unlock(item, unlock).await?;
                item
            }
            (None, None) => return Ok(None),
        };
        let session = service.open_session().await?;
        let answer = service.raw_call(item, ITEM, "GetSecret", &(session.path(),)).await?;
        let ((_, parameters, value, _),): (Travelling<'_>,) =
            answer.deserialize().map_err(|error| KeyringError::Broken(error.to_string()))?;
        let bytes = session.decrypt(parameters, value.to_vec());
        // What is not text is not ours to read; the caller treats it like text that it cannot read.
        Ok(Some(Secret::new(bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default())))
    })
}

/// Whether a sign-in could be kept: there is a default collection, and it is or gets unlocked.
pub fn probe(unlock: Unlock) -> Result<()> {
    run(async { Service::connect().await?.unlocked_default_collection(unlock).await.map(drop) })
}

/// Keeps `saved` under `key`, in place of what was there, and tells the process of the keyring.
pub fn store(key: &CredentialKey, saved: &Secret) -> Result<u32> {
    run(async {
        let service = Service::connect().await?;
        let collection = service.unlocked_default_collection(Unlock::Ask).await?;
        let session = service.open_session().await?;
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
            service.call(&collection, COLLECTION, "CreateItem", &(properties, secret, true)).await?;
        if prompt.as_str() != NONE {
            service.prompt(&prompt).await?;
        }
        service.forget_others(key, &item).await;
        // It is stored, whether or not the bus tells by whom.
        Ok(service.process().await.unwrap_or_default())
    })
}

/// Removes what is kept under `key`; nothing there is as good.
pub fn remove(key: &CredentialKey) -> Result<()> {
    run(async {
        let service = Service::connect().await?;
        let (unlocked, locked) = service.search(key).await?;
        for item in unlocked.iter().chain(&locked) {
            service.delete(item).await?;
        }
        Ok(())
    })
}

/// The process of the keyring that runs now.
pub fn process() -> Option<u32> {
    run(async { Service::connect().await?.process().await }).ok()
}

/// Runs one access to its end, on this thread: starting more of them would cost more than the access.
fn run<T>(access: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|error| KeyringError::Broken(format!("no event loop for D-Bus: {error}")))?;
    let result = runtime.block_on(access);
    // A bus whose name the resolver still looks up must not hold up the end.
    runtime.shutdown_background();
    result
}

/// What the item is found by. The person-readable attributes are not part of it.
fn lookup(key: &CredentialKey) -> HashMap<&str, &str> {
    HashMap::from([("service", "kubekey"), ("credential", &key.digest)])
}

/// A connection to the bus, on which the service has answered.
struct Service(Connection);

impl Service {
    async fn connect() -> Result<Self> {
        require_own_bus()?;
        let connection = within(Builder::session().method_timeout(patience()).build()).await?;
        let service = Self(connection);
        // gnome-keyring-daemon 42 to 50 aborts now and then when a client opens a session as its first call and is
        // gone soon after (GNOME items 190, 196 and 199). A call that it has answered before makes that go away.
        service.raw_call(SERVICE_PATH, "org.freedesktop.DBus.Peer", "Ping", &()).await?;
        Ok(service)
    }

    /// The bus is a socket of this user's own, so the secret is not encrypted once more where the service allows that:
    /// a Diffie-Hellman exchange costs more than everything else together.
    async fn open_session(&self) -> Result<Session> {
        let plain = self.raw_call(SERVICE_PATH, SERVICE, "OpenSession", &("plain", Variant::from(""))).await;
        match plain {
            Ok(answer) => {
                let (_, path): (OwnedVariant, OwnedObjectPath) = read(&answer)?;
                Ok(Session::plain(path))
            }
            Err(KeyringError::Broken(_)) => {
                let (private, public) = Session::key_pair();
                let wanted = (Session::ALGORITHM, Variant::from(public));
                let (theirs, path): (OwnedVariant, OwnedObjectPath) =
                    self.call(SERVICE_PATH, SERVICE, "OpenSession", &wanted).await?;
                let theirs = Vec::<u8>::try_from(theirs).map_err(|error| KeyringError::Broken(error.to_string()))?;
                Ok(Session::encrypted(path, &private, &theirs))
            }
            Err(error) => Err(error),
        }
    }

    async fn search(&self, key: &CredentialKey) -> Result<(Vec<OwnedObjectPath>, Vec<OwnedObjectPath>)> {
        self.call(SERVICE_PATH, SERVICE, "SearchItems", &(lookup(key),)).await
    }

    async fn unlocked_default_collection(&self, unlock: Unlock) -> Result<OwnedObjectPath> {
        let (collection,): (OwnedObjectPath,) = self.call(SERVICE_PATH, SERVICE, "ReadAlias", &("default",)).await?;
        if collection.as_str() == NONE {
            return Err(KeyringError::Absent("the keyring has no default collection".into()));
        }
        let (is_locked,): (OwnedVariant,) = self.call(&collection, PROPERTIES, "Get", &(COLLECTION, "Locked")).await?;
        if bool::try_from(is_locked).unwrap_or(true) {
            self.unlock(&collection, unlock).await?;
        }
        Ok(collection)
    }

    /// Unlocks an item or a collection, by way of the keyring's own prompt.
    async fn unlock(&self, object: &OwnedObjectPath, unlock: Unlock) -> Result<()> {
        if unlock == Unlock::Never {
            return Err(KeyringError::Locked("the keyring is locked".into()));
        }
        require_screen()?;
        let (unlocked, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) =
            self.call(SERVICE_PATH, SERVICE, "Unlock", &(vec![object],)).await?;
        if prompt.as_str() != NONE {
            return self.prompt(&prompt).await;
        }
        match unlocked.is_empty() {
            false => Ok(()),
            true => Err(KeyringError::Locked("the keyring is still locked".into())),
        }
    }

    /// Lets the keyring ask the person, and waits for the answer.
    async fn prompt(&self, path: &OwnedObjectPath) -> Result<()> {
        require_screen()?;
        let rule = zbus::MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .path(path.as_str())
            .interface(PROMPT)
            .member("Completed")
            .build()
            .map_err(|error| describe(&error))?;
        let mut answers = within(zbus::MessageStream::for_match_rule(rule, &self.0, None)).await?;
        let () = self.call(path, PROMPT, "Prompt", &("",)).await?;
        let next = std::future::poll_fn(|context| Stream::poll_next(std::pin::Pin::new(&mut answers), context));
        match timeout(PROMPT_PATIENCE, next).await {
            Ok(Some(Ok(answer))) => match answer.body().deserialize::<(bool, OwnedVariant)>() {
                Ok((false, _)) => Ok(()),
                _ => Err(KeyringError::Locked("the keyring is locked, and its prompt was dismissed".into())),
            },
            Ok(_) => Err(KeyringError::Broken("the keyring went away while its prompt was open".into())),
            Err(_) => {
                let seconds = PROMPT_PATIENCE.as_secs();
                Err(KeyringError::Locked(format!("nobody unlocked the keyring within {seconds} s")))
            }
        }
    }

    /// An item in another collection, which was the default then, would be found before the new one.
    async fn forget_others(&self, key: &CredentialKey, item: &OwnedObjectPath) {
        let Ok((unlocked, _)) = self.search(key).await else { return };
        for other in unlocked.iter().filter(|other| *other != item) {
            // The new one is stored, whatever becomes of the old one.
            let _ = self.delete(other).await;
        }
    }

    async fn delete(&self, item: &OwnedObjectPath) -> Result<()> {
        let (prompt,): (OwnedObjectPath,) = self.call(item, ITEM, "Delete", &()).await?;
        match prompt.as_str() {
            NONE => Ok(()),
            _ => self.prompt(&prompt).await,
        }
    }

    async fn process(&self) -> Result<u32> {
        let bus = Some("org.freedesktop.DBus");
        let answer =
            within(self.0.call_method(bus, "/org/freedesktop/DBus", bus, "GetConnectionUnixProcessID", &(NAME,)));
        read(&answer.await?.body())
    }

    async fn call<B, T>(&self, path: &str, interface: &str, method: &str, arguments: &B) -> Result<T>
    where
        B: serde::Serialize + DynamicType,
        T: for<'d> DynamicDeserialize<'d>,
    {
        read(&self.raw_call(path, interface, method, arguments).await?)
    }

    async fn raw_call<B>(&self, path: &str, interface: &str, method: &str, arguments: &B) -> Result<Body>
    where
        B: serde::Serialize + DynamicType,
    {
        let path = ObjectPath::try_from(path).map_err(|error| KeyringError::Broken(error.to_string()))?;
        let call = || self.0.call_method(Some(NAME), path.clone(), Some(interface), method, arguments);
        let answer = within(async {
            match call().await {
                // gnome-keyring says so of a method that it has, about once in 10,000 calls under load.
                Err(zbus::Error::FDO(error)) if matches!(*error, zbus::fdo::Error::UnknownMethod(_)) => call().await,
                answer => answer,
            }
        });
        Ok(answer.await?.body())
    }
}

/// A password prompt needs a screen to be shown on.
fn require_screen() -> Result<()> {
    match platform::has_screen() {
        true => Ok(()),
        false => Err(KeyringError::Locked("the keyring is locked, and this session has no screen to ask on".into())),
    }
}
