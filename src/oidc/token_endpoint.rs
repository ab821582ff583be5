//! The token endpoint (RFC 6749 §3.2): what goes there, what comes back, and how its no differs from no answer.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use openidconnect::HttpResponse;
use reqwest::header::{AUTHORIZATION, DATE, HeaderMap, HeaderValue};
use serde_json::{Map, Value};
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::Provider;
use super::metadata_cache::http_date;
use crate::config::Settings;
use crate::error::{Error, ErrorKind};
use crate::secret::Secret;
use crate::terminal;

/// The parameters of a grant that nobody else may see.
const SECRET: [&str; 3] = ["code", "code_verifier", "refresh_token"];

/// A good answer. Providers differ in what they leave out: Azure AD B2C sends no access token where no resource was
/// asked for.
pub struct TokenResponse {
    /// Unverified.
    pub id_token: Option<Secret>,
    /// Only to be compared with the ID token's `at_hash`.
    pub access_token: Option<Secret>,
    /// For the next refresh.
    pub refresh_token: Option<Secret>,
    /// The provider's clock.
    pub date: Option<DateTime<Utc>>,
}

/// Why there are no tokens.
pub enum Failure {
    /// An OAuth error answer.
    OAuth(OAuthError),
    /// Tokens of a kind that is not to be used.
    Unusable(Error),
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

/// Asks for tokens with the parameters of a grant.
///
/// # Errors
/// See [`Failure`].
pub async fn ask(
    provider: &Provider,
    settings: &Settings,
    grant: &[(&str, &str)],
) -> std::result::Result<TokenResponse, Failure> {
    let (headers, form) = authenticated(provider, settings, grant);
    let answer = provider.http.post_form(&provider.metadata.token_endpoint, headers, form).await;
    // An endpoint that is gone or does not answer may have been named by yesterday's discovery document: the next run
    // asks for today's.
    if answer.as_ref().map_or(true, |answer| [404, 405, 410].contains(&answer.status().as_u16())) {
        provider.forget_cached();
    }
    read(&answer.map_err(|error| Failure::Trouble(error.into()))?)
}

/// RFC 6749 §2.3.1: a client with a secret says who it is in the header, unless only the form is offered.
fn authenticated(provider: &Provider, settings: &Settings, grant: &[(&str, &str)]) -> (HeaderMap, String) {
    let client_id = settings.client_id.as_str();
    let mut headers = HeaderMap::new();
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(grant);
    // A provider may quote what it got in the form in which it came.
    let secrets = grant.iter().filter(|(name, _)| SECRET.contains(name)).map(|(_, value)| *value);
    let secrets = secrets.chain(provider.client_secret.iter().map(Secret::expose));
    secrets.for_each(|secret| terminal::hide(&encoded(secret)));
    match &provider.client_secret {
        Some(secret) if !only_in_form(provider.metadata.token_endpoint_auth_methods_supported.as_deref()) => {
            headers.insert(AUTHORIZATION, basic(client_id, secret));
        }
        Some(secret) => {
            form.append_pair("client_id", client_id).append_pair("client_secret", secret.expose());
        }
        None => {
            form.append_pair("client_id", client_id);
        }
    }
    (headers, form.finish())
}

fn only_in_form(offered: Option<&[String]>) -> bool {
    let offers = |method| offered.is_some_and(|offered| offered.iter().any(|one| one == method));
    offers("client_secret_post") && !offers("client_secret_basic")
}

fn basic(client_id: &str, secret: &Secret) -> HeaderValue {
    let pair = Zeroizing::new(format!("{}:{}", encoded(client_id), encoded(secret.expose())));
    let credentials = STANDARD.encode(pair.as_bytes());
    terminal::hide(&credentials);
    let value = HeaderValue::try_from(format!("Basic {credentials}"));
    let mut value = value.expect("base64 is visible ASCII");
    value.set_sensitive(true);
    value
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Sorts an answer. Providers differ in what else they send: Microsoft Entra v1 has an `expires_in` in quotes, Okta
/// errors of its own kind. So only what is used is looked at.
fn read(answer: &HttpResponse) -> std::result::Result<TokenResponse, Failure> {
    let fields: Map<String, Value> =
        serde_json::from_slice(answer.body()).map_err(|_| Failure::Trouble(not_json(answer)))?;
    let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let status = answer.status();
    if !status.is_success() || text("error").is_some() {
        return Err(Failure::OAuth(OAuthError {
            code: text("error").map_or_else(|| format!("HTTP {}", status.as_u16()), str::to_owned),
            description: text("error_description").map(str::to_owned),
        }));
    }
    // RFC 6749 §7.1, OpenID Connect Core §3.1.3.3
    let is_bearer = |kind: &Value| kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("Bearer"));
    if let Some(kind) = fields.get("token_type").filter(|kind| !kind.is_null() && !is_bearer(kind)) {
        let kind = kind.as_str().map_or_else(|| kind.to_string(), str::to_owned);
        let message = format!("the provider's tokens are of the type '{kind}' instead of 'Bearer'");
        return Err(Failure::Unusable(
            Error::new(ErrorKind::SignIn, message)
                .hint("this client's configuration at the provider is wrong: tell your administrator"),
        ));
    }
    let secret = |name| {
        text(name).map(|text| {
            terminal::hide(text);
            Secret::new(text)
        })
    };
    Ok(TokenResponse {
        id_token: secret("id_token"),
        access_token: secret("access_token"),
        refresh_token: secret("refresh_token"),
        date: http_date(answer.headers(), DATE),
    })
}

fn not_json(answer: &HttpResponse) -> Error {
    let message = format!("the provider's token endpoint gave an answer that is no JSON (HTTP {})", answer.status());
    Error::new(ErrorKind::Unreachable, message)
        .hint("a proxy or a captive portal may have answered; check the network and run the command again")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_goes_into_the_form_only_where_the_header_is_not_offered() {
        let (basic, post) = ("client_secret_basic".to_owned(), "client_secret_post".to_owned());
        assert!(!only_in_form(None));
        assert!(!only_in_form(Some(std::slice::from_ref(&basic))));
        assert!(only_in_form(Some(std::slice::from_ref(&post))));
        assert!(!only_in_form(Some(&[post, basic])));
    }
}
