//! The discovery document: where it is, and what it has to be to be used.

use chrono::Utc;
use openidconnect::IssuerUrl;
use serde_json::{Map, Value};
use url::Url;

use super::http::HttpClient;
use super::metadata_cache::{MetadataCache, Part};
use super::offline_access::{OfflineAccess, ProviderFacts, offline_access};
use crate::config::is_loopback_host;
use crate::error::{Error, ErrorKind, Result};

/// What is used of the discovery document (OpenID Connect Discovery §3).
#[derive(Clone, Debug)]
pub struct Metadata {
    /// The issuer, exactly as it was asked for.
    pub issuer: IssuerUrl,
    /// Where the browser goes.
    pub authorization_endpoint: Url,
    /// Where codes and refresh tokens go.
    pub token_endpoint: Url,
    /// Where the keys are.
    pub jwks_uri: Url,
    /// Never called: some providers are known by it.
    pub userinfo_endpoint: Option<Url>,
    /// May leave out scopes that are supported.
    pub scopes_supported: Vec<String>,
    /// `None` means `client_secret_basic`.
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// How answers may come back; what is not listed is not offered (RFC 8414 §2).
    pub response_modes_supported: Vec<String>,
    /// RFC 9207 §3: whether every answer of the authorization endpoint has the parameter `iss`.
    pub authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    /// Whether the provider can send its answer in a form.
    pub fn offers_form_post(&self) -> bool {
        self.response_modes_supported.iter().any(|mode| mode == "form_post")
    }

    /// The scopes and parameters that this provider needs in an authorization request.
    pub fn offline_access(&self, chosen_scopes: Option<&[String]>) -> OfflineAccess {
        let facts = ProviderFacts {
            issuer: self.issuer.url(),
            authorization_endpoint: &self.authorization_endpoint,
            userinfo_endpoint: self.userinfo_endpoint.as_ref(),
            lists_offline_access: self.scopes_supported.iter().any(|scope| scope == "offline_access"),
        };
        offline_access(&facts, chosen_scopes)
    }
}

/// Where the document of `issuer` is (OpenID Connect Discovery §4).
pub fn discovery_url(issuer: &IssuerUrl) -> Result<Url> {
    issuer.join(".well-known/openid-configuration").map_err(|error| unusable(issuer, &error.to_string()))
}

/// Fetches the document of `issuer`, and keeps it in `cache`.
///
/// # Errors
/// [`ErrorKind::Unreachable`] if it does not answer; [`ErrorKind::Failed`] if the answer is not to be used.
pub async fn fetch_metadata(issuer: &IssuerUrl, http: &HttpClient, cache: &MetadataCache) -> Result<Metadata> {
    let url = discovery_url(issuer)?;
    let answer = http.get(&url).await?;
    if !answer.status().is_success() {
        return Err(unusable(issuer, &format!("{url} answered HTTP {}", answer.status())));
    }
    let document: Value = serde_json::from_slice(answer.body())
        .map_err(|error| unusable(issuer, &format!("its discovery document cannot be read: {error}")))?;
    let metadata = read_metadata(issuer, &document)?;
    cache.store(Part::Discovery, &url, answer.headers(), document, Utc::now());
    Ok(metadata)
}

/// Reads a discovery document, fetched or cached, and refuses one of another issuer (OpenID Connect Discovery §4.3) or
/// with endpoints that are not safe. What is not used may be missing, empty or of any type.
///
/// # Errors
/// [`ErrorKind::Failed`], for every reason.
pub fn read_metadata(issuer: &IssuerUrl, document: &Value) -> Result<Metadata> {
    let fields = document.as_object().ok_or_else(|| unusable(issuer, "its discovery document is no JSON object"))?;
    match fields.get("issuer").and_then(Value::as_str) {
        Some(theirs) if theirs == issuer.as_str() => {}
        Some(theirs) => {
            return Err(unusable(issuer, &format!("its discovery document is of '{theirs}'"))
                .hint(format!("if that is your provider, give it exactly so: --issuer-url={theirs}")));
        }
        None => return Err(unusable(issuer, "its discovery document names no issuer")),
    }
    let endpoint = |name| endpoint(issuer, fields, name);
    Ok(Metadata {
        issuer: issuer.clone(),
        authorization_endpoint: endpoint("authorization_endpoint")?,
        token_endpoint: endpoint("token_endpoint")?,
        jwks_uri: endpoint("jwks_uri")?,
        userinfo_endpoint: text(fields, "userinfo_endpoint").and_then(|text| Url::parse(text).ok()),
        scopes_supported: list(fields, "scopes_supported").unwrap_or_default(),
        token_endpoint_auth_methods_supported: list(fields, "token_endpoint_auth_methods_supported"),
        response_modes_supported: list(fields, "response_modes_supported").unwrap_or_default(),
        authorization_response_iss_parameter_supported: fields
            .get("authorization_response_iss_parameter_supported")
            .is_some_and(|value| *value == true || *value == "true"),
    })
}

/// A code, a secret or a token sent over http can be read on the way, and a `file:` URL is not for a browser to open.
/// Only a provider on this machine may have endpoints without https.
fn endpoint(issuer: &IssuerUrl, fields: &Map<String, Value>, name: &str) -> Result<Url> {
    let text =
        text(fields, name).ok_or_else(|| unusable(issuer, &format!("its discovery document names no {name}")))?;
    let url = Url::parse(text).map_err(|error| unusable(issuer, &format!("its {name} is '{text}': {error}")))?;
    let is_safe = match url.scheme() {
        "https" => url.host().is_some(),
        "http" => is_loopback_host(url.host()) && is_loopback_host(issuer.url().host()),
        _ => false,
    };
    match is_safe {
        true => Ok(url),
        false => Err(unusable(issuer, &format!("its {name} is '{url}', which is not https"))),
    }
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    fields.get(name)?.as_str()
}

fn list(fields: &Map<String, Value>, name: &str) -> Option<Vec<String>> {
    fields.get(name)?.as_array()?.iter().map(|value| value.as_str().map(str::to_owned)).collect()
}

/// The error of an issuer whose answers cannot be used.
pub fn unusable(issuer: &IssuerUrl, why: &str) -> Error {
    Error::new(ErrorKind::Failed, format!("{} is not an issuer that can be used: {why}", issuer.as_str()))
        .hint("the issuer URL has to be exactly the 'issuer' of the provider's discovery document")
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
            // An issuer elsewhere has no business on this machine.
            assert!(read(REMOTE, |document| document[name] = "http://127.0.0.1/x".into()).is_err());
            assert!(read("http://127.0.0.1:1234", |document| document[name] = "http://127.0.0.1/x".into()).is_ok());
            assert!(read("http://localhost:1234", |document| document[name] = "http://10.0.0.1/x".into()).is_err());
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
