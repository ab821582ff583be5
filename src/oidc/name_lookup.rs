//! The look-up of server names. The system does it; here its progress is noted, so that an error can tell an unknown
//! name from a server that does not respond.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

/// The progress of the look-ups of one request.
#[derive(Clone, Default)]
pub struct NameLookup(Arc<Mutex<Lookup>>);

#[derive(Clone, Default)]
struct Lookup {
    pending: Option<String>,
    failure: Option<String>,
}

impl NameLookup {
    /// The name that is being looked up: the provider's, or the proxy's.
    pub fn pending(&self) -> Option<String> {
        self.lock().pending.clone()
    }

    /// Why a name was not found.
    pub fn failure(&self) -> Option<String> {
        self.lock().failure.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Lookup> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolve for NameLookup {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, name) = (self.clone(), name.as_str().to_owned());
        Box::pin(async move {
            lookup.lock().pending = Some(name.clone());
            // The caller replaces the port with that of the URL.
            let found = lookup_host((name.clone(), 0)).await;
            lookup.lock().pending = None;
            match found {
                Ok(addresses) => Ok(Box::new(addresses) as Addrs),
                Err(error) => {
                    let why = format!("the name '{name}' could not be looked up: {}", plain(&error.to_string()));
                    lookup.lock().failure = Some(why.clone());
                    Err(why.into())
                }
            }
        })
    }
}

/// The system's message, without the prefix of the standard library.
fn plain(error: &str) -> &str {
    error.strip_prefix("failed to lookup address information: ").unwrap_or(error)
}
