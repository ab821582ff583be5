//! A provider: its discovery document and its keys.

use std::sync::Arc;
use std::time::Instant;

use chrono::Utc;
use serde_json::Value;
use tokio::sync::Mutex;

use super::body::{refused, web_page};
use super::client_key::ClientKey;
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
    /// The key that authenticates the client instead, if it has one.
    pub client_key: Option<ClientKey>,
    /// The HTTP client for it.
    pub http: HttpClient,
    cache: MetadataCache,
    /// Whether `metadata` was fetched by an earlier run.
    is_cached: bool,
    /// Locked while they are fetched, so that a second caller waits instead of fetching them again.
    keys: Arc<Mutex<Keys>>,
}

/// The keys, as far as this run knows them.
#[derive(Default)]
struct Keys {
    known: Option<KeySet>,
    /// When they could last not be fetched, and why.
    failure: Option<(Instant, Error)>,
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
        let client_key = settings.client_key.as_ref().map(ClientKey::read).transpose()?;
        let http = HttpClient::new(&settings.tls, limits)?.with_headers(issuer.url(), &settings.request_headers);
        let cache = MetadataCache::new(platform::metadata_dir(), issuer, &settings.tls, environment::is_under_policy());
        let cached = cache.load(Part::Discovery, &discovery_url(issuer)?, Utc::now());
        let cached = cached.and_then(|document| read_metadata(issuer, &document).ok());
        let is_cached = cached.is_some();
        let metadata = match cached {
            Some(metadata) => metadata,
            None => fetch_metadata(issuer, &http, &cache).await?,
        };
        Ok(Self { metadata, client_secret, client_key, http, cache, is_cached, keys: Arc::default() })
    }

    /// A provider of which nothing is cached, and which is only looked at.
    pub(super) fn uncached(metadata: Metadata, http: HttpClient, cache: MetadataCache) -> Self {
        let keys = Arc::default();
        Self { metadata, client_secret: None, client_key: None, http, cache, is_cached: false, keys }
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

    /// The keys that sign its ID tokens: the cached ones, or else the current ones. A caller that waited while they could
    /// not be fetched shares the failure: a provider that does not respond would take the same time once more.
    ///
    /// # Errors
    /// `Unreachable` if there is no response, or one without keys; `Failed` if the keys cannot be used.
    pub async fn keys(&self) -> Result<KeySet> {
        let asked_at = Instant::now();
        let mut keys = self.keys.lock().await;
        if let Some((_, failure)) = keys.failure.as_ref().filter(|(failed_at, _)| *failed_at >= asked_at) {
            return Err(failure.clone());
        }
        if keys.known.is_none() {
            let cached = self.cache.load(Part::Keys, &self.metadata.jwks_uri, Utc::now());
            keys.known = cached.and_then(|document| KeySet::parse(&document).ok());
        }
        match &keys.known {
            Some(known) => Ok(known.clone()),
            None => self.fetch_keys(&mut keys).await,
        }
    }

    /// The current keys: for an ID token that may be signed with a newer key than the known ones.
    ///
    /// # Errors
    /// As [`Provider::keys`].
    pub async fn refetch_keys(&self) -> Result<KeySet> {
        self.fetch_keys(&mut *self.keys.lock().await).await
    }

    /// Fetches the keys while the user is in the browser. Must be called within the event loop.
    pub fn fetch_keys_early(&self) {
        let provider = self.clone();
        // A failure is not reported: the keys are fetched once more when they are needed later.
        tokio::spawn(async move { provider.keys().await });
    }

    /// Whatever is wrong, a cached discovery document may name an old URL for the keys: the next run fetches the current
    /// document.
    async fn fetch_keys(&self, keys: &mut Keys) -> Result<KeySet> {
        let fetched = self.try_fetch_keys().await.inspect_err(|_| self.forget_cached());
        match &fetched {
            Ok(known) => keys.known = Some(known.clone()),
            Err(why) => keys.failure = Some((Instant::now(), why.clone())),
        }
        fetched
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
