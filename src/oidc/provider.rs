//! What is known of the provider: its discovery document and its keys.

use std::sync::Arc;

use chrono::Utc;
use openidconnect::core::{CoreClient, CoreClientAuthMethod, CoreJsonWebKeySet};
use openidconnect::{AuthType, ClientSecret, EndpointMaybeSet, EndpointNotSet, EndpointSet};
use serde_json::Value;
use tokio::sync::Mutex;

use super::discovery::{Metadata, discovery_url, fetch_metadata, read_metadata, unusable};
use super::http::HttpClient;
use super::metadata_cache::{MetadataCache, Part};
use super::offline_access::{OfflineAccess, ProviderFacts, offline_access};
use crate::config::{Settings, platform};
use crate::error::Result;

/// The library's client for a provider whose token endpoint is known.
pub type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet, EndpointMaybeSet>;

/// An OpenID provider that has been discovered.
#[derive(Clone)]
pub struct Provider {
    /// Its discovery document. The keys are not in it, see [`Provider::keys`].
    pub metadata: Metadata,
    /// The client that reaches it.
    pub http: HttpClient,
    cache: MetadataCache,
    /// Whether an earlier run has asked for `metadata`.
    is_cached: bool,
    /// Locked while they are fetched, so that whoever needs them meanwhile waits instead of asking, too.
    keys: Arc<Mutex<Option<CoreJsonWebKeySet>>>,
}

impl Provider {
    /// Reads the issuer's discovery document from the cache, or else fetches it.
    ///
    /// # Errors
    /// `Unreachable` if it does not answer; `Failed` if the answer is not to be used.
    pub async fn discover(settings: &Settings) -> Result<Self> {
        let issuer = &settings.issuer_url;
        let http = HttpClient::new(&settings.tls)?;
        let cache = MetadataCache::new(platform::metadata_dir(), issuer, &settings.tls);
        let cached = cache.load(Part::Discovery, &discovery_url(issuer)?, Utc::now());
        let cached = cached.and_then(|document| read_metadata(issuer, document).ok());
        let is_cached = cached.is_some();
        let metadata = match cached {
            Some(metadata) => metadata,
            None => fetch_metadata(issuer, &http, &cache).await?,
        };
        Ok(Self { metadata, http, cache, is_cached, keys: Arc::default() })
    }

    /// Fetches the discovery document, unless this run has done so.
    ///
    /// # Errors
    /// As [`Provider::discover`].
    pub async fn renew(&mut self) -> Result<()> {
        if self.is_cached {
            self.metadata = fetch_metadata(self.metadata.issuer(), &self.http, &self.cache).await?;
            self.is_cached = false;
        }
        Ok(())
    }

    /// Forgets what an earlier run has learned of this provider: it is out of date.
    pub fn forget_cached(&self) {
        if self.is_cached {
            self.cache.remove();
        }
    }

    /// The keys that its ID tokens are signed with: those of the cache, or else those of now.
    ///
    /// # Errors
    /// As [`Provider::discover`].
    pub async fn keys(&self) -> Result<CoreJsonWebKeySet> {
        let mut keys = self.keys.lock().await;
        if keys.is_none() {
            let cached = self.cache.load(Part::Keys, self.metadata.jwks_uri().url(), Utc::now());
            *keys = cached.and_then(|document| serde_json::from_value(document).ok());
        }
        match &*keys {
            Some(keys) => Ok(keys.clone()),
            None => Ok(keys.insert(self.fetch_keys().await?).clone()),
        }
    }

    /// The keys of now: for an ID token that may be signed with one that is newer than those known.
    ///
    /// # Errors
    /// As [`Provider::discover`].
    pub async fn refetch_keys(&self) -> Result<CoreJsonWebKeySet> {
        let mut keys = self.keys.lock().await;
        Ok(keys.insert(self.fetch_keys().await?).clone())
    }

    /// Gets the keys while the user is in the browser. Has to be called within the event loop.
    pub fn fetch_keys_early(&self) {
        let provider = self.clone();
        // A failure is nobody's yet: whoever needs the keys asks once more.
        tokio::spawn(async move { provider.keys().await });
    }

    async fn fetch_keys(&self) -> Result<CoreJsonWebKeySet> {
        let url = self.metadata.jwks_uri().url();
        let unusable = |why: String| unusable(self.metadata.issuer(), &format!("the keys at {url}: {why}"));
        let answer = self.http.get(url).await?;
        if !answer.status().is_success() {
            return Err(unusable(format!("HTTP {}", answer.status())));
        }
        let document: Value = serde_json::from_slice(answer.body()).map_err(|error| unusable(error.to_string()))?;
        let keys = serde_json::from_value(document.clone()).map_err(|error| unusable(error.to_string()))?;
        self.cache.store(Part::Keys, url, answer.headers(), document, Utc::now());
        Ok(keys)
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
        let secret = settings.client_secret.as_ref().map(|secret| secret.read()).transpose()?;
        let secret = secret.map(|secret| ClientSecret::new(secret.expose().to_owned()));
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
