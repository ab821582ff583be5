//! The session bus, and the Secret Service's calls and signals on it.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use futures_core::Stream;
use tokio::time::timeout;
use zbus::connection::Builder;
use zbus::message::Body;
use zbus::zvariant::{DynamicDeserialize, DynamicType};
use zbus::{Connection, MessageStream, ObjectPath, OwnedObjectPath, OwnedVariant};

use super::bounded_call::{Bound, read};
use super::keyring_error::KeyringError;
use super::session_bus::require_own_bus;

const NAME: &str = "org.freedesktop.secrets";
const BUS: &str = "org.freedesktop.DBus";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";

type Result<T> = std::result::Result<T, KeyringError>;

/// How a prompt of the keyring ended.
pub enum Answer {
    /// It was accepted, with this result.
    Accepted(OwnedVariant),
    /// A person dismissed it.
    Dismissed,
    /// It was not answered within this many seconds.
    None(u64),
}

/// A connection, and the time limit of its calls.
pub struct SecretBus {
    connection: Connection,
    /// The time limit.
    pub bound: Bound,
}

impl SecretBus {
    /// Connects to the session bus.
    pub async fn connect(bound: Bound) -> Result<Self> {
        require_own_bus()?;
        let connection = bound.within(Builder::session().build()).await?;
        Ok(Self { connection, bound })
    }

    /// Calls a method, and reads the response.
    pub async fn call<B, T>(&self, path: &str, interface: &str, method: &str, arguments: &B) -> Result<T>
    where
        B: serde::Serialize + DynamicType,
        T: for<'d> DynamicDeserialize<'d>,
    {
        read(&self.raw_call(path, interface, method, arguments).await?)
    }

    /// Calls a method.
    pub async fn raw_call<B>(&self, path: &str, interface: &str, method: &str, arguments: &B) -> Result<Body>
    where
        B: serde::Serialize + DynamicType,
    {
        let path = ObjectPath::try_from(path).map_err(|error| KeyringError::Broken(error.to_string()))?;
        let call = || self.connection.call_method(Some(NAME), path.clone(), Some(interface), method, arguments);
        let answer = self.bound.within(async {
            match call().await {
                // Under load, gnome-keyring returns this for a method that it has, about once in 10,000 calls.
                Err(zbus::Error::FDO(error)) if matches!(*error, zbus::fdo::Error::UnknownMethod(_)) => call().await,
                answer => answer,
            }
        });
        Ok(answer.await?.body())
    }

    /// Reads a property.
    pub async fn property(&self, path: &str, interface: &str, name: &str) -> Result<OwnedVariant> {
        let (value,): (OwnedVariant,) =
            self.call(path, "org.freedesktop.DBus.Properties", "Get", &(interface, name)).await?;
        Ok(value)
    }

    /// The process ID of the keyring.
    pub async fn process(&self) -> Result<u32> {
        let call = self.connection.call_method(
            Some(BUS),
            "/org/freedesktop/DBus",
            Some(BUS),
            "GetConnectionUnixProcessID",
            &(NAME,),
        );
        read(&self.bound.within(call).await?.body())
    }

    /// Lets the keyring show its prompt, and waits for the answer.
    ///
    /// # Errors
    /// [`KeyringError::Absent`] as soon as the keyring is gone: its prompt can no longer be answered.
    pub async fn prompt(&self, path: &OwnedObjectPath) -> Result<Answer> {
        let completed = format!("type='signal',interface='{PROMPT}',member='Completed',path='{path}'");
        let owner = format!("type='signal',sender='{BUS}',member='NameOwnerChanged',arg0='{NAME}'");
        let mut completed = self.signals(&completed).await?;
        let mut owner = self.signals(&owner).await?;
        let () = self.call(path, PROMPT, "Prompt", &("",)).await?;
        let next = poll_fn(|context| match Pin::new(&mut completed).poll_next(context) {
            Poll::Pending => Pin::new(&mut owner).poll_next(context).map(|_| None),
            Poll::Ready(answer) => Poll::Ready(answer.and_then(zbus::Result::ok)),
        });
        let patience = self.bound.person();
        match timeout(patience, next).await {
            Ok(Some(answer)) => match read(&answer.body())? {
                (false, about) => Ok(Answer::Accepted(about)),
                (true, _) => Ok(Answer::Dismissed),
            },
            Ok(None) => Err(KeyringError::Absent("the keyring ended while its prompt was open".into())),
            Err(_) => Ok(Answer::None(patience.as_secs_f64().round() as u64)),
        }
    }

    /// Dismisses a prompt that was not shown. The keyring can live with one that remains.
    pub async fn dismiss(&self, path: &OwnedObjectPath) {
        let _ = self.raw_call(path, PROMPT, "Dismiss", &()).await;
    }

    async fn signals(&self, rule: &str) -> Result<MessageStream> {
        self.bound.within(MessageStream::for_match_rule(rule, &self.connection, None)).await
    }
}
