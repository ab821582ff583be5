//! The straight line of the program: from what client-go asks to the `ExecCredential` that it gets.

use std::io::Write;
use std::time::{Duration, Instant};

use chrono::Utc;

use crate::config::{Flags, Layers, Opener, Policy, Settings, platform, variable};
use crate::error::{ErrorKind, Result};
use crate::exec_credential::{self, ExecInfo};
use crate::oidc::{Provider, Refreshed, refresh};
use crate::sign_in::{cool_down, sign_in};
use crate::state::State;
use crate::token::{IdToken, Saved, TokenSet};
use crate::token_cache::{Lock, Store, TokenCache, Unlock};
use crate::{event_loop, terminal};

/// How long a refresh of a token that is still valid may take in all.
const EARLY_PATIENCE: Duration = Duration::from_secs(2);

/// Writes an `ExecCredential` with a valid ID token to `out`: the saved one, else a refreshed one, else that of a new
/// sign-in.
///
/// # Errors
/// Of every [`ErrorKind`]; then nothing has been written to `out`, and what was saved is as good as before.
pub fn get_token(flags: &Flags, out: &mut impl Write) -> Result<()> {
    let exec_info = ExecInfo::parse(variable("KUBERNETES_EXEC_INFO").as_deref())?;
    let policy = Policy::load()?;
    policy.check_cluster(exec_info.cluster.as_ref())?;
    let layers = Layers::read(flags, variable, exec_info.cluster.as_ref())?;
    // A misspelt key may be why something is missing.
    let settings = Settings::resolve(&layers.given, variable, &policy).inspect_err(|_| layers.warn())?;
    let cache = TokenCache::new(&settings);

    let saved = match cache.load_from_kernel() {
        Some(saved) => Some(saved),
        None => cache.load(Unlock::Ask)?.1,
    };
    if let Some(saved) = &saved
        && let Some(id_token) = saved.fresh(Utc::now())
    {
        let is_renewable = saved.is_renewable && settings.session_rules.allow_refresh();
        let is_due = is_renewable && id_token.is_due(Utc::now(), &cache.key.digest);
        let renewed = if is_due { refresh_early(&cache, &settings) } else { None };
        return exec_credential::write(out, exec_info.api_version, renewed.as_ref().unwrap_or(id_token));
    }

    layers.warn();
    let (mut lock, shared_failure) = Lock::acquire(&platform::lock_dirs(), &cache.key.digest, settings.login_timeout)?;
    // A sibling may have signed in meanwhile, and a keyring that was busy may answer now.
    let (found, saved) = cache.load(Unlock::Ask)?;
    if let Some(id_token) = saved.as_ref().and_then(|saved| saved.fresh(Utc::now())) {
        return exec_credential::write(out, exec_info.api_version, id_token);
    }
    if let Some(failure) = shared_failure {
        return Err(failure);
    }
    match new_tokens(&cache, found, saved.as_ref(), &settings, &exec_info, &mut lock) {
        Ok((store, tokens, spent)) => {
            // Before anything is printed: kubectl may end this process as soon as it has the token.
            cache.store(&store, &tokens, spent);
            exec_credential::write(out, exec_info.api_version, &tokens.id_token)
        }
        Err(error) => {
            if error.kind() == ErrorKind::Unanswered {
                cool_down::start(&mut State::load(&cache.key), Utc::now());
            }
            lock.free_after_failure(&error);
            Err(error)
        }
    }
}

/// New tokens, where to keep them, and whether they make the saved ones useless.
fn new_tokens(
    cache: &TokenCache,
    found: Store,
    saved: Option<&Saved>,
    settings: &Settings,
    exec_info: &ExecInfo,
    lock: &mut Lock,
) -> Result<(Store, TokenSet, bool)> {
    if let Some(session) = saved.and_then(|saved| saved.session.as_ref()) {
        let refreshed = event_loop::run(async {
            let provider = Provider::discover(settings).await?;
            refresh(&provider, settings, session).await
        });
        match refreshed? {
            Refreshed::Tokens { tokens, rotated } => return Ok((found, tokens, rotated)),
            Refreshed::Unverified { session, why } => {
                cache.store_session(&found, saved.unwrap_or(&Saved::default()), session);
                return Err(why);
            }
            Refreshed::SessionOver(why) => terminal::notice(&format!("a new sign-in is needed: {why}")),
        }
    }
    // Where no browser is opened there is no tab too many.
    if settings.opener != Opener::Nobody {
        cool_down::check(&State::load(&cache.key), Utc::now())?;
    }
    let store = cache.choose(Some(found))?;
    let (tokens, _) = sign_in(settings, exec_info.server(), &mut |url| lock.note_url(url))?;
    cool_down::end(&mut State::load(&cache.key));
    Ok((store, tokens, saved.is_some()))
}

/// A new ID token in place of one that is valid and will not be for long; `None` leaves it at the old one. One process
/// tries, and nobody waits for it.
fn refresh_early(cache: &TokenCache, settings: &Settings) -> Option<IdToken> {
    if !State::load(&cache.key).may_refresh_early(Utc::now()) {
        return None;
    }
    let _lock = Lock::try_acquire(&platform::lock_dirs(), &cache.key.digest)?;
    let renewed = try_refresh_early(cache, settings);
    if renewed.is_none() {
        State::load(&cache.key).note_refresh_failed(Utc::now());
    }
    renewed
}

/// What goes wrong here is no news: the token at hand is good, and the run that needs a new one will say it.
fn try_refresh_early(cache: &TokenCache, settings: &Settings) -> Option<IdToken> {
    let start = Instant::now();
    let (store, saved) = cache.load(Unlock::Never).ok()?;
    let saved = saved?;
    if let Some(id_token) = saved.fresh(Utc::now())
        && !id_token.is_due(Utc::now(), &cache.key.digest)
    {
        return Some(id_token.clone());
    }
    let session = saved.session.as_ref()?;
    let refreshed = event_loop::run(async {
        let provider = Provider::discover(settings);
        let refreshed = async { refresh(&provider.await?, settings, session).await };
        Ok(tokio::time::timeout(EARLY_PATIENCE.saturating_sub(start.elapsed()), refreshed).await)
    });
    match refreshed {
        Ok(Ok(Ok(Refreshed::Tokens { tokens, rotated }))) => {
            cache.store(&store, &tokens, rotated);
            Some(tokens.id_token)
        }
        Ok(Ok(Ok(Refreshed::Unverified { session, .. }))) => {
            cache.store_session(&store, &saved, session);
            None
        }
        _ => None,
    }
}
