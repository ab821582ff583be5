//! The silent renewal of a saved sign-in. Everything is prepared first, then the refresh token is spent, and nothing may
//! interrupt until the result is saved.

use std::cell::Cell;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::error::{Error, ErrorKind, Result};
use crate::oidc::key_set::KeySet;
use crate::oidc::{Limits, Outcome, Provider, Refreshed, refresh, verify_anew};
use crate::settings::Settings;
use crate::state::State;
use crate::token::{IdToken, Saved, Session};
use crate::token_cache::{Prepared, Store, TokenCache, Unlock};
use crate::{event_loop, signals, terminal};

/// How long the renewal of a token that is still valid may delay a run. A provider that took longer is not asked early again
/// for a day.
pub const UNNOTICED: Duration = Duration::from_secs(2);

/// The result of a renewal.
pub enum Renewed {
    /// A new ID token, which is saved.
    Token(IdToken),
    /// The session is over, for this reason: the user must sign in again.
    SessionOver(String),
}

/// Gets a new ID token for the session in `saved`, and saves it in `store`.
///
/// # Errors
/// If the provider does not respond, refuses the client, or this machine's clock is wrong: the session is as good as before.
pub fn renew(
    cache: &TokenCache,
    settings: &Settings,
    store: &Store,
    saved: &Saved,
    session: &Session,
) -> Result<Renewed> {
    let prepared = cache.prepare(store.clone(), Some(saved), Unlock::Ask);
    if let Some(why) = &prepared.obstacle {
        terminal::warning(&format!("the refreshed sign-in cannot be saved where it was: {why}"));
    }
    // The limits of the requests are enough.
    let (limits, patience) = (Limits::USUAL, Duration::MAX);
    Renewal { cache, settings, saved, session, limits, patience, is_slow: Cell::default() }.spend(prepared)
}

/// The session that is renewed, and how.
pub struct Renewal<'a> {
    /// Where the sign-in is saved.
    pub cache: &'a TokenCache,
    /// The settings of this run.
    pub settings: &'a Settings,
    /// The sign-in.
    pub saved: &'a Saved,
    /// Its session.
    pub session: &'a Session,
    /// The limits for each request.
    pub limits: Limits,
    /// How long the provider may take before the refresh token is sent.
    pub patience: Duration,
    /// Whether the refresh token was sent and the provider took longer than [`UNNOTICED`].
    pub is_slow: Cell<bool>,
}

impl Renewal<'_> {
    /// Sends the refresh token, and saves the result.
    ///
    /// # Errors
    /// As [`renew`].
    pub fn spend(&self, prepared: Prepared) -> Result<Renewed> {
        let _watch = signals::watch();
        let store = prepared.store.clone();
        let (provider, Refreshed { rotated, outcome }) = event_loop::run(self.send())?;
        if let Outcome::Tokens(tokens) = outcome {
            self.cache.keep(prepared, &tokens.clone().into(), rotated.is_some());
            State::update(&self.cache.key, |state| state.note_refreshed(true));
            return Ok(Renewed::Token(tokens.id_token));
        }
        // Whatever else is missing, the old refresh token is spent.
        if let Some(session) = &rotated {
            self.cache.keep(prepared, &self.saved.with_session(session.clone()), true);
        }
        signals::release();
        let outcome = match outcome {
            Outcome::Unverified(response, _) => {
                let session = rotated.as_ref().unwrap_or(self.session);
                event_loop::run(verify_anew(&provider, self.settings, &response, session))?
            }
            outcome => outcome,
        };
        match outcome {
            Outcome::NoIdToken(why) => {
                State::update(&self.cache.key, |state| state.note_refreshed(false));
                Ok(Renewed::SessionOver(why))
            }
            Outcome::Tokens(tokens) => {
                signals::hold();
                let prepared = self.cache.prepare(store, None, Unlock::Never);
                self.cache.keep(prepared, &tokens.clone().into(), false);
                Ok(Renewed::Token(tokens.id_token))
            }
            Outcome::WrongClock(why) => Err(why),
            // The endpoint is that of the current document, so its 404 is a refusal: the user can sign in again.
            Outcome::SessionOver(why) | Outcome::EndpointGone(why) | Outcome::Unverified(_, why) => {
                Ok(Renewed::SessionOver(why))
            }
        }
    }

    /// Sends the refresh token. An endpoint that does not exist has spent nothing: if the provider moved it since its
    /// discovery document was cached, the token is sent to the new one. An early renewal leaves that to the next run.
    async fn send(&self) -> Result<(Provider, Refreshed)> {
        let start = Instant::now();
        let (mut provider, keys) = self.ready_provider().await?;
        let refreshed = refresh(&provider, &keys, self.settings, self.session, signals::hold).await;
        self.is_slow.set(start.elapsed() > UNNOTICED);
        let refreshed = refreshed?;
        if !matches!(refreshed.outcome, Outcome::EndpointGone(_)) || self.limits == Limits::EARLY {
            return Ok((provider, refreshed));
        }
        signals::release();
        let gone = provider.metadata.token_endpoint.clone();
        provider.renew().await?;
        if provider.metadata.token_endpoint == gone {
            return Ok((provider, refreshed));
        }
        let refreshed = refresh(&provider, &keys, self.settings, self.session, signals::hold).await?;
        Ok((provider, refreshed))
    }

    /// The provider with its endpoints and keys: without them the refresh token would be spent on an unverifiable response.
    async fn ready_provider(&self) -> Result<(Provider, KeySet)> {
        let ready = async {
            let provider = Provider::discover(self.settings, self.limits).await?;
            let keys = provider.keys().await?;
            Ok((provider, keys))
        };
        // Nothing to do about it: a run that has a token goes on with that.
        timeout(self.patience, ready).await.unwrap_or_else(|_| {
            let message = format!("the provider was not ready within {} s", self.patience.as_secs());
            Err(Error::new(ErrorKind::Unreachable, message))
        })
    }
}
