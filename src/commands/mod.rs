//! The subcommands, a file each. `get-token` is the program itself and has its own place: [`crate::get_token`].

mod config;
mod login;
mod logout;
mod setup;

pub use config::config;
pub use login::login;
pub use logout::logout;
pub use setup::setup;
