//! The subcommands, one file each. `get-token` is the program's main purpose and has its own module:
//! [`crate::get_token`].

mod bare;
mod complete;
pub mod config;
mod context;
mod context_run;
mod context_user;
mod doctor;
mod listed;
mod login;
mod logout;
mod pages;
mod refusal;
mod setup;
mod span;
mod status;
mod status_table;
mod token;
mod used_by;
mod version;
mod whoami;

pub use bare::{introduce, is_bare};
pub use complete::{complete, completion_script, print_script, words_to_complete};
pub use config::config;
pub use context::take_context;
pub use doctor::doctor;
pub use login::login;
pub use logout::logout;
pub use pages::{preview_pages, write_pages};
pub use setup::{setup, setup_system};
pub use status::status;
pub use token::token;
pub use version::version;
pub use whoami::{server_of, whoami};

use crate::config::{Flags, Layers};
use crate::environment::variable;
use crate::error::Result;
use crate::exec_credential::ExecInfo;
use crate::policy::Policy;
use crate::settings::Settings;

/// The settings of a command that a person runs.
struct Known {
    policy: Policy,
    settings: Settings,
    /// Of the context whose settings are used; `None` if they do not come from a context.
    exec_info: Option<ExecInfo>,
}

impl Known {
    /// Reads everything, and warns about unknown keys in files.
    fn read(flags: &Flags) -> Result<Self> {
        let policy = Policy::load()?;
        let exec_info = variable("KUBERNETES_EXEC_INFO").filter(|info| !info.is_empty());
        let exec_info = exec_info.map(|info| ExecInfo::parse(Some(&info))).transpose()?;
        let cluster = exec_info.as_ref().and_then(|info| info.cluster.as_ref());
        let layers = Layers::read(flags, variable, cluster)?;
        layers.warn();
        let settings = Settings::resolve(&layers.given, variable, &policy)?;
        Ok(Self { policy, settings, exec_info })
    }
}
