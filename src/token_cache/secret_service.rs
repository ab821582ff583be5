//! The keyring of Linux and the BSDs: the freedesktop Secret Service, over D-Bus.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use secret_service::{EncryptionType, Item, SearchItemsResult, SecretService};
use tokio::time::timeout;
use zbus::connection::Builder;

use super::{CredentialKey, KeyringError};
use crate::secret::Secret;

/// How long one D-Bus call, and all of an access without a prompt, may take.
const PATIENCE: Duration = Duration::from_millis(1500);

/// How long the person may take to answer the keyring's own password prompt.
const PROMPT_PATIENCE: Duration = Duration::from_secs(60);

const BUS_NAME: &str = "org.freedesktop.secrets";

const NO_SERVICE: &str = "no keyring (gnome-keyring, KWallet, KeePassXC) runs in this session";

/// Reads what is kept under `key`.
pub fn load(key: &CredentialKey) -> Result<Option<Secret>, KeyringError> {
    run(async {
        let service = connect().await?;
        let SearchItemsResult { unlocked, locked } = within(PATIENCE, service.search_items(lookup(key))).await?;
        let item = match (unlocked.first(), locked.first()) {
            (Some(item), _) => item,
            (None, Some(item)) => unlock(item).await?,
            (None, None) => return Ok(None),
        };
        let bytes = within(PATIENCE, item.get_secret()).await?;
        // What is not text is not ours to read; the caller treats it like text that it cannot read.
        Ok(Some(Secret::new(String::from_utf8(bytes).unwrap_or_default())))
    })
}

/// Keeps `saved` under `key`, in place of what was there.
pub fn store(key: &CredentialKey, saved: &Secret) -> Result<(), KeyringError> {
    run(async {
        let service = connect().await?;
        let collection = within(PATIENCE, service.get_default_collection()).await?;
        if within(PATIENCE, collection.is_locked()).await? {
            prompted(collection.unlock()).await?;
        }
        let mut attributes = lookup(key);
        attributes.extend([("issuer", key.issuer.as_str()), ("client_id", key.client_id.as_str())]);
        let label = format!("kubekey: {} at {}", key.client_id, key.issuer);
        let secret = saved.expose().as_bytes();
        let created = collection.create_item(&label, attributes, secret, true, "application/json");
        let created = within(PATIENCE, created).await?;
        // One in another collection, which was the default then, would be found before this one.
        let found = within(PATIENCE, service.search_items(lookup(key))).await?;
        for item in found.unlocked.iter().filter(|item| item.item_path != created.item_path) {
            within(PATIENCE, item.delete()).await?;
        }
        Ok(())
    })
}

/// Removes what is kept under `key`; nothing there is as good.
pub fn remove(key: &CredentialKey) -> Result<(), KeyringError> {
    run(async {
        let service = connect().await?;
        let found = within(PATIENCE, service.search_items(lookup(key))).await?;
        for item in found.unlocked.iter().chain(&found.locked) {
            within(PATIENCE, item.delete()).await?;
        }
        Ok(())
    })
}

/// Runs one access to its end, on this thread: starting more of them would cost more than the access.
fn run<T>(access: impl Future<Output = Result<T, KeyringError>>) -> Result<T, KeyringError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| KeyringError::Unavailable(format!("no event loop for D-Bus: {error}")))?;
    runtime.block_on(access)
}

async fn connect() -> Result<SecretService<'static>, KeyringError> {
    let connection = within(PATIENCE, async {
        let connection = Builder::session()?.method_timeout(PATIENCE).build().await?;
        // gnome-keyring-daemon 42 to 50 aborts now and then when a client opens a session as its first call and is
        // gone soon after (GNOME items 190, 196 and 199). A call that it has answered before makes that go away.
        let ping = connection.call_method(
            Some(BUS_NAME),
            "/org/freedesktop/secrets",
            Some("org.freedesktop.DBus.Peer"),
            "Ping",
            &(),
        );
        ping.await?;
        Ok::<_, secret_service::Error>(connection)
    })
    .await?;
    // The bus is a socket of this user's own, so the secret is not encrypted once more: a Diffie-Hellman exchange costs
    // more than everything else together.
    within(PATIENCE, SecretService::connect_with_existing(EncryptionType::Plain, connection)).await
}

/// What the item is found by. The person-readable attributes are not part of it.
fn lookup(key: &CredentialKey) -> HashMap<&str, &str> {
    HashMap::from([("service", "kubekey"), ("credential", &key.digest)])
}

async fn unlock<'a, 'b>(item: &'a Item<'b>) -> Result<&'a Item<'b>, KeyringError> {
    prompted(item.unlock()).await?;
    // A service may report success and stay locked, as when the prompt was dismissed.
    match within(PATIENCE, item.is_locked()).await? {
        false => Ok(item),
        true => Err(KeyringError::Locked("the keyring is still locked".into())),
    }
}

/// Waits for an action that shows a password prompt, where there is a screen to show it on.
async fn prompted(action: impl Future<Output = Result<(), secret_service::Error>>) -> Result<(), KeyringError> {
    let has_screen = ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    if !has_screen {
        return Err(KeyringError::Locked("the keyring is locked, and this session has no screen to ask on".into()));
    }
    match timeout(PROMPT_PATIENCE, action).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(KeyringError::Locked(format!("the keyring is locked, and was not unlocked: {error}"))),
        Err(_) => {
            Err(KeyringError::Locked(format!("nobody unlocked the keyring within {} s", PROMPT_PATIENCE.as_secs())))
        }
    }
}

/// Bounds a call: by the clock as a whole, and by the connection, which bounds each D-Bus method in it.
async fn within<T>(
    patience: Duration,
    call: impl Future<Output = Result<T, secret_service::Error>>,
) -> Result<T, KeyringError> {
    let error = match timeout(patience, call).await {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(secret_service::Error::Locked)) => return Err(KeyringError::Locked("the keyring is locked".into())),
        Ok(Err(error)) if !is_timeout(&error) => describe(&error),
        _ => format!("the keyring did not answer within {} ms", patience.as_millis()),
    };
    Err(KeyringError::Unavailable(error))
}

fn is_timeout(error: &secret_service::Error) -> bool {
    match error {
        secret_service::Error::Zbus(zbus::Error::InputOutput(error)) => error.kind() == io::ErrorKind::TimedOut,
        _ => false,
    }
}

fn describe(error: &secret_service::Error) -> String {
    match error {
        secret_service::Error::Unavailable => NO_SERVICE.into(),
        secret_service::Error::NoResult => "the keyring has no default collection".into(),
        secret_service::Error::Prompt => "the keyring's prompt was dismissed".into(),
        secret_service::Error::PromptDisconnected => "the keyring went away while its prompt was open".into(),
        secret_service::Error::Zbus(zbus::Error::MethodError(name, text, _)) => match name.as_str() {
            "org.freedesktop.DBus.Error.ServiceUnknown" | "org.freedesktop.DBus.Error.NameHasNoOwner" => {
                NO_SERVICE.into()
            }
            name => format!("the keyring failed: {}", text.as_deref().unwrap_or(name)),
        },
        // Not an answer of the keyring's, so one of the connection.
        secret_service::Error::Zbus(error) => format!("no D-Bus session bus to reach a keyring on ({error})"),
        error => format!("the keyring failed: {error}"),
    }
}
