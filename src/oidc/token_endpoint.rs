//! The token endpoint (RFC 6749 §3.2): the request, the response, and how a refusal differs from no response.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use openidconnect::HttpResponse;
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, DATE, HeaderMap, HeaderValue};
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::Provider;
use super::body::{PORTAL, is_status, web_page, words};
use super::metadata_cache::http_date;
use super::refusal::Asked;
use crate::config::Flow;
use crate::error::{Error, ErrorKind};
use crate::printable;
use crate::secret::Secret;
use crate::settings::Settings;

/// The secret parameters of a grant.
const SECRET: [&str; 8] = [
    "assertion",
    "client_assertion",
    "code",
    "code_verifier",
    "device_code",
    "refresh_token",
    "subject_token",
    "token",
];

/// RFC 7523 §2.2.
pub(super) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The statuses for an endpoint that does not exist, or does not accept a form.
const GONE: [StatusCode; 3] = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED, StatusCode::GONE];

/// A successful response. Providers differ in what they omit: Azure AD B2C sends no access token where no resource was
/// requested.
pub struct TokenResponse {
    /// Unverified.
    pub id_token: Option<Secret>,
    /// Compared with the ID token's `at_hash`, and used only where the cluster gets it.
    pub access_token: Option<Secret>,
    /// How many seconds the access token is valid.
    pub expires_in: Option<f64>,
    /// For the next refresh.
    pub refresh_token: Option<Secret>,
    /// The provider's clock.
    pub date: Option<DateTime<Utc>>,
}

/// Why there are no tokens.
pub enum Failure {
    /// An OAuth error response, or a refusal without a reason.
    OAuth(OAuthError),
    /// The endpoint does not exist (any more): nothing was spent on it.
    Gone(OAuthError),
    /// Tokens of a type that cannot be used, and the refresh token among them: the one that was sent may be spent.
    Unusable(Error, Option<Secret>),
    /// No OAuth response: the network failed, or the provider has a problem.
    Trouble(Error),
}

/// An error response of the token endpoint (RFC 6749 §5.2).
pub struct OAuthError {
    /// Its `error`, for example `invalid_grant`, or else its status, for example `HTTP 400`.
    pub code: String,
    /// Its `error_description`.
    description: Option<String>,
    /// Whether it was a web page, so that something else may have responded.
    is_page: bool,
}

/// Requests tokens with the parameters of a grant. `on_connected` is called right before they are sent, when there is a
/// connection.
///
/// # Errors
/// See [`Failure`].
pub async fn ask(
    provider: &Provider,
    settings: &Settings,
    grant: &[(&str, &str)],
    on_connected: impl Fn() + Clone + Send + Sync + 'static,
) -> std::result::Result<TokenResponse, Failure> {
    // RFC 8707 §2.2: the tokens are for the same resources, also after a refresh.
    let resources = settings.request.resources.iter().map(|resource| ("resource", resource.as_str()));
    let grant: Vec<_> = grant.iter().copied().chain(resources).collect();
    let (headers, form) = authenticated(provider, settings, &grant);
    let answer = provider.http.post_form(&provider.metadata.token_endpoint, headers, form, on_connected).await;
    // A cached discovery document may name an endpoint that no longer exists or responds: the next caller fetches the
    // current document.
    if answer.as_ref().map_or(true, |answer| GONE.contains(&answer.status())) {
        provider.forget_cached();
    }
    // RFC 8693 §2.2.1: an issued token that is no access token has no type.
    let types: &[&str] = if settings.flow == Some(Flow::TokenExchange) { &["Bearer", "N_A"] } else { &["Bearer"] };
    read(&provider.metadata.token_endpoint, &answer.map_err(|error| Failure::Trouble(error.into()))?, types)
}

