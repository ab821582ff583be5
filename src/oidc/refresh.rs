//! The refresh: new tokens without the user (RFC 6749 §6, OpenID Connect Core §12).

use chrono::Utc;

use super::Provider;
use super::token_endpoint::{Failure, ask};
use super::verify::{Expected, accept};
use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::token::{Session, TokenSet};
use crate::{log, terminal};

/// Error codes that say something about the client or the moment, not about this user's session: signing in again
/// would meet them, too. Every other one ends the session, whatever it is: a user must never be stranded.
const NOT_ABOUT_THE_SESSION: [&str; 4] =
    ["invalid_client", "unauthorized_client", "temporarily_unavailable", "slow_down"];

/// What a refresh came to.
#[derive(Debug)]
pub enum Refreshed {
    /// New tokens. `rotated` says that the provider replaced the refresh token.
    Tokens {
        /// The new set, with the old refresh token where there is no new one.
        tokens: TokenSet,
        /// Whether the old refresh token is spent.
        rotated: bool,
    },
    /// The refresh token was replaced by this session's, and the ID token beside it could not be verified for now.
    Unverified {
        /// The session with the new refresh token.
        session: Session,
        /// Why not.
        why: Error,
    },
    /// The session is over, for the reason given: the user has to sign in again.
    SessionOver(String),
}

/// Asks for new tokens with the refresh token of `session`.
///
/// # Errors
/// [`ErrorKind::Unreachable`] if the provider does not answer or is in trouble, [`ErrorKind::Failed`] if it refuses the
/// client: the refresh token is as good as before.
pub async fn refresh(provider: &Provider, settings: &Settings, session: &Session) -> Result<Refreshed> {
    terminal::hide(session.refresh_token.expose());
    let refreshed = try_refresh(provider, settings, session).await;
    log::debug(format_args!("refresh: {}", outcome(&refreshed)));
    refreshed
}

fn outcome(refreshed: &Result<Refreshed>) -> String {
    match refreshed {
        Ok(Refreshed::Tokens { rotated: true, .. }) => "new tokens, with another refresh token".into(),
        Ok(Refreshed::Tokens { .. }) => "new tokens, with the same refresh token".into(),
        Ok(Refreshed::Unverified { why, .. }) => format!("the ID token could not be verified ({why})"),
        Ok(Refreshed::SessionOver(why)) => format!("the session is over ({why})"),
        Err(why) => format!("failed ({why})"),
    }
}

async fn try_refresh(provider: &Provider, settings: &Settings, session: &Session) -> Result<Refreshed> {
    if let Some(why) = settings.session_rules.why_over(session, Utc::now()) {
        return Ok(Refreshed::SessionOver(why));
    }
    // Before the refresh token may be spent on an answer that cannot be verified.
    provider.keys().await?;
    let grant = [("grant_type", "refresh_token"), ("refresh_token", session.refresh_token.expose())];
    let response = match ask(provider, settings, &grant).await {
        Ok(response) => response,
        // Tokens that cannot be used; only a new sign-in can give better ones.
        Err(Failure::Unusable(error)) => return Ok(Refreshed::SessionOver(error.to_string())),
        Err(Failure::Trouble(error)) => return Err(error),
        Err(Failure::OAuth(error)) if NOT_ABOUT_THE_SESSION.contains(&error.code.as_str()) => {
            return Err(error.into_error(ErrorKind::Failed, "did not refresh the token"));
        }
        Err(Failure::OAuth(error)) => return Ok(Refreshed::SessionOver(error.to_string())),
    };
    match accept(provider, settings, &response, Expected::Session(session)).await {
        Ok((mut tokens, _)) => {
            let new = tokens.session.take().map(|new| new.refresh_token);
            let rotated = new.as_ref().is_some_and(|new| *new != session.refresh_token);
            tokens.session = Some(Session {
                refresh_token: new.unwrap_or_else(|| session.refresh_token.clone()),
                ..session.clone()
            });
            Ok(Refreshed::Tokens { tokens, rotated })
        }
        // An ID token that is missing or not to be believed is refused; only a new sign-in can give a better one.
        Err(error) if error.kind() == ErrorKind::SignIn => Ok(Refreshed::SessionOver(error.to_string())),
        Err(why) => match response.refresh_token {
            Some(refresh_token) => {
                Ok(Refreshed::Unverified { session: Session { refresh_token, ..session.clone() }, why })
            }
            None => Err(why),
        },
    }
}
