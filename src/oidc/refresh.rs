//! The refresh: new tokens without the user (RFC 6749 §6, OpenID Connect Core §12).

use openidconnect::{HttpRequest, HttpResponse, OAuth2TokenResponse, RefreshToken};
use reqwest::StatusCode;

use super::Provider;
use super::http_error::HttpError;
use super::token_endpoint::{self, Failure, failure};
use super::verify::{Expected, accept};
use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::token::{Session, TokenSet};

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
    let refresh_token = RefreshToken::new(session.refresh_token.expose().to_owned());
    let client = provider.client(settings)?;
    // Before the refresh token may be spent on an answer that cannot be verified.
    provider.keys().await?;
    let ask = |request| ask(provider, request);
    let response = match client.exchange_refresh_token(&refresh_token).request_async(&ask).await {
        Ok(response) => response,
        Err(error) => {
            return match failure(error) {
                // Tokens that cannot be used; only a new sign-in can give better ones.
                Failure::Trouble(error) if error.kind() == ErrorKind::SignIn => {
                    Ok(Refreshed::SessionOver(error.to_string()))
                }
                Failure::Trouble(error) => Err(error),
                Failure::OAuth(error) if NOT_ABOUT_THE_SESSION.contains(&error.code.as_str()) => {
                    Err(error.into_error(ErrorKind::Failed, "did not refresh the token"))
                }
                Failure::OAuth(error) => Ok(Refreshed::SessionOver(error.to_string())),
            };
        }
    };
    match accept(provider, settings, &response, Expected::Subject(&session.subject)).await {
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
        Err(why) => match response.refresh_token() {
            Some(new) => {
                let refresh_token = Secret::new(new.secret().clone());
                Ok(Refreshed::Unverified { session: Session { refresh_token, ..session.clone() }, why })
            }
            None => Err(why),
        },
    }
}

/// As [`token_endpoint::ask`]. An endpoint that is gone or does not answer may have been named by yesterday's discovery
/// document: the next run asks for today's.
async fn ask(provider: &Provider, request: HttpRequest) -> std::result::Result<HttpResponse, HttpError> {
    let answer = token_endpoint::ask(&provider.http, request).await.inspect_err(|_| provider.forget_cached())?;
    if [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED, StatusCode::GONE].contains(&answer.status()) {
        provider.forget_cached();
    }
    Ok(answer)
}
