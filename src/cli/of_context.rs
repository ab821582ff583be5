//! The flags that choose a context.

use clap::Args;
use clap::builder::NonEmptyStringValueParser as NonEmpty;

/// The context whose settings a command uses.
#[derive(Args, Clone, Default)]
pub struct OfContext {
    /// Use this context of the kubeconfig [default: the current one, unless a provider, client or profile is given]
    #[arg(long, value_name = "NAME", value_parser = NonEmpty::new())]
    pub context: Option<String>,

    /// Use the context of this cluster of the kubeconfig
    #[arg(long, value_name = "NAME", value_parser = NonEmpty::new(), conflicts_with = "context")]
    pub cluster: Option<String>,

    /// The kubeconfig to read [default: as with kubectl: KUBECONFIG, else ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<std::path::PathBuf>,
}

impl OfContext {
    /// Whether one of the flags was given.
    pub fn is_asked(&self) -> bool {
        self.context.is_some() || self.cluster.is_some() || self.kubeconfig.is_some()
    }
}
