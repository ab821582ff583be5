//! The OpenID provider: discovery, the code exchange, the refresh, and what an ID token has to be to be believed.
//!
//! What the provider publishes is kept on disk, see `metadata_cache`. Nothing here knows where tokens are kept or how the user's browser is reached.

pub mod authorization;
pub mod discovery;
mod http;
mod http_error;
mod http_log;
pub mod id_token;
pub mod key_set;
mod metadata_cache;
mod offline_access;
mod provider;
mod proxy;
mod refresh;
mod tls;
mod token_endpoint;
mod untrusted;
mod verify;

pub use id_token::Person;
pub use provider::Provider;
pub use refresh::{Refreshed, refresh};
