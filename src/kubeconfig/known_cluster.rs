//! What a kubeconfig says about a cluster that kubekey already signs in to.

use super::contexts::{Context, Contexts};
use super::files::{Files, LARGEST};

/// A cluster whose user runs kubekey.
pub struct KnownCluster {
    /// Its name.
    pub name: String,
    /// The API server's URL.
    pub server: String,
    /// The file with its CA.
    pub authority: Option<String>,
    /// Whether its CA is in the kubeconfig itself.
    pub has_data: bool,
    arguments: Vec<String>,
}

impl KnownCluster {
    /// The cluster of the current context, otherwise of the last context that has one; `None` also for files that
    /// cannot be read.
    pub fn find(files: &Files) -> Option<Self> {
        let contexts = Contexts::read(files, LARGEST).ok()?;
        let ours = contexts.ours();
        let (current, others): (Vec<_>, Vec<_>) =
            ours.into_iter().partition(|context| contexts.current.as_deref() == Some(context.name));
        current.into_iter().chain(others.into_iter().rev()).find_map(Self::of)
    }

    fn of(context: Context<'_>) -> Option<Self> {
        let text = |field: &str| context.of_cluster(field).map(str::to_owned);
        Some(Self {
            name: context.cluster.to_owned(),
            server: text("server")?,
            authority: text("certificate-authority"),
            has_data: text("certificate-authority-data").is_some(),
            arguments: context.exec?.args,
        })
    }

    /// The value of a setting in its user's entry.
    pub fn setting(&self, flag: &str) -> Option<&str> {
        self.settings().find_map(|(name, text)| (name == flag).then_some(text))
    }

    /// The names and values of the settings in its user's entry, in order.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.arguments.iter().filter_map(|argument| argument.strip_prefix("--")?.split_once('='))
    }
}
