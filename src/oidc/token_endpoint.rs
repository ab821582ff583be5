//! How the token endpoint says no, and how that differs from not answering.

use openidconnect::core::{CoreErrorResponseType, CoreRequestTokenError};
use openidconnect::{RequestTokenError, StandardErrorResponse};

use super::http::HttpError;
use crate::error::{Error, ErrorKind};

/// Why there are no tokens.
pub enum Failure {
    /// An OAuth error answer.
    OAuth(OAuthError),
    /// No such answer: the network, or a provider in trouble.
    Trouble(Error),
}

/// An error answer of the token endpoint (RFC 6749 §5.2).
pub struct OAuthError {
    /// Its `error`, for example `invalid_grant`.
    pub code: String,
    /// Its `error_description`.
    description: Option<String>,
}

impl OAuthError {
    /// The provider's words, after what it did not do.
    pub fn into_error(self, kind: ErrorKind, what: &str) -> Error {
        let hint = match self.code.as_str() {
            "invalid_client" | "unauthorized_client" => "check the client ID and the client secret",
            _ => "run the command again, or ask your administrator about this answer",
        };
        Error::new(kind, format!("the provider {what}: {self}")).hint(hint)
    }
}

impl std::fmt::Display for OAuthError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.description {
            Some(description) => write!(f, "{description} ({})", self.code),
            None => f.write_str(&self.code),
        }
    }
}

/// Sorts the library's error. The answer itself is never quoted where it may hold a token.
pub fn failure(error: CoreRequestTokenError<HttpError>) -> Failure {
    match error {
        RequestTokenError::ServerResponse(answer) => Failure::OAuth(oauth_error(&answer)),
        RequestTokenError::Request(error) => Failure::Trouble(error.into()),
        RequestTokenError::Parse(error, _) => {
            let field = error.path().to_string();
            // Only of an ID token is it safe to say more: what is wrong with it, its claims, is not a secret.
            let why = if field == "id_token" { error.inner().to_string() } else { "it is not as RFC 6749 says".into() };
            Failure::Trouble(unreadable(&format!("the field '{field}': {why}")))
        }
        RequestTokenError::Other(why) => Failure::Trouble(unreadable(&why)),
    }
}

fn oauth_error(answer: &StandardErrorResponse<CoreErrorResponseType>) -> OAuthError {
    OAuthError { code: answer.error().as_ref().to_owned(), description: answer.error_description().cloned() }
}

fn unreadable(why: &str) -> Error {
    Error::new(
        ErrorKind::Unreachable,
        format!("the provider's token endpoint gave an answer that cannot be read: {why}"),
    )
    .hint("a proxy or a captive portal may have answered; check the network and run the command again")
}
