//! What is known of the provider: its discovery document and its keys.

use std::sync::Arc;

use chrono::Utc;
use serde_json::Value;
use tokio::sync::Mutex;

use super::discovery::{Metadata, discovery_url, fetch_metadata, read_metadata, unusable};
use super::http::HttpClient;
use super::key_set::KeySet;
use super::metadata_cache::{MetadataCache, Part};
use crate::config::{ClientSecret, Settings, platform};
use crate::error::Result;
use crate::secret::Secret;
use crate::terminal;

/// An OpenID provider that has been discovered.
#[derive(Clone)]
pub struct Provider {
    /// Its discovery document. The keys are not in it, see [`Provider::keys`].
    pub metadata: Metadata,
    /// Who kubekey is to it, where it insists.
    pub client_secret: Option<Secret>,
    /// The client that reaches it.
    pub http: HttpClient,
    cache: MetadataCache,
    /// Whether an earlier run has asked for `metadata`.
    is_cached: bool,
    /// Locked while they are fetched, so that whoever needs them meanwhile waits instead of asking, too.
    keys: Arc<Mutex<Option<KeySet>>>,
}

impl Provider {
    /// Reads the issuer's discovery document from the cache, or else fetches it.
    ///
    /// # Errors
    /// `Unreachable` if it does not answer; `Failed` if the answer is not to be used.
    pub async fn discover(settings: &Settings) -> Result<Self> {
        let issuer = &settings.issuer_url;
        // Read before anybody is asked to sign in for nothing.
        let client_secret = settings.client_secret.as_ref().map(ClientSecret::read).transpose()?;
        client_secret.iter().for_each(|secret| terminal::hide(secret.expose()));
        let http = HttpClient::new(&settings.tls)?;
        let cache = MetadataCache::new(platform::metadata_dir(), issuer, &settings.tls);
        let cached = cache.load(Part::Discovery, &discovery_url(issuer)?, Utc::now());
        let cached = cached.and_then(|document| read_metadata(issuer, &document).ok());
        let is_cached = cached.is_some();
        let metadata = match cached {
            Some(metadata) => metadata,
            None => fetch_metadata(issuer, &http, &cache).await?,
        };
        Ok(Self { metadata, client_secret, http, cache, is_cached, keys: Arc::default() })
    }

    /// Fetches the discovery document, unless this run has done so.
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

    /// The keys of now: for an ID token that may be signed with one that is newer than those known.
    ///
    /// # Errors
    /// As [`Provider::discover`].
    pub async fn refetch_keys(&self) -> Result<KeySet> {
        let mut keys = self.keys.lock().await;
        Ok(keys.insert(self.fetch_keys().await?).clone())
    }

    /// Gets the keys while the user is in the browser. Has to be called within the event loop.
    pub fn fetch_keys_early(&self) {
        let provider = self.clone();
        // A failure is nobody's yet: whoever needs the keys asks once more.
        tokio::spawn(async move { provider.keys().await });
    }

    async fn fetch_keys(&self) -> Result<KeySet> {
        let url = &self.metadata.jwks_uri;
        let unusable = |why: String| unusable(&self.metadata.issuer, &format!("the keys at {url}: {why}"));
        let answer = self.http.get(url).await?;
        if !answer.status().is_success() {
            return Err(unusable(format!("HTTP {}", answer.status())));
        }
        let document: Value = serde_json::from_slice(answer.body()).map_err(|error| unusable(error.to_string()))?;
        let keys = KeySet::parse(&document).map_err(unusable)?;
        self.cache.store(Part::Keys, url, answer.headers(), document, Utc::now());
        Ok(keys)
    }
}
