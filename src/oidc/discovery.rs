//! The discovery document: where it is, and the checks that it must pass.

use chrono::Utc;
use openidconnect::IssuerUrl;
use reqwest::StatusCode;
use serde_json::{Map, Value};
use url::Url;

use super::body::{refused, web_page};
use super::http::HttpClient;
use super::known_providers::{ProviderFacts, known_provider};
use super::metadata_cache::{MetadataCache, Part};
use super::offline_access::{OfflineAccess, offline_access};
use super::{other_issuer, well_known};
use crate::error::{Error, ErrorKind, Result};
use crate::loopback_host::is_loopback_host;
use crate::settings::Prompt;

/// The fields of the discovery document that are used (OpenID Connect Discovery §3).
#[derive(Clone, Debug)]
pub struct Metadata {
    /// The issuer, exactly as in the settings.
    pub issuer: IssuerUrl,
    /// Where the browser goes.
    pub authorization_endpoint: Url,
    /// Where codes and refresh tokens go.
    pub token_endpoint: Url,
    /// As the document names it, see [`Metadata::device_endpoint`].
    pub device_authorization_endpoint: Option<Url>,
    /// Where a refresh token is revoked (RFC 8414 §2), if it can be.
    pub revocation_endpoint: Option<Url>,
    /// Where the browser ends the provider's session (OpenID Connect RP-Initiated Logout §2.1), if it can.
    pub end_session_endpoint: Option<Url>,
    /// The URL of the keys.
    pub jwks_uri: Url,
    /// Never called: some providers are recognized by it.
    pub userinfo_endpoint: Option<Url>,
    /// May omit scopes that are supported.
    pub scopes_supported: Vec<String>,
    /// `None` means `client_secret_basic`.
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// RFC 8414 §2.
    pub code_challenge_methods_supported: Vec<String>,
    /// How responses may be sent; a mode that is not listed is not supported (RFC 8414 §2).
    pub response_modes_supported: Vec<String>,
    /// Where requests can be pushed (RFC 9126 §5).
    pub pushed_authorization_request_endpoint: Option<Url>,
    /// Whether they must be.
    pub require_pushed_authorization_requests: bool,
    /// What the provider can ask the user; `None` if it does not say (Initiating User Registration 1.0 §4.1).
    pub prompt_values_supported: Option<Vec<String>>,
    /// RFC 9207 §3: whether every authorization response has the parameter `iss`.
    pub authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    /// Whether the provider can send its response in a form.
    pub fn offers_form_post(&self) -> bool {
        self.response_modes_supported.iter().any(|mode| mode == "form_post")
    }

    /// The scopes and parameters that this provider needs in an authorization request.
    pub fn offline_access(&self, chosen_scopes: Option<&[String]>) -> OfflineAccess {
        offline_access(&self.facts(), chosen_scopes)
    }

    /// Where a sign-in with a code begins (RFC 8628 §4); `None` if the provider does not offer that.
    pub fn device_endpoint(&self) -> Option<Url> {
        let known = || known_provider(&self.facts())?.device_authorization_endpoint;
        self.device_authorization_endpoint.clone().or_else(known)
    }

    /// Whether a request with a code challenge (RFC 7636) may be sent to that endpoint.
    pub fn takes_device_challenge(&self) -> bool {
        let offers = self.code_challenge_methods_supported.iter().any(|method| method == "S256");
        offers && !self.takes_only_plain_device_request()
    }

    /// Whether that endpoint rejects parameters that it does not know.
    pub fn takes_only_plain_device_request(&self) -> bool {
        known_provider(&self.facts()).is_some_and(|row| row.is_device_request_plain)
    }

    /// The prompt that lets the user choose the account; `None` if the provider has none. Not every provider has
    /// `select_account`, and some refuse what they do not have.
    pub fn account_choice(&self) -> Option<Prompt> {
        let Some(values) = &self.prompt_values_supported else {
            let lists_accounts = known_provider(&self.facts()).is_some_and(|row| row.lists_accounts);
            return Some(if lists_accounts { Prompt::SelectAccount } else { Prompt::Login });
        };
        let offers = |prompt: &Prompt| values.iter().any(|one| one == prompt.as_str());
        [Prompt::SelectAccount, Prompt::Login].into_iter().find(offers)
    }

    fn facts(&self) -> ProviderFacts<'_> {
        ProviderFacts {
            issuer: self.issuer.url(),
            authorization_endpoint: &self.authorization_endpoint,
            userinfo_endpoint: self.userinfo_endpoint.as_ref(),
            lists_offline_access: self.scopes_supported.iter().any(|scope| scope == "offline_access"),
        }
    }
}

