//! What is known of the provider: its discovery document and its keys.

use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
    CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode,
    CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::{
    AdditionalProviderMetadata, AuthType, ClientSecret, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl,
    ProviderMetadata,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::http::HttpClient;
use super::offline_access::{OfflineAccess, ProviderFacts, offline_access};
use crate::config::{Settings, is_loopback_host};
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

/// The library's client for a provider whose token endpoint is known.
pub type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet, EndpointMaybeSet>;

/// An OpenID provider that has been discovered.
pub struct Provider {
    /// Its discovery document, with the keys in it.
    pub metadata: Metadata,
    /// The client that reached it.
    pub http: HttpClient,
}

impl Provider {
    /// Fetches the discovery document of `issuer`, and then its keys.
    ///
    /// # Errors
    /// [`ErrorKind::Unreachable`] if it does not answer; [`ErrorKind::Failed`] if the answer is not to be used.
    pub async fn discover(issuer: &IssuerUrl) -> Result<Self> {
        let http = HttpClient::new()?;
        let metadata = fetch_metadata(issuer, &http).await?;
        require_safe_endpoints(&metadata)?;
        let mut provider = Self { metadata, http };
        let keys = provider.fetch_keys().await?;
        provider.metadata = provider.metadata.set_jwks(keys);
        Ok(provider)
    }

    /// Fetches the keys: for an ID token that was signed after they had been rotated, once more.
    ///
    /// # Errors
    /// As [`Provider::discover`].
    pub async fn fetch_keys(&self) -> Result<CoreJsonWebKeySet> {
        let jwks_uri = self.metadata.jwks_uri();
        let unusable = |why: String| unusable(self.metadata.issuer(), &format!("the keys at {}: {why}", **jwks_uri));
        let answer = self.http.get(jwks_uri.url()).await?;
        if !answer.status().is_success() {
            return Err(unusable(format!("HTTP {}", answer.status())));
        }
        serde_json::from_slice(answer.body()).map_err(|error| unusable(error.to_string()))
    }

    /// The scopes and parameters that this provider needs in an authorization request.
    pub fn offline_access(&self, chosen_scopes: Option<&[String]>) -> OfflineAccess {
        let scopes = self.metadata.scopes_supported();
        let facts = ProviderFacts {
            issuer: self.metadata.issuer().url(),
            authorization_endpoint: self.metadata.authorization_endpoint().url(),
            userinfo_endpoint: self.metadata.userinfo_endpoint().map(|endpoint| endpoint.url()),
            lists_offline_access: scopes.is_some_and(|scopes| scopes.iter().any(|scope| **scope == "offline_access")),
        };
        offline_access(&facts, chosen_scopes)
    }

    /// The library's client for this provider.
    pub fn client(&self, settings: &Settings) -> Result<Client> {
        let token_endpoint = self
            .metadata
            .token_endpoint()
            .cloned()
            .ok_or_else(|| unusable(self.metadata.issuer(), "its discovery document names no token_endpoint"))?;
        let secret = settings.client_secret.as_ref().map(|secret| ClientSecret::new(secret.expose().to_owned()));
        let client = CoreClient::from_provider_metadata(self.metadata.clone(), settings.client_id.clone(), secret)
            .set_token_uri(token_endpoint)
            .set_auth_type(auth_type(self.metadata.token_endpoint_auth_methods_supported().map(Vec::as_slice)));
        Ok(client)
    }
}

/// `client_secret_basic`, which is the default (OpenID Connect Discovery §3), unless only the other one is offered.
fn auth_type(offered: Option<&[CoreClientAuthMethod]>) -> AuthType {
    let offers = |method| offered.is_some_and(|offered| offered.contains(&method));
    match offers(CoreClientAuthMethod::ClientSecretPost) && !offers(CoreClientAuthMethod::ClientSecretBasic) {
        true => AuthType::RequestBody,
        false => AuthType::BasicAuth,
    }
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

/// OpenID Connect Discovery §4. The library would fetch the keys in the same breath, from wherever the document says;
/// here the endpoints are looked at in between.
async fn fetch_metadata(issuer: &IssuerUrl, http: &HttpClient) -> Result<Metadata> {
    let url = issuer.join(".well-known/openid-configuration").map_err(|error| unusable(issuer, &error.to_string()))?;
    let answer = http.get(&url).await?;
    if !answer.status().is_success() {
        return Err(unusable(issuer, &format!("{url} answered HTTP {}", answer.status())));
    }
    let metadata = read_metadata(answer.body())
        .map_err(|error| unusable(issuer, &format!("{url} is not a discovery document: {error}")))?;
    match metadata.issuer() == issuer {
        true => Ok(metadata),
        false => {
            let theirs = metadata.issuer().as_str();
            Err(unusable(issuer, &format!("its discovery document is of '{theirs}'"))
                .hint(format!("if that is your provider, give it exactly so: --issuer-url={theirs}")))
        }
    }
}

/// Reads what is used of the document; all else may be missing, empty or of any type.
fn read_metadata(body: &[u8]) -> serde_json::Result<Metadata> {
    let mut document: Map<String, Value> = serde_json::from_slice(body)?;
    document.retain(|name, value| match name.as_str() {
        "issuer" | "authorization_endpoint" | "token_endpoint" | "jwks_uri" => true,
        "userinfo_endpoint" => value.as_str().is_some_and(|url| Url::parse(url).is_ok()),
        "scopes_supported" | "token_endpoint_auth_methods_supported" => {
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

fn unusable(issuer: &IssuerUrl, why: &str) -> Error {
    Error::new(ErrorKind::Failed, format!("{} is not an issuer that can be used: {why}", issuer.as_str()))
        .hint("the issuer URL has to be exactly the 'issuer' of the provider's discovery document")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_goes_into_the_body_only_where_the_header_is_not_offered() {
        use CoreClientAuthMethod::{ClientSecretBasic, ClientSecretPost};
        for (offered, expected) in [
            (None, AuthType::BasicAuth),
            (Some([ClientSecretBasic].as_slice()), AuthType::BasicAuth),
            (Some([ClientSecretPost, ClientSecretBasic].as_slice()), AuthType::BasicAuth),
            (Some([ClientSecretPost].as_slice()), AuthType::RequestBody),
        ] {
            assert_eq!(format!("{:?}", auth_type(offered)), format!("{expected:?}"), "{offered:?}");
        }
    }
}
