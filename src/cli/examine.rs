//! The flags of `doctor`.

use clap::Args;

use super::{Format, OfContext};

/// What `doctor` checks, and how it reports it.
#[derive(Args)]
pub struct Examine {
    /// The output format
    #[arg(short, long, value_enum, default_value = "text")]
    pub output: Format,
    /// Replace names of servers and users, the issuer, the client ID and the home folder, for a ticket
    #[arg(long)]
    pub share: bool,
    /// The context to check.
    #[command(flatten)]
    pub of: OfContext,
}
