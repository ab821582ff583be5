//! `kubekey logout`: forgets a sign-in here, and has the provider revoke its refresh token if it can.

mod client;
mod forgetting;
mod listed;

use super::Known;
use super::context::read;
use super::listed::Users;
use crate::cli::Logout;
use crate::config::Flags;
use crate::error::Result;
use crate::policy::Policy;
use crate::shell::quoted;
use crate::sign_in::sign_out;
use crate::terminal;
use crate::token_cache::{Lock, Purpose, TokenCache, Unlock, Waiter};
use forgetting::{home_of_user, note_signed_out, revoke_there};

/// Removes the sign-in of these settings, or those that are listed.
///
/// # Errors
/// [`crate::error::ErrorKind::Storage`] if a part of one cannot be removed; as [`sign_out`] if the provider's session was
/// to be ended, too.
pub fn logout(asked: &Logout, flags: &Flags) -> Result<()> {
    match asked.is_of_list() {
        true => listed::logout_listed(asked, flags),
        false => logout_one(asked, flags),
    }
}

/// Removes this credential from every storage that may have it, and revokes the refresh token of the one that the
/// settings choose. Neither prevents the other.
fn logout_one(asked: &Logout, flags: &Flags) -> Result<()> {
    let Known { policy, settings, .. } = Known::read(flags)?;
    let cache = TokenCache::new(&settings);
    // A sign-in that is still running would save its tokens after the removal.
    let waiter = Waiter { login_timeout: settings.login_timeout, purpose: Purpose::Removal, take_part: &mut |_, _| {} };
    let (lock, _) = Lock::acquire(&cache, waiter)?;
    // Read before it is removed, so that the provider can be told.
    let saved = cache.load(Unlock::Ask).ok().and_then(|(_, saved)| saved).or_else(|| cache.load_parked());
    let session = saved.as_ref().and_then(|saved| saved.session.as_ref());
    let removed = cache.remove();
    let issuer = &cache.key.issuer;
    if let Some(session) = session {
        say_revoked(issuer, revoke_there(&settings, session));
    }
    let was_saved = removed?;
    let home_of_user = home_of_user();
    note_signed_out(&cache);
    // Nobody has to wait for the browser.
    drop(lock);
    if was_saved && home_of_user.is_none() {
        say_shared(&cache, asked, &policy);
    }
    terminal::notice(&match (was_saved, home_of_user) {
        (true, None) => format!("signed out of {issuer}: the saved sign-in was removed"),
        (false, None) => format!(
            "no saved sign-in to {issuer} with these settings; if it was made with other flags, give them, or run 'kubekey logout --issuer {}'",
            quoted(issuer)
        ),
        (true, Some(home)) => {
            format!("root's saved sign-in to {issuer} was removed; those of {} were not changed", home.owner())
        }
        (false, Some(home)) => {
            format!("root has no saved sign-in to {issuer}; those of {} were not changed", home.owner())
        }
    });
    if asked.browser {
        let id_token = saved.as_ref().and_then(|saved| saved.id_token.as_ref());
        sign_out(&settings, id_token.map(|id_token| &id_token.jwt))?;
    }
    Ok(())
}

/// Names the other contexts that are signed out, too.
fn say_shared(cache: &TokenCache, asked: &Logout, policy: &Policy) {
    let Some(context) = asked.of.context.as_deref() else { return };
    let Ok(contexts) = read(&asked.of) else { return };
    let users = Users::of(&contexts, policy);
    let others = users.others_of(cache, context);
    if !others.is_empty() {
        terminal::notice(&format!("this was also the sign-in of '{}'", others.join("', '")));
    }
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
