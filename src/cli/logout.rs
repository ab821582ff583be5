//! The flags of `logout`.

use clap::Args;
use clap::builder::NonEmptyStringValueParser as NonEmpty;

use super::of_context::OfContext;

/// Which sign-ins to remove.
#[derive(Args, Clone, Default)]
pub struct Logout {
    /// Remove every saved sign-in
    #[arg(long, conflicts_with_all = ["context", "cluster"])]
    pub all: bool,

    /// Remove every saved sign-in to this issuer
    #[arg(long, value_name = "URL", value_parser = NonEmpty::new(), conflicts_with_all = ["all", "context", "cluster"])]
    pub issuer: Option<String>,

    /// End the provider's session, too, in the browser
    #[arg(long)]
    pub browser: bool,

    /// The context whose sign-in is removed.
    #[command(flatten)]
    pub of: OfContext,
}

impl Logout {
    /// Whether it is about the sign-ins that are listed, and not about that of one context.
    pub fn is_of_list(&self) -> bool {
        self.all || self.issuer.is_some()
    }
}
