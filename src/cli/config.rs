//! The command `config`.

use clap::Subcommand;

use super::{OfContext, Output};

/// What to do with the configuration.
#[derive(Subcommand)]
pub enum Config {
    /// Print the effective settings, with secrets hidden
    Show {
        /// Show where each setting comes from
        #[arg(long)]
        origin: bool,
        /// The output format
        #[arg(short, long, value_enum, default_value = "toml")]
        output: Output,
        /// The context to show.
        #[command(flatten)]
        of: OfContext,
    },
    /// Look for mistakes in all configuration files, or in one
    Check {
        /// A file to check before it is installed
        file: Option<std::path::PathBuf>,
        /// The file is a policy
        #[arg(long, requires = "file")]
        policy: bool,
    },
    /// Print the JSON schema of a configuration file, for editors
    Schema {
        /// Print the schema of a policy instead
        #[arg(long)]
        policy: bool,
    },
}
