//! Settings: where they come from, their defaults, and where files live.

mod loopback_address;
pub mod platform;
mod settings;

pub use loopback_address::LoopbackAddress;
pub use settings::{DEFAULT_SCOPES, Opener, Settings, TokenStorage, is_loopback_host};
