//! `kubekey login`: a new sign-in, even if one is saved; with `--force-refresh` a refresh, if that is possible.

use chrono::Utc;

use super::Known;
use crate::config::Flags;
use crate::error::Result;
use crate::renewal::{Renewed, renew};
use crate::settings::Settings;
use crate::sign_in::{announce_again, cool_down, sign_in};
use crate::state::State;
use crate::token::IdToken;
use crate::token_cache::{Doing, Lock, Purpose, SignInPlace, TokenCache, Unlock, Waiter};
use crate::{local_time, terminal};

/// Signs the user in and saves the tokens. Prints nothing on stdout.
///
/// # Errors
/// As [`crate::get_token::get_token`]; the saved sign-in is then unchanged.
pub fn login(flags: &Flags) -> Result<()> {
    let Known { policy, settings, exec_info } = Known::read(flags)?;
    if let Some(info) = &exec_info {
        policy.check_cluster(info.cluster.as_ref())?;
    }
    let exec_info = exec_info.unwrap_or_default();
    let cache = TokenCache::new(&settings);
    let (mut lock, new) = acquire(&cache, &settings)?;
    if let Some(id_token) = new {
        say_signed_in("", &id_token);
        return Ok(());
    }
    if settings.force_refresh {
        match refresh(&cache, &settings, &mut lock) {
            Ok(Some(id_token)) => {
                say_signed_in("", &id_token);
                return Ok(());
            }
            Ok(None) => {}
            Err(error) => {
                lock.free_after_failure(&error);
                return Err(error);
            }
        }
    }
    lock.note(Doing::SigningIn);
    let result = cache
        .choose(None)
        .and_then(|store| sign_in(&settings, &exec_info, &mut lock).map(|signed_in| (store, signed_in)));
    match result {
        Ok((store, (tokens, person))) => {
            let prepared = cache.prepare(store, None, Unlock::Ask);
            cache.keep(prepared, &tokens.clone().into(), false);
            State::update(&cache.key, cool_down::end);
            say_signed_in(&format!(" as {}", person.name), &tokens.id_token);
            Ok(())
        }
        Err(error) => {
            lock.free_after_failure(&error);
            Err(error)
        }
    }
}

/// A new ID token for the saved sign-in; `None` if the user must sign in.
fn refresh(cache: &TokenCache, settings: &Settings, lock: &mut Lock) -> Result<Option<IdToken>> {
    let (store, saved) = cache.load_under_lock(Unlock::Ask)?;
    let Some((saved, session)) = saved.as_ref().and_then(|saved| Some((saved, saved.session.as_ref()?))) else {
        return Ok(None);
    };
    lock.note(Doing::Refreshing);
    match renew(cache, settings, &store, saved, session)? {
        Renewed::Token(id_token) => Ok(Some(id_token)),
        Renewed::SessionOver(why) => {
            terminal::notice(&format!("a new sign-in is needed: {why}"));
            Ok(None)
        }
    }
}

/// Acquires the lock. Returns also the ID token of a sign-in that another run had begun and the user finished while
/// this run waited: a second sign-in is not needed.
fn acquire(cache: &TokenCache, settings: &Settings) -> Result<(Lock, Option<IdToken>)> {
    let saved = || cache.load(Unlock::Never).ok()?.1?.fresh(Utc::now()).cloned();
    let mut before = None;
    let take_part = &mut |place: &SignInPlace, opens| {
        before.get_or_insert_with(saved);
        announce_again(settings, place, opens);
    };
    let waiter = Waiter { login_timeout: settings.login_timeout, purpose: Purpose::SignIn, take_part };
    let (lock, _) = Lock::acquire(cache, waiter)?;
    let new = before.and_then(|before| saved().filter(|now| before.as_ref() != Some(now)));
    Ok((lock, new))
}

fn say_signed_in(who: &str, id_token: &IdToken) {
    let until = local_time::format(id_token.expires_at, "%Y-%m-%d %H:%M:%S %:z");
    terminal::notice(&format!("signed in{who}, with a token that is valid until {until}"));
}
