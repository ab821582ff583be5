//! The flags of commands that use the settings of a kubeconfig's context.

use clap::builder::NonEmptyStringValueParser as NonEmpty;
use clap::{Args, ValueEnum};

/// The context whose settings a command uses.
#[derive(Args, Clone, Default)]
pub struct OfContext {
    /// Use the settings of this kubeconfig context [default: the current one, unless a provider, client or profile is given]
    #[arg(long, value_name = "NAME", value_parser = NonEmpty::new())]
    pub context: Option<String>,

    /// Use the settings of the context for this kubeconfig cluster
    #[arg(long, value_name = "NAME", value_parser = NonEmpty::new(), conflicts_with = "context")]
    pub cluster: Option<String>,

    /// The kubeconfig to read [default: as with kubectl: KUBECONFIG, else ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<std::path::PathBuf>,
}

/// What `doctor` checks, and how it reports it.
#[derive(Args)]
pub struct Examine {
    /// The output format
    #[arg(long, value_enum, default_value = "text")]
    pub output: Format,
    /// Replace names of servers and users, the issuer, the client ID and the home folder, for a ticket
    #[arg(long)]
    pub share: bool,
    /// The context to check.
    #[command(flatten)]
    pub of: OfContext,
}

/// An output format of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}
