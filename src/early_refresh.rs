//! The early refresh: a run with a valid token that will expire soon renews it, so that no run needs to wait for that.
//! It may fail, and it must not take long.

use std::cell::Cell;
use std::time::Instant;

use chrono::Utc;

use crate::error::Error;
use crate::log;
use crate::oidc::Limits;
use crate::renewal::{Renewal, Renewed, UNNOTICED};
use crate::settings::Settings;
use crate::sign_in::sign_in_machine;
use crate::state::State;
use crate::token::{IdToken, Saved};
use crate::token_cache::{Lock, Store, TokenCache, Unlock};

/// A new ID token, if the valid one in `saved` will expire soon and can be renewed; `None` if that one is to be used
/// as it is. Only one process tries, and no other waits for it.
pub fn newer_token(cache: &TokenCache, settings: &Settings, saved: &Saved, id_token: &IdToken) -> Option<IdToken> {
    let is_renewable = settings.is_machine() || saved.is_renewable && settings.session_rules.allow_refresh();
    let is_due = is_renewable && id_token.is_due(Utc::now(), &cache.key.digest);
    if !is_due || !State::load(&cache.key).may_refresh_early(Utc::now()) {
        return None;
    }
    let _lock = Lock::try_acquire(&cache.lock_places())?;
    let (renewed, is_slow) = try_to_renew(cache, settings);
    if is_slow {
        State::update(&cache.key, |state| state.note_slow(Utc::now()));
    } else if renewed.is_none() {
        State::update(&cache.key, |state| state.note_refresh_failed(Utc::now()));
    }
    renewed
}

/// The new ID token, and whether the provider was slow. Failures are not reported: the saved token is valid, and the
/// run that needs a new one will report them.
fn try_to_renew(cache: &TokenCache, settings: &Settings) -> (Option<IdToken>, bool) {
    let Ok((store, Some(saved))) = cache.load_under_lock(Unlock::Never) else { return (None, false) };
    if let Some(id_token) = saved.fresh(Utc::now())
        && !id_token.is_due(Utc::now(), &cache.key.digest)
    {
        return (Some(id_token.clone()), false);
    }
    if settings.is_machine() {
        return ask_again(cache, settings, store);
    }
    let Some(session) = &saved.session else { return (None, false) };
    let prepared = cache.prepare(store, Some(&saved), Unlock::Never);
    if prepared.obstacle.is_some() {
        return (None, false);
    }
    let (limits, patience) = (Limits::EARLY, UNNOTICED);
    let renewal = Renewal { cache, settings, saved: &saved, session, limits, patience, is_slow: Cell::default() };
    let id_token = match renewal.spend(prepared) {
        Ok(Renewed::Token(id_token)) => Some(id_token),
        Ok(Renewed::SessionOver(_)) => None,
        Err(why) => not_early(&why),
    };
    (id_token, renewal.is_slow.get())
}

fn not_early<T>(why: &Error) -> Option<T> {
    log::debug(format_args!("refresh: not early ({why})"));
    None
}

/// A machine has no refresh token, and makes the same request again (RFC 6749 §4.4.3).
fn ask_again(cache: &TokenCache, settings: &Settings, store: Store) -> (Option<IdToken>, bool) {
    let start = Instant::now();
    let tokens = match sign_in_machine(settings, Limits::EARLY, UNNOTICED) {
        Ok((tokens, _)) => Some(tokens),
        Err(why) => not_early(&why),
    };
    let is_slow = start.elapsed() > UNNOTICED;
    if let Some(tokens) = &tokens {
        let prepared = cache.prepare(store, None, Unlock::Never);
        cache.keep(prepared, &tokens.clone().into(), false);
    }
    (tokens.map(|tokens| tokens.id_token), is_slow)
}
