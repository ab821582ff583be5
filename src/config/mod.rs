//! Settings: where they come from, their defaults, and where files live.

mod loopback_address;
pub mod platform;
mod policy;
mod settings;
mod system_file;

pub use loopback_address::LoopbackAddress;
pub use policy::Policy;
pub use settings::{DEFAULT_SCOPES, Opener, ResponseMode, Settings, TokenStorage, is_loopback_host};
