//! A provider: its discovery document and its keys.

use std::sync::Arc;

use chrono::Utc;
use serde_json::Value;
use tokio::sync::Mutex;

use super::body::{refused, web_page};
use super::discovery::{Metadata, discovery_url, fetch_metadata, read_metadata};
use super::http::HttpClient;
use super::key_set::KeySet;
use super::limits::Limits;
use super::metadata_cache::{MetadataCache, Part};
use crate::config::platform;
use crate::environment;
use crate::error::{Error, ErrorKind, Result};
use crate::printable;
use crate::secret::Secret;
use crate::settings::{ClientSecret, Settings};

/// An OpenID provider that has been discovered.
#[derive(Clone)]
pub struct Provider {
    /// Its discovery document. The keys are not in it, see [`Provider::keys`].
    pub metadata: Metadata,
    /// The client secret, if the client has one.
    pub client_secret: Option<Secret>,
    /// The HTTP client for it.
    pub http: HttpClient,
    cache: MetadataCache,
    /// Whether `metadata` was fetched by an earlier run.
    is_cached: bool,
    /// Locked while they are fetched, so that a second caller waits instead of fetching them again.
    keys: Arc<Mutex<Option<KeySet>>>,
}

impl Provider {
    /// Reads the issuer's discovery document from the cache, or else fetches it. The `limits` are for all requests to the
    /// provider.
    ///
    /// # Errors
    /// `Unreachable` if it does not respond; `Failed` if the document cannot be used.
    pub async fn discover(settings: &Settings, limits: Limits) -> Result<Self> {
        let issuer = &settings.issuer_url;
        // Read first: without it the user would sign in for nothing.
        let client_secret = settings.client_secret.as_ref().map(ClientSecret::read).transpose()?;
        client_secret.iter().for_each(|secret| printable::hide(secret.expose()));
        let http = HttpClient::new(&settings.tls, limits)?.with_headers(issuer.url(), &settings.request_headers);
        let cache = MetadataCache::new(platform::metadata_dir(), issuer, &settings.tls, environment::is_under_policy());
        let cached = cache.load(Part::Discovery, &discovery_url(issuer)?, Utc::now());
        let cached = cached.and_then(|document| read_metadata(issuer, &document).ok());
        let is_cached = cached.is_some();
        let metadata = match cached {
            Some(metadata) => metadata,
            None => fetch_metadata(issuer, &http, &cache).await?,
        };
        Ok(Self { metadata, client_secret, http, cache, is_cached, keys: Arc::default() })
    }

    /// A provider of which nothing is cached, and which is only looked at.
    pub(super) fn uncached(
        metadata: Metadata,
        http: HttpClient,
        cache: MetadataCache,
        keys: Arc<Mutex<Option<KeySet>>>,
    ) -> Self {
        Self { metadata, client_secret: None, http, cache, is_cached: false, keys }
    }

    /// Fetches the discovery document, unless this run already did.
    ///
    /// # Errors
    /// As [`Provider::discover`].
    pub async fn renew(&mut self) -> Result<()> {
        if self.is_cached {
            self.metadata = fetch_metadata(&self.metadata.issuer, &self.http, &self.cache).await?;
            self.is_cached = false;
        }
        Ok(())
    }

    /// Removes what an earlier run cached of this provider: it is out of date.
    pub fn forget_cached(&self) {
        if self.is_cached {
            self.cache.remove();
        }
    }

    /// The keys that sign its ID tokens: the cached ones, or else the current ones.
    ///
    /// # Errors
    /// `Unreachable` if there is no response, or one without keys; `Failed` if the keys cannot be used.
    pub async fn keys(&self) -> Result<KeySet> {
        let mut keys = self.keys.lock().await;
        if keys.is_none() {
            let cached = self.cache.load(Part::Keys, &self.metadata.jwks_uri, Utc::now());
            *keys = cached.and_then(|document| KeySet::parse(&document).ok());
        }
        match &*keys {
            Some(keys) => Ok(keys.clone()),
            None => Ok(keys.insert(self.fetch_keys().await?).clone()),
        }
    }

    /// The current keys: for an ID token that may be signed with a newer key than the known ones.
    ///
    /// # Errors
    /// As [`Provider::keys`].
    pub async fn refetch_keys(&self) -> Result<KeySet> {
        let mut keys = self.keys.lock().await;
        Ok(keys.insert(self.fetch_keys().await?).clone())
    }

    /// Fetches the keys while the user is in the browser. Must be called within the event loop.
    pub fn fetch_keys_early(&self) {
        let provider = self.clone();
        // A failure is not reported: the keys are fetched once more when they are needed.
        tokio::spawn(async move { provider.keys().await });
    }

    /// Whatever is wrong, a cached discovery document may name an old URL for the keys: the next run fetches the current
    /// document.
    async fn fetch_keys(&self) -> Result<KeySet> {
        self.try_fetch_keys().await.inspect_err(|_| self.forget_cached())
    }

    async fn try_fetch_keys(&self) -> Result<KeySet> {
        let url = &self.metadata.jwks_uri;
        let unusable = |kind, why: String| {
            Error::new(kind, format!("the provider's keys at {url} cannot be used: {why}"))
                .hint("run the command again; if that does not help, tell the provider's administrator")
        };
        let answer = self.http.get(url).await?;
        if !answer.status().is_success() {
            return Err(unusable(ErrorKind::Unreachable, refused(&answer)));
        }
        let document: Value = serde_json::from_slice(answer.body()).map_err(|error| {
            web_page(url, &answer, "the provider's keys")
                .unwrap_or_else(|| unusable(ErrorKind::Unreachable, format!("the response is not JSON: {error}")))
        })?;
        let keys = KeySet::parse(&document).map_err(|why| unusable(ErrorKind::Failed, why))?;
        self.cache.store(Part::Keys, url, answer.headers(), document, Utc::now());
        Ok(keys)
    }
}
