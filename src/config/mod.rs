//! Settings: where they come from, their defaults, and where files live.

mod client_secret;
mod loopback_address;
mod named_file;
pub mod platform;
mod policy;
mod settings;
mod tls;

pub use client_secret::ClientSecret;
pub use loopback_address::LoopbackAddress;
pub use policy::Policy;
pub use settings::{DEFAULT_SCOPES, Opener, ResponseMode, Settings, TokenStorage, is_loopback_host, variable};
pub use tls::{Authority, Tls};
