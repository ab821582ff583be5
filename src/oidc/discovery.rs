//! The discovery document: where it is, and what it has to be to be used.

use chrono::Utc;
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType,
    CoreSubjectIdentifierType,
};
use openidconnect::{AdditionalProviderMetadata, IssuerUrl, ProviderMetadata};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::http::HttpClient;
use super::metadata_cache::{MetadataCache, Part};
use crate::config::is_loopback_host;
use crate::error::{Error, ErrorKind, Result};

/// Fields of the discovery document that the library does not know.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct FurtherMetadata {
    /// RFC 9207 §3: whether every answer of the authorization endpoint has the parameter `iss`.
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for FurtherMetadata {}

/// The discovery document (OpenID Connect Discovery §3).
pub type Metadata = ProviderMetadata<
    FurtherMetadata,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// Where the document of `issuer` is (OpenID Connect Discovery §4).
pub fn discovery_url(issuer: &IssuerUrl) -> Result<Url> {
    issuer.join(".well-known/openid-configuration").map_err(|error| unusable(issuer, &error.to_string()))
}

/// Fetches the document of `issuer`, and keeps it in `cache`. The library would fetch the keys in the same breath, from
/// wherever the document says; here the endpoints are looked at in between.
///
/// # Errors
/// [`ErrorKind::Unreachable`] if it does not answer; [`ErrorKind::Failed`] if the answer is not to be used.
pub async fn fetch_metadata(issuer: &IssuerUrl, http: &HttpClient, cache: &MetadataCache) -> Result<Metadata> {
    let url = discovery_url(issuer)?;
    let answer = http.get(&url).await?;
    if !answer.status().is_success() {
        return Err(unusable(issuer, &format!("{url} answered HTTP {}", answer.status())));
    }
    let document: Value =
        serde_json::from_slice(answer.body()).map_err(|error| no_discovery_document(issuer, &error))?;
    let metadata = read_metadata(issuer, document.clone())?;
    cache.store(Part::Discovery, &url, answer.headers(), document, Utc::now());
    Ok(metadata)
}

/// Reads a discovery document, fetched or cached, and refuses one of another issuer (OpenID Connect Discovery §4.3) or
/// with endpoints that are not safe.
///
/// # Errors
/// [`ErrorKind::Failed`], for every reason.
pub fn read_metadata(issuer: &IssuerUrl, document: Value) -> Result<Metadata> {
    let metadata = parse_metadata(document).map_err(|error| no_discovery_document(issuer, &error))?;
    if metadata.issuer() != issuer {
        let theirs = metadata.issuer().as_str();
        return Err(unusable(issuer, &format!("its discovery document is of '{theirs}'"))
            .hint(format!("if that is your provider, give it exactly so: --issuer-url={theirs}")));
    }
    require_safe_endpoints(&metadata)?;
    Ok(metadata)
}

/// Reads what is used of the document; all else may be missing, empty or of any type.
fn parse_metadata(document: Value) -> serde_json::Result<Metadata> {
    let mut document: Map<String, Value> = serde_json::from_value(document)?;
    document.retain(|name, value| match name.as_str() {
        "issuer" | "authorization_endpoint" | "token_endpoint" | "jwks_uri" => true,
        "userinfo_endpoint" => value.as_str().is_some_and(|url| Url::parse(url).is_ok()),
        "scopes_supported" | "token_endpoint_auth_methods_supported" | "response_modes_supported" => {
            value.as_array().is_some_and(|list| list.iter().all(Value::is_string))
        }
        "authorization_response_iss_parameter_supported" => {
            *value = (*value == true || *value == "true").into();
            true
        }
        _ => false,
    });
    for required in ["response_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported"] {
        document.insert(required.into(), Value::Array(Vec::new()));
    }
    serde_json::from_value(document.into())
}

/// A code, a secret or a token sent over http can be read on the way; a `file:` URL is not for a browser to open.
fn require_safe_endpoints(metadata: &Metadata) -> Result<()> {
    let endpoints = [
        ("authorization_endpoint", Some(metadata.authorization_endpoint().url())),
        ("token_endpoint", metadata.token_endpoint().map(|endpoint| endpoint.url())),
        ("jwks_uri", Some(metadata.jwks_uri().url())),
    ];
    let is_safe = |url: &Url| match url.scheme() {
        "https" => true,
        "http" => is_loopback_host(url.host()),
        _ => false,
    };
    match endpoints.iter().find(|(_, url)| url.is_some_and(|url| !is_safe(url))) {
        Some((name, url)) => {
            let url = url.map(Url::as_str).unwrap_or_default();
            Err(unusable(metadata.issuer(), &format!("its {name} is '{url}', which is not https")))
        }
        None => Ok(()),
    }
}

fn no_discovery_document(issuer: &IssuerUrl, error: &serde_json::Error) -> Error {
    unusable(issuer, &format!("its discovery document cannot be read: {error}"))
}

/// The error of an issuer whose answers cannot be used.
pub fn unusable(issuer: &IssuerUrl, why: &str) -> Error {
    Error::new(ErrorKind::Failed, format!("{} is not an issuer that can be used: {why}", issuer.as_str()))
        .hint("the issuer URL has to be exactly the 'issuer' of the provider's discovery document")
}
