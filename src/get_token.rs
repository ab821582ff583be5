//! The straight line of the program: from client-go's request to the `ExecCredential` that it gets.
//!
//! 1. client-go's request: [`exec_credential`]
//! 2. the given values, the policy, the effective settings: [`crate::config`], [`crate::policy`], [`crate::settings`]
//! 3. the saved token, if it is fresh: [`crate::token_cache`]; almost every run ends here
//! 4. the lock, and another look, because a sibling `kubectl` may have just signed in
//! 5. the refresh, if there is a refresh token: [`crate::renewal`]
//! 6. the sign-in: [`crate::sign_in`]
//! 7. the new tokens are saved, before anything is printed
//! 8. the `ExecCredential` on stdout

use std::io::Write;

use chrono::{DateTime, Utc};

use crate::config::{Flags, Layers};
use crate::credential_key::CredentialKey;
use crate::early_refresh::newer_token;
use crate::environment::variable;
use crate::error::{Error, ErrorKind, Result};
use crate::exec_credential::{self, ApiVersion, ExecInfo};
use crate::policy::Policy;
use crate::renewal::{Renewed, renew};
use crate::settings::Settings;
use crate::sign_in::{announce_again, cool_down, sign_in};
use crate::state::State;
use crate::terminal;
use crate::token::{IdToken, Saved};
use crate::token_cache::{Doing, Lock, Purpose, SignInPlace, Store, TokenCache, Unlock, Waiter};

/// Writes an `ExecCredential` with a valid ID token to `out`: the saved one, else a refreshed one, else one from a new
/// sign-in.
///
/// # Errors
/// Of every [`ErrorKind`]; then nothing has been written to `out`, and the saved tokens are as good as before.
pub fn get_token(flags: &Flags, out: &mut impl Write) -> Result<()> {
    let (api_version, id_token) = valid_token(flags)?;
    exec_credential::write(out, api_version, &id_token)
}

/// Steps 1 to 7: a valid ID token, and the version of the response.
///
/// # Errors
/// As [`get_token`].
pub fn valid_token(flags: &Flags) -> Result<(ApiVersion, IdToken)> {
    let started = Utc::now();
    let exec_info = ExecInfo::parse(variable("KUBERNETES_EXEC_INFO").as_deref())?;

    let policy = Policy::load()?;
    policy.check_cluster(exec_info.cluster.as_ref())?;
    let layers = Layers::read(flags, variable, exec_info.cluster.as_ref())?;
    // A misspelt key may be the reason why a setting is missing.
    let settings = Settings::resolve(&layers.given, variable, &policy).inspect_err(|_| layers.warn())?;

    let cache = TokenCache::new(&settings);
    let saved = match cache.load_from_kernel() {
        Some(saved) => Some(saved),
        None => cache.load(Unlock::Ask)?.1,
    };
    if let Some(saved) = &saved
        && let Some(id_token) = saved.fresh(Utc::now())
        && !settings.force_refresh
    {
        let newer = newer_token(&cache, &settings, saved, id_token);
        return Ok((exec_info.api_version, newer.unwrap_or_else(|| id_token.clone())));
    }
    layers.warn();
    Ok((exec_info.api_version, token_under_lock(&cache, &settings, &exec_info, started)?))
}

/// Steps 4 to 7: the ID token of a sibling, else a new one. Siblings that wait for this run share its failure.
fn token_under_lock(
    cache: &TokenCache,
    settings: &Settings,
    exec_info: &ExecInfo,
    started: DateTime<Utc>,
) -> Result<IdToken> {
    let take_part = &mut |place: &SignInPlace, opens| announce_again(settings, place, opens);
    let waiter = Waiter { login_timeout: settings.login_timeout, purpose: Purpose::Token, take_part };
    let (mut lock, shared_failure) = Lock::acquire(cache, waiter)?;
    // A sibling may have signed in meanwhile, and a keyring that was busy may respond now.
    let (store, saved) = match &shared_failure {
        None => cache.load_under_lock(Unlock::Ask)?,
        Some(_) => cache.load(Unlock::Ask)?,
    };
    let is_new = |id_token: &&IdToken| !settings.force_refresh || id_token.issued_at > started;
    if let Some(id_token) = saved.as_ref().and_then(|saved| saved.fresh(Utc::now())).filter(is_new) {
        return Ok(id_token.clone());
    }
    if let Some(failure) = shared_failure {
        return Err(failure);
    }
    new_token(cache, store, saved.as_ref(), settings, exec_info, &mut lock).inspect_err(|error| {
        pause_after(error, &cache.key);
        lock.free_after_failure(error);
    })
}

/// Steps 5 to 7: a new ID token, saved with all that came with it before anything is printed: kubectl may end this
/// process as soon as it has the token.
fn new_token(
    cache: &TokenCache,
    store: Store,
    saved: Option<&Saved>,
    settings: &Settings,
    exec_info: &ExecInfo,
    lock: &mut Lock,
) -> Result<IdToken> {
    if let Some((saved, session)) = saved.and_then(|saved| Some((saved, saved.session.as_ref()?))) {
        lock.note(Doing::Refreshing);
        match renew(cache, settings, &store, saved, session)? {
            Renewed::Token(id_token) => return Ok(id_token),
            Renewed::SessionOver(why) => terminal::notice(&format!("a new sign-in is needed: {why}")),
        }
    }
    cool_down::check(settings, &cache.key)?;
    lock.note(Doing::SigningIn);
    let store = cache.choose(Some(store))?;
    let (tokens, _) = sign_in(settings, exec_info, lock)?;
    State::update(&cache.key, cool_down::end);
    let prepared = cache.prepare(store, None, Unlock::Ask);
    cache.keep(prepared, &tokens.clone().into(), saved.is_some());
    Ok(tokens.id_token)
}

/// Starts the cool-down after a sign-in that was not answered or not seen, so that the next runs do not try again at
/// once.
fn pause_after(error: &Error, key: &CredentialKey) {
    match error.kind() {
        ErrorKind::Unanswered => State::update(key, |state| cool_down::start(state, Utc::now())),
        ErrorKind::Unseen => State::update(key, |state| cool_down::start_unseen(state, Utc::now())),
        _ => {}
    }
}
