//! A look at the provider as it is now, past everything that is cached.

use chrono::{DateTime, Utc};
use reqwest::header::DATE;

use super::discovery::{discovery_url, fetch_metadata};
use super::http::HttpClient;
use super::limits::Limits;
use super::metadata_cache::MetadataCache;
use super::provider::Provider;
use super::proxy::Route;
use crate::error::Result;
use crate::settings::Settings;

/// A provider that responded.
pub struct Examination {
    /// The provider, with a new discovery document.
    pub provider: Provider,
    /// Its clock when it responded, if it told (RFC 9110 §6.6.1).
    pub served_at: Option<DateTime<Utc>>,
}

/// Fetches the discovery document, and caches nothing. The client secret is not read.
///
/// # Errors
/// As [`Provider::discover`].
pub async fn examine(settings: &Settings) -> Result<Examination> {
    let issuer = &settings.issuer_url;
    let http = HttpClient::new(&settings.tls, Limits::LOOK)?.with_headers(issuer.url(), &settings.request_headers);
    let answer = http.get(&discovery_url(issuer)?).await?;
    let date = answer.headers().get(DATE).and_then(|date| DateTime::parse_from_rfc2822(date.to_str().ok()?).ok());
    let nowhere = MetadataCache::new(None, issuer, &settings.tls, false);
    let metadata = fetch_metadata(issuer, &http, &nowhere).await?;
    let provider = Provider::uncached(metadata, http, nowhere);
    Ok(Examination { provider, served_at: date.map(|date| date.to_utc()) })
}

/// The proxy in front of the provider, without user name and password.
///
/// # Errors
/// [`crate::error::ErrorKind::Usage`] if there is one that cannot be used.
pub fn proxy_of_provider(settings: &Settings) -> Result<Option<String>> {
    Ok(Route::OfEnvironment.proxy(settings.issuer_url.url())?.map(|proxy| proxy.name))
}
