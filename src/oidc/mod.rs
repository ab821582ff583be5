//! The OpenID provider: discovery, the code exchange, the refresh, and the checks that an ID token must pass.
//!
//! What the provider publishes is cached on disk, see `metadata_cache`. Nothing here knows where tokens are saved or how
//! the browser is opened.

mod access_token;
mod algorithm;
mod authentication;
pub mod authorization;
mod body;
mod client_key;
mod der;
pub mod device;
pub mod discovery;
mod doubt;
mod ecdsa;
mod examination;
mod github;
#[cfg(any(windows, target_os = "macos", test))]
mod given_authorities;
mod http;
mod http_error;
mod http_log;
pub mod id_token;
pub mod key_set;
mod known_errors;
mod known_providers;
mod limits;
pub mod machine_grant;
mod metadata_cache;
mod name_lookup;
mod offline_access;
mod only_given;
mod other_issuer;
mod provider;
mod proxy;
mod published;
pub mod pushed;
mod redirect;
mod refresh;
pub mod refusal;
mod request;
mod revoke;
mod socks_error;
mod tls;
mod tls_error;
mod token_endpoint;
#[cfg(all(unix, not(target_os = "macos")))]
mod trust_store;
mod untrusted;
mod verify;
mod way;
mod web_key;
mod well_known;

pub use examination::{Examination, examine, proxy_of_provider};
pub use http::HttpClient;
pub use id_token::Person;
pub use limits::Limits;
pub use provider::Provider;
pub use proxy::{Proxy, Route};
pub use published::fetch_published;
pub use refresh::{Outcome, Refreshed, refresh, verify_anew};
pub use request::Wishes;
pub use revoke::revoke;
pub use tls::TlsSetup;
