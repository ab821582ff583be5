//! Signing the user in. The flow is the one in the browser; its parts know little of each other: the loopback listener
//! serves HTTP, the gate knows who may ask, the pages are text, and only the reception that [`browser`] sets up knows that
//! an OAuth answer is awaited.

mod browser;
mod connections;
pub mod cool_down;
mod gate;
mod launcher;
mod loopback;
pub mod pages;
mod reception;
mod visit;

use crate::config::Settings;
use crate::error::Result;
use crate::event_loop;
use crate::oidc::{Person, Provider};
use crate::token::TokenSet;

/// Signs the user in, and says who it is. `cluster` is the API server's URL, if it is known, for the page that the user
/// sees. `on_start` is given our local URL once it answers.
///
/// # Errors
/// [`crate::error::ErrorKind::SignIn`] if the provider refuses or the answer is not to be believed;
/// [`crate::error::ErrorKind::Unanswered`] if nobody answers in time;
/// [`crate::error::ErrorKind::Unreachable`] if the provider does not answer; [`crate::error::ErrorKind::Policy`] if this
/// way to sign in is not allowed.
pub fn sign_in(
    settings: &Settings,
    cluster: Option<&str>,
    on_start: &mut dyn FnMut(&str),
) -> Result<(TokenSet, Person)> {
    settings.session_rules.require_flow("browser")?;
    event_loop::run(async {
        let mut provider = Provider::discover(settings).await?;
        // With yesterday's endpoints, or with none that answers, a person would sit before an error page that leads nowhere.
        provider.renew().await?;
        provider.fetch_keys_early();
        browser::sign_in(&provider, settings, cluster, on_start).await
    })
}