/// The URL of the document of `issuer`.
///
/// # Errors
/// [`ErrorKind::Failed`], if the issuer cannot be the base of a URL.
pub fn discovery_url(issuer: &IssuerUrl) -> Result<Url> {
    well_known::url_of(issuer).map_err(|error| unusable(issuer, &error.to_string()))
}

/// Fetches the document of `issuer`, and stores it in `cache`.
///
/// # Errors
/// [`ErrorKind::Unreachable`] if it does not respond; [`ErrorKind::Failed`] if the document cannot be used.
pub async fn fetch_metadata(issuer: &IssuerUrl, http: &HttpClient, cache: &MetadataCache) -> Result<Metadata> {
    let url = discovery_url(issuer)?;
    let answer = http.get(&url).await?;
    let page = || web_page(&url, &answer, "the discovery document");
    match answer.status() {
        status if status.is_success() => {}
        // Most servers send a page with these, which says no more than the status.
        StatusCode::NOT_FOUND | StatusCode::GONE => {
            return Err(unusable(issuer, &format!("{url} returned {}", refused(&answer))));
        }
        _ => return Err(page().unwrap_or_else(|| unusable(issuer, &format!("{url} returned {}", refused(&answer))))),
    }
    let document: Value = serde_json::from_slice(answer.body()).map_err(|error| {
        page().unwrap_or_else(|| unusable(issuer, &format!("its discovery document cannot be read: {error}")))
    })?;
    let metadata = match other_issuer(issuer, &document) {
        Some(theirs) => return Err(of_other_issuer(issuer, theirs, other_issuer::hint(&url, theirs, http).await)),
        None => read_metadata(issuer, &document)?,
    };
    cache.store(Part::Discovery, &url, answer.headers(), document, Utc::now());
    Ok(metadata)
}

/// Reads a discovery document, fetched or cached, and rejects one of another issuer (OpenID Connect Discovery §4.3) or
/// with endpoints that are not safe. Unused fields may be missing, empty or of any type.
///
/// # Errors
/// [`ErrorKind::Failed`], if it cannot be used.
pub fn read_metadata(issuer: &IssuerUrl, document: &Value) -> Result<Metadata> {
    let fields = document.as_object().ok_or_else(|| unusable(issuer, "its discovery document is not a JSON object"))?;
    match other_issuer(issuer, document) {
        None if fields.get("issuer").is_some_and(Value::is_string) => {}
        None => return Err(unusable(issuer, "its discovery document has no 'issuer'")),
        Some(theirs) => return Err(of_other_issuer(issuer, theirs, None)),
    }
    let endpoint = |name| endpoint(issuer, fields, name);
    Ok(Metadata {
        issuer: issuer.clone(),
        authorization_endpoint: endpoint("authorization_endpoint")?,
        token_endpoint: endpoint("token_endpoint")?,
        // Most sign-ins do without it.
        device_authorization_endpoint: endpoint("device_authorization_endpoint").ok(),
        revocation_endpoint: endpoint("revocation_endpoint").ok(),
        end_session_endpoint: endpoint("end_session_endpoint").ok(),
        jwks_uri: endpoint("jwks_uri")?,
        userinfo_endpoint: text(fields, "userinfo_endpoint").and_then(|text| Url::parse(text).ok()),
        scopes_supported: list(fields, "scopes_supported").unwrap_or_default(),
        token_endpoint_auth_methods_supported: list(fields, "token_endpoint_auth_methods_supported"),
        code_challenge_methods_supported: list(fields, "code_challenge_methods_supported").unwrap_or_default(),
        response_modes_supported: list(fields, "response_modes_supported").unwrap_or_default(),
        pushed_authorization_request_endpoint: endpoint("pushed_authorization_request_endpoint").ok(),
        require_pushed_authorization_requests: switch(fields, "require_pushed_authorization_requests"),
        prompt_values_supported: list(fields, "prompt_values_supported"),
        authorization_response_iss_parameter_supported: switch(
            fields,
            "authorization_response_iss_parameter_supported",
        ),
    })
}

/// The issuer that a document names, if it is not the expected one.
fn other_issuer<'a>(issuer: &IssuerUrl, document: &'a Value) -> Option<&'a str> {
    document.get("issuer").and_then(Value::as_str).filter(|theirs| *theirs != issuer.as_str())
}