/// RFC 6749 §2.3.1: a client with a secret authenticates in the header, unless the provider accepts only the form; one with
/// a key by an assertion in the form.
pub(super) fn authenticated(provider: &Provider, settings: &Settings, grant: &[(&str, &str)]) -> (HeaderMap, String) {
    let client_id = settings.client_id.as_str();
    let mut headers = HeaderMap::new();
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(grant);
    // A provider may quote a secret in its encoded form.
    let secrets = grant.iter().filter(|(name, _)| SECRET.contains(name)).map(|(_, value)| *value);
    let secrets = secrets.chain(provider.client_secret.iter().map(Secret::expose));
    secrets.for_each(|secret| printable::hide(&encoded(secret)));
    if let Some(key) = &provider.client_key {
        let assertion = key.assertion(client_id, provider.metadata.token_endpoint.as_str());
        form.append_pair("client_id", client_id).append_pair("client_assertion_type", ASSERTION_TYPE);
        form.append_pair("client_assertion", assertion.expose());
        return (headers, form.finish());
    }
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
    printable::hide(&credentials);
    let value = HeaderValue::try_from(format!("Basic {credentials}"));
    let mut value = value.expect("base64 is visible ASCII");
    value.set_sensitive(true);
    value
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Reads a response, and only the fields that are used: the others differ between providers. Microsoft Entra v1 sends
/// `expires_in` as a string, Okta has its own errors.
pub(super) fn read(url: &Url, answer: &HttpResponse, types: &[&str]) -> std::result::Result<TokenResponse, Failure> {
    let fields: Map<String, Value> = match serde_json::from_slice(answer.body()) {
        Ok(fields) => fields,
        Err(_) if answer.status().is_success() => return Err(Failure::Trouble(not_json(url, answer))),
        // RFC 6749 §5.2 requires JSON. Some providers send a page, plain text or nothing, which is a refusal as well.
        Err(_) => Map::new(),
    };
    let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(failure) = refusal(url, answer, "token endpoint") {
        return Err(failure);
    }
    let secret = |name| {
        text(name).map(|text| {
            printable::hide(text);
            Secret::new(text)
        })
    };
    // RFC 6749 §7.1, OpenID Connect Core §3.1.3.3
    let is_known =
        |kind: &Value| kind.as_str().is_some_and(|kind| types.iter().any(|known| kind.eq_ignore_ascii_case(known)));
    if let Some(kind) = fields.get("token_type").filter(|kind| !kind.is_null() && !is_known(kind)) {
        let kind = kind.as_str().map_or_else(|| kind.to_string(), str::to_owned);
        let message = format!("the provider's tokens have the type '{kind}' instead of 'Bearer'");
        let error = Error::new(ErrorKind::SignIn, message)
            .hint("the provider's configuration of this client is wrong: tell your administrator");
        return Err(Failure::Unusable(error, secret("refresh_token")));
    }
    Ok(TokenResponse {
        id_token: secret("id_token"),
        access_token: secret("access_token"),
        expires_in: number(&fields, "expires_in"),
        refresh_token: secret("refresh_token"),
        date: http_date(answer.headers(), DATE),
    })
}

/// A number, also as a string: Microsoft Entra v1 sends those.
pub(super) fn number(fields: &Map<String, Value>, name: &str) -> Option<f64> {
    let number = match fields.get(name)? {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_f64(),
    };
    number.filter(|number: &f64| number.is_finite())
}

/// Whether this is an error code (RFC 6749 §5.2, Appendix A.7), and not the message of a framework that knows no OAuth.
fn is_code(status: StatusCode, error: &str) -> bool {
    let is_one_word = !error.contains(' ');
    !is_status(status, error) && (is_one_word || !GONE.contains(&status))
}

/// The refusal in a response of `endpoint`, if it is one.
pub(super) fn refusal(url: &Url, answer: &HttpResponse, endpoint: &str) -> Option<Failure> {
    let status = answer.status();
    let fields: Map<String, Value> = serde_json::from_slice(answer.body()).unwrap_or_default();
    let code = fields.get("error").and_then(Value::as_str).filter(|code| !code.is_empty() && is_code(status, code));
    if let Some(code) = code {
        let description = words(answer).filter(|words| words != code);
        return Some(Failure::OAuth(OAuthError { code: code.to_owned(), description, is_page: false }));
    }
    if status.is_success() {
        return None;
    }
    let (is_gone, is_page) = (GONE.contains(&status), web_page(url, answer, "tokens").is_some());
    let what = match (is_gone, is_page) {
        (true, _) => format!("the {endpoint} does not exist"),
        (_, true) => format!("the {endpoint} refused without a reason, with a web page"),
        _ => format!("the {endpoint} refused without a reason"),
    };
    let description = match words(answer) {
        Some(words) if is_gone => format!("{what}: {words}"),
        Some(words) => words,
        None => what,
    };
    let error = OAuthError { code: format!("HTTP {}", status.as_u16()), description: Some(description), is_page };
    Some(if is_gone { Failure::Gone(error) } else { Failure::OAuth(error) })
}

pub(super) fn not_json(url: &Url, answer: &HttpResponse) -> Error {
    web_page(url, answer, "tokens").unwrap_or_else(|| {
        let message = format!("{url} sent a response that is not JSON (HTTP {})", answer.status());
        Error::new(ErrorKind::Unreachable, message).hint(PORTAL)
    })
}

impl OAuthError {
    /// See [`Asked::is_about_client`].
    pub fn is_about_client(&self, asked: &Asked) -> bool {
        asked.is_about_client(&self.code, self.description.as_deref())
    }

    /// Whether `known_errors.toml` has a hint for it.
    pub fn is_known(&self, asked: &Asked) -> bool {
        asked.known(self.description.as_deref()).is_some()
    }

    /// The provider's words, after `what` it refused.
    pub fn into_error(self, kind: ErrorKind, what: &str, asked: &Asked) -> Error {
        let hint = match self.is_page {
            true => PORTAL.to_owned(),
            false => asked.hint(&self.code, self.description.as_deref()),
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
