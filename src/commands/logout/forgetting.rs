//! What follows the removal of a sign-in: here, and at the provider.

use crate::config::platform;
use crate::error::Result;
use crate::event_loop;
use crate::foreign::{self, Foreign};
use crate::oidc::{Limits, Provider, revoke};
use crate::settings::Settings;
use crate::state::State;
use crate::token::Session;
use crate::token_cache::TokenCache;

/// Forgets what was known of the sign-in, so that the next one is for the account that the user chooses.
pub(super) fn note_signed_out(cache: &TokenCache) {
    State::forget(&cache.key);
    if home_of_user().is_none() {
        State::update(&cache.key, |state| state.is_signed_out = true);
    }
}

/// Revokes the refresh token at the provider, which may have no endpoint for that.
pub(super) fn revoke_there(settings: &Settings, session: &Session) -> Result<bool> {
    event_loop::run(async {
        let provider = Provider::discover(settings, Limits::USUAL).await?;
        revoke(&provider, settings, session).await
    })
}

/// The home directory of this run, if it belongs to a user and the run is root's: root must not remove that user's
/// sign-in, and usually cannot see it.
pub(super) fn home_of_user() -> Option<Foreign> {
    foreign::keeps_out(&platform::state_dir()?).filter(Foreign::is_of_user)
}
