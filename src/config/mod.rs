//! Settings: where they come from, their defaults, and where files live.

mod answers;
mod client_secret;
pub mod clusters;
mod extension;
pub mod file;
pub mod given;
pub mod keys;
mod layers;
mod loopback_address;
mod named_file;
pub mod nearest;
pub mod platform;
pub mod policy;
pub mod schema;
mod settings;
mod template;
mod time;
mod tls;
mod values;

pub use answers::Answers;
pub use client_secret::ClientSecret;
pub use clusters::{Cluster, clusters};
pub use file::File;
pub use layers::{Flags, Layers};
pub use loopback_address::LoopbackAddress;
pub use policy::{Policy, SessionRules};
pub use settings::{DEFAULT_SCOPES, Opener, ResponseMode, Settings, TokenStorage, is_loopback_host, variable};
pub use template::config_file;
pub use tls::{Authority, Tls};
