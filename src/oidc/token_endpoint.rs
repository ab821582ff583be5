//! How the token endpoint says no, and how that differs from not answering.

use openidconnect::core::{CoreErrorResponseType, CoreRequestTokenError};
use openidconnect::{HttpRequest, HttpResponse, RequestTokenError, StandardErrorResponse};
use reqwest::{StatusCode, header};
use serde_json::{Map, Value};

use super::http::HttpClient;
use super::http_error::HttpError;
use crate::error::{Error, ErrorKind};

/// The fields of a token response or of an error answer that are used (RFC 6749 §5.1, §5.2).
const USED: [&str; 6] = ["access_token", "token_type", "refresh_token", "id_token", "error", "error_description"];

/// Sends a token request, and leaves of a JSON answer only what is used, for the library is strict about the rest and
/// providers are not: Microsoft Entra v1 has an `expires_in` in quotes, Azure AD B2C no access token where no resource
/// was asked for, Okta errors of its own kind.
///
/// # Errors
/// As [`HttpClient::send`].
pub async fn ask(http: &HttpClient, request: HttpRequest) -> std::result::Result<HttpResponse, HttpError> {
    let mut answer = http.send(request).await?;
    if let Ok(mut fields) = serde_json::from_slice::<Map<String, Value>>(answer.body()) {
        fields
            .retain(|name, value| USED.contains(&name.as_str()) && value.as_str().is_some_and(|text| !text.is_empty()));
        *answer.status_mut() = complete(&mut fields, answer.status());
        *answer.body_mut() = Value::from(fields).to_string().into_bytes();
    }
    answer.headers_mut().remove(header::CONTENT_TYPE);
    Ok(answer)
}

/// Adds what the library insists on, and tells by the status whether it is tokens or an error.
fn complete(fields: &mut Map<String, Value>, status: StatusCode) -> StatusCode {
    if status.is_success() && !fields.contains_key("error") {
        if fields.contains_key("id_token") {
            // `at_hash`, if there is one, still has to fit.
            fields.entry("access_token").or_insert_with(|| "".into());
        }
        fields.entry("token_type").or_insert_with(|| "Bearer".into());
        return StatusCode::OK;
    }
    fields.entry("error").or_insert_with(|| format!("HTTP {}", status.as_u16()).into());
    if status.is_success() { StatusCode::BAD_REQUEST } else { status }
}

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
        // The only field that is more than a text is the ID token, and what is wrong with that is no secret.
        RequestTokenError::Parse(error, _) if error.inner().is_data() => Failure::Trouble(
            Error::new(ErrorKind::SignIn, format!("the provider's token response cannot be used: {}", error.inner()))
                .hint("the provider's or this client's configuration is wrong: tell your administrator"),
        ),
        RequestTokenError::Parse(..) => Failure::Trouble(unreadable("it is no JSON")),
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
