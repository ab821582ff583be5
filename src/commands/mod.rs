//! The subcommands, a file each. `get-token` is the program itself and has its own place: [`crate::get_token`].

mod config;
mod login;
mod logout;
mod setup;

pub use config::config;
pub use login::login;
pub use logout::logout;
pub use setup::{setup, setup_system};

use crate::config::{Flags, Layers, Policy, Settings, variable};
use crate::error::Result;

/// The settings of a command that a person runs, who is told at once of what is misspelt in a file.
fn settings(flags: &Flags) -> Result<Settings> {
    let policy = Policy::load()?;
    let layers = Layers::read(flags, variable, None)?;
    layers.warn();
    Settings::resolve(&layers.given, variable, &policy)
}
