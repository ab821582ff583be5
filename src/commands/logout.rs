//! `kubekey logout`: forgets a sign-in here, and has the provider revoke its refresh token if it can.

use super::Known;
use crate::config::{Flags, platform};
use crate::error::Result;
use crate::foreign::{self, Foreign};
use crate::oidc::{Limits, Provider, revoke};
use crate::settings::Settings;
use crate::state::State;
use crate::token::Session;
use crate::token_cache::{Lock, Purpose, TokenCache, Unlock, Waiter};
use crate::{event_loop, terminal};

/// Removes this credential from every storage that may have it, and revokes the refresh token of the one that the
/// settings choose. Neither prevents the other.
///
/// # Errors
/// [`crate::error::ErrorKind::Storage`] if part of it cannot be removed.
pub fn logout(flags: &Flags) -> Result<()> {
    let Known { settings, .. } = Known::read(flags)?;
    let cache = TokenCache::new(&settings);
    // A sign-in that is still running would save its tokens after the removal.
    let waiter = Waiter { login_timeout: settings.login_timeout, purpose: Purpose::Removal, take_part: &mut |_, _| {} };
    let (_lock, _) = Lock::acquire(&cache, waiter)?;
    // Read before it is removed, so that the provider can be told.
    let session = cache.load(Unlock::Ask).ok().and_then(|(_, saved)| saved?.session);
    let removed = cache.remove();
    let issuer = &cache.key.issuer;
    if let Some(session) = &session {
        say_revoked(issuer, revoke_there(&settings, session));
    }
    let was_saved = removed?;
    State::forget(&cache.key);
    let home_of_user = home_of_user();
    if home_of_user.is_none() {
        State::update(&cache.key, |state| state.is_signed_out = true);
    }
    terminal::notice(&match (was_saved, home_of_user) {
        (true, None) => format!("signed out of {issuer}: the saved sign-in was removed"),
        (false, None) => format!(
            "no saved sign-in to {issuer} with these settings; for another client ID or other scopes, give the flags that it was made with"
        ),
        (true, Some(home)) => {
            format!("root's saved sign-in to {issuer} was removed; those of {} were not changed", home.owner())
        }
        (false, Some(home)) => {
            format!("root has no saved sign-in to {issuer}; those of {} were not changed", home.owner())
        }
    });
    Ok(())
}

/// Revokes the refresh token at the provider, which may have no endpoint for that.
fn revoke_there(settings: &Settings, session: &Session) -> Result<bool> {
    event_loop::run(async {
        let provider = Provider::discover(settings, Limits::USUAL).await?;
        revoke(&provider, settings, session).await
    })
}

fn say_revoked(issuer: &str, revoked: Result<bool>) {
    match revoked {
        Ok(true) => terminal::notice(&format!("{issuer} has revoked the refresh token")),
        Ok(false) => terminal::notice(&format!(
            "{issuer} does not revoke refresh tokens: whoever has a copy can use it until the provider ends the session"
        )),
        Err(why) => terminal::warning(&format!(
            "the refresh token was not revoked, so whoever has a copy can use it until the provider ends the session: {why}"
        )),
    }
}

/// The home directory of this run, if it belongs to a user and the run is root's: root must not remove that user's
/// sign-in, and usually cannot see it.
fn home_of_user() -> Option<Foreign> {
    foreign::keeps_out(&platform::state_dir()?).filter(Foreign::is_of_user)
}