fn of_other_issuer(issuer: &IssuerUrl, theirs: &str, hint: Option<String>) -> Error {
    let error = unusable(issuer, &format!("its discovery document names the issuer '{theirs}'"));
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// An endpoint. A code, a secret or a token sent over http can be intercepted, and a browser must not open a `file:` URL.
/// Only a provider on this machine may have endpoints without https.
fn endpoint(issuer: &IssuerUrl, fields: &Map<String, Value>, name: &str) -> Result<Url> {
    let text =
        text(fields, name).ok_or_else(|| unusable(issuer, &format!("its discovery document has no '{name}'")))?;
    let url = Url::parse(text).map_err(|error| unusable(issuer, &format!("its {name} is '{text}': {error}")))?;
    match is_safe(issuer.url(), &url) {
        true => Ok(url),
        false => Err(unusable(issuer, &format!("its {name} is '{url}', which is not https"))),
    }
}

/// Whether a URL of `issuer` may be used: with https, or on this machine if the issuer is there, too.
pub(super) fn is_safe(issuer: &Url, url: &Url) -> bool {
    match url.scheme() {
        "https" => url.host().is_some(),
        "http" => is_loopback_host(url.host()) && is_loopback_host(issuer.host()),
        _ => false,
    }
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    fields.get(name)?.as_str()
}

fn switch(fields: &Map<String, Value>, name: &str) -> bool {
    fields.get(name).is_some_and(|value| *value == true || *value == "true")
}

fn list(fields: &Map<String, Value>, name: &str) -> Option<Vec<String>> {
    fields.get(name)?.as_array()?.iter().map(|value| value.as_str().map(str::to_owned)).collect()
}

/// The error of an issuer whose discovery document cannot be used.
fn unusable(issuer: &IssuerUrl, why: &str) -> Error {
    Error::new(ErrorKind::Failed, format!("the issuer {} cannot be used: {why}", issuer.as_str()))
        .hint("the issuer URL must be exactly the 'issuer' in the provider's discovery document")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(issuer: &str, change: impl FnOnce(&mut Value)) -> Result<Metadata> {
        let mut document = json!({
            "issuer": issuer,
            "authorization_endpoint": "https://login.example.com/authorize",
            "token_endpoint": "https://login.example.com/token",
            "jwks_uri": "https://login.example.com/jwks",
        });
        change(&mut document);
        read_metadata(&IssuerUrl::new(issuer.into()).unwrap(), &document)
    }

    #[test]
    fn every_endpoint_has_to_be_https() {
        const REMOTE: &str = "https://login.example.com";
        assert!(read(REMOTE, |_| {}).is_ok());
        for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
            for url in [
                "http://login.example.com/x",
                "file:///etc/passwd",
                "javascript:alert(1)",
                "data:text/html,x",
                "ms-calculator:",
                "ftp://login.example.com/x",
                "/relative",
                "",
            ] {
                let error = read(REMOTE, |document| document[name] = url.into()).unwrap_err().to_string();
                assert!(error.contains(name), "{url}: {error}");
            }
            // A remote issuer must not use endpoints on this machine.
            assert!(read(REMOTE, |document| document[name] = "http://127.0.0.1/x".into()).is_err());
            assert!(read("http://127.0.0.1:1234", |document| document[name] = "http://127.0.0.1/x".into()).is_ok());
            assert!(read("http://localhost:1234", |document| document[name] = "http://10.0.0.1/x".into()).is_err());
        }
    }

    #[test]
    fn a_device_endpoint_that_is_not_https_is_not_offered() {
        let offered = |url: &str| {
            let metadata = read("https://login.example.com", |document| {
                document["device_authorization_endpoint"] = url.into();
            });
            metadata.unwrap().device_endpoint().is_some()
        };
        assert!(offered("https://login.example.com/device"));
        for url in ["http://login.example.com/device", "http://127.0.0.1/device", "file:///device", "/device", ""] {
            assert!(!offered(url), "{url}");
        }
    }

    #[test]
    fn the_document_has_to_be_of_the_issuer_exactly() {
        const ISSUER: &str = "https://login.example.com";
        for theirs in [json!("https://login.example.com/"), json!("https://evil.example.com"), json!(7), json!(null)] {
            assert!(read(ISSUER, |document| document["issuer"] = theirs.clone()).is_err(), "{theirs}");
        }
        assert!(read_metadata(&IssuerUrl::new(ISSUER.into()).unwrap(), &json!([])).is_err());
    }
}
