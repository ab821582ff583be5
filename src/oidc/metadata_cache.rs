//! The provider's discovery document and keys on disk, so that a refresh is one request instead of three. They are
//! public; what is read is validated like a response of the provider. No failure here is an error: what cannot be read
//! is fetched, and what cannot be written is fetched again next time.

use std::fs;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use openidconnect::IssuerUrl;
use reqwest::header::{AGE, CACHE_CONTROL, DATE, EXPIRES, HeaderMap, HeaderName};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use crate::environment::STORE_VARIABLES;
use crate::settings::Tls;
use crate::{atomic_file, log, own_file};

/// How long, in seconds, a response is cached whose headers set no lifetime.
const DEFAULT_LIFETIME: i64 = 60 * 60;

/// The longest lifetime, in seconds: after it a withdrawn key is no longer trusted, whatever the headers say.
const LONGEST_LIFETIME: i64 = 24 * 60 * 60;

/// The file of one issuer.
#[derive(Clone, Debug)]
pub struct MetadataCache {
    issuer: String,
    /// `None` where the user has no cache folder.
    path: Option<PathBuf>,
}

/// What is cached of a provider.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// The discovery document.
    Discovery,
    /// The JWK set.
    Keys,
}

#[derive(Default, Deserialize, Serialize)]
struct Contents {
    issuer: String,
    discovery: Option<Document>,
    keys: Option<Document>,
}

/// A response of the provider. The times are in Unix seconds.
#[derive(Deserialize, Serialize)]
struct Document {
    url: String,
    fetched_at: i64,
    expires_at: i64,
    body: Value,
}

impl MetadataCache {
    /// The cache for `issuer` in `dir`. What it says decides where a refresh token goes, so each trust has a file of its
    /// own: a run uses only documents whose server was verified by the same authorities, and, under a policy, only
    /// those that were fetched under one. Documents that were fetched without verification are not cached.
    pub fn new(dir: Option<PathBuf>, issuer: &IssuerUrl, tls: &Tls, is_under_policy: bool) -> Self {
        let trust = Some(tls).filter(|tls| !tls.skips_verification).and_then(|tls| trust(tls, is_under_policy));
        let path = dir.zip(trust).map(|(dir, trust)| {
            let name = Sha256::new_with_prefix(issuer.as_str()).chain_update([0]).chain_update(trust);
            dir.join(format!("metadata-{:x}.json", name.finalize()))
        });
        Self { issuer: issuer.as_str().to_owned(), path }
    }

    /// The response of `url`, if it is cached and has not expired at `now`.
    pub fn load(&self, part: Part, url: &Url, now: DateTime<Utc>) -> Option<Value> {
        let found = self.read().and_then(|mut contents| contents.part(part).take());
        let fresh = found.filter(|document| document.url == url.as_str() && document.is_fresh(now.timestamp()));
        log::debug(format_args!("{part:?}: {}", if fresh.is_some() { "from the cache" } else { "not in the cache" }));
        Some(fresh?.body)
    }

    /// Caches the response of `url` at `now`, for as long as its `headers` allow, in place of the earlier one.
    pub fn store(&self, part: Part, url: &Url, headers: &HeaderMap, body: Value, now: DateTime<Utc>) {
        let Some(path) = &self.path else { return };
        let fetched_at = now.timestamp();
        let expires_at = fetched_at + lifetime(headers, now);
        let document = Document { url: url.as_str().to_owned(), fetched_at, expires_at, body };
        let mut contents = self.read().unwrap_or_default();
        contents.issuer.clone_from(&self.issuer);
        *contents.part(part) = Some(document).filter(|document| document.is_fresh(fetched_at));
        if contents.discovery.is_none() && contents.keys.is_none() {
            return self.remove();
        }
        if let Ok(text) = serde_json::to_vec(&contents) {
            let _ = atomic_file::write(path, &text);
        }
    }

    /// Removes everything that is cached of the issuer.
    pub fn remove(&self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }

    fn read(&self) -> Option<Contents> {
        let text = own_file::read(self.path.as_ref()?).ok()?;
        let contents: Contents = serde_json::from_slice(&text).ok()?;
        (contents.issuer == self.issuer).then_some(contents)
    }
}

impl Contents {
    fn part(&mut self, part: Part) -> &mut Option<Document> {
        match part {
            Part::Discovery => &mut self.discovery,
            Part::Keys => &mut self.keys,
        }
    }
}

impl Document {
    /// Times that this program cannot have written come from a wrong clock, and prove nothing.
    fn is_fresh(&self, now: i64) -> bool {
        self.fetched_at <= now && now < self.expires_at && self.expires_at <= now + LONGEST_LIFETIME
    }
}

/// A digest of all that a run trusts about a provider's server; `None` if an authority cannot be read. The certificates
/// count, and not the names of their files: a file may have been another authority's when the documents were fetched.
fn trust(tls: &Tls, is_under_policy: bool) -> Option<impl AsRef<[u8]>> {
    let mut trust = Sha256::new_with_prefix([u8::from(is_under_policy)]);
    let mut add = |bytes: &[u8]| {
        trust.update((bytes.len() as u64).to_le_bytes());
        trust.update(bytes);
    };
    tls.certificates().ok()?.iter().for_each(|certificate| add(certificate));
    // They replace the platform's trust store for this run only.
    let variables = if tls.passes_over_variables { &[][..] } else { &STORE_VARIABLES };
    for (name, value) in variables.iter().filter_map(|name| Some((name, std::env::var_os(name)?))) {
        add(name.as_bytes());
        add(value.as_encoded_bytes());
    }
    Some(trust.finalize())
}

/// How many seconds a response may be cached (RFC 9111 §4.2).
fn lifetime(headers: &HeaderMap, now: DateTime<Utc>) -> i64 {
    let control: Vec<_> = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok()).collect();
    let mut directives = control.iter().flat_map(|value| value.split(',')).map(|directive| {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        (name.trim().to_ascii_lowercase(), value.trim().trim_matches('"').to_owned())
    });
    if directives.clone().any(|(name, _)| name == "no-store" || name == "no-cache") {
        return 0;
    }
    let lifetime = match (directives.find(|(name, _)| name == "max-age"), headers.contains_key(EXPIRES)) {
        // §4.2.1: max-age overrides Expires, and an unreadable value counts as expired.
        (Some((_, seconds)), _) => seconds_of(&seconds).unwrap_or(0),
        (None, true) => http_date(headers, EXPIRES)
            .map_or(0, |expires| (expires - http_date(headers, DATE).unwrap_or(now)).num_seconds()),
        (None, false) => DEFAULT_LIFETIME,
    };
    // §5.1: the time that it has spent in caches on the way.
    let age = text(headers, AGE).and_then(seconds_of).unwrap_or(0);
    lifetime.saturating_sub(age).clamp(0, LONGEST_LIFETIME)
}

/// §1.2.2: a number that is too large counts as a very large one.
fn seconds_of(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(i64::MAX))
}

/// A date in a header (RFC 9110 §5.6.7).
pub(super) fn http_date(headers: &HeaderMap, name: HeaderName) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text(headers, name)?).ok().map(|date| date.to_utc())
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use chrono::TimeDelta;

    use super::*;
    use crate::settings::Authority;

    const DAY: i64 = 24 * 60 * 60;

    fn now() -> DateTime<Utc> {
        DateTime::parse_from_rfc2822("Tue, 06 Jan 2026 12:00:00 GMT").unwrap().to_utc()
    }

    #[test]
    fn the_lifetime_is_that_of_the_headers_and_a_day_at_most() {
        for (headers, expected) in [
            (&[][..], 3600),
            (&[("cache-control", "public, must-revalidate")], 3600),
            (&[("cache-control", "max-age=60")], 60),
            (&[("cache-control", "public, Max-Age=\"60\" , s-maxage=9")], 60),
            (&[("cache-control", "public"), ("cache-control", "max-age=60")], 60),
            (&[("cache-control", "max-age=60"), ("age", "20")], 40),
            (&[("cache-control", "max-age=60"), ("age", "61")], 0),
            (&[("cache-control", "max-age=60"), ("age", "-20")], 60),
            (&[("cache-control", "max-age=86401")], DAY),
            (&[("cache-control", "max-age=99999999999999999999")], DAY),
            (&[("cache-control", "max-age=soon")], 0),
            (&[("cache-control", "max-age=-1")], 0),
            (&[("cache-control", "no-store")], 0),
            (&[("cache-control", "max-age=60, No-Store")], 0),
            (&[("cache-control", "max-age=60"), ("cache-control", "no-cache")], 0),
            (&[("expires", "Tue, 06 Jan 2026 12:01:00 GMT")], 60),
            (&[("expires", "Tue, 06 Jan 2026 12:01:00 GMT"), ("date", "Tue, 06 Jan 2026 12:00:50 GMT")], 10),
            (&[("expires", "Tue, 06 Jan 2026 11:00:00 GMT")], 0),
            (&[("expires", "Tue, 06 Jan 2099 11:00:00 GMT")], DAY),
            (&[("expires", "0")], 0),
            (&[("expires", "31 Dec 262142 23:59:59 GMT"), ("date", "01 Jan 0000 00:00:00 GMT")], DAY),
            (&[("expires", "31 Dec 262142 23:59:59 -2359")], 0),
            (&[("expires", "01 Jan 0000 00:00:00 GMT"), ("date", "31 Dec 262142 23:59:59 GMT")], 0),
            (&[("expires", "Tue, 06 Jan 2026 12:01:00 GMT"), ("age", "99999999999999999999")], 0),
            (&[("cache-control", "max-age=99999999999999999999"), ("age", "99999999999999999999")], 0),
            (&[("expires", "0"), ("cache-control", "max-age=60")], 60),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(HeaderName::from_static(name), value.parse().unwrap());
            }
            assert_eq!(lifetime(&map, now()), expected, "{headers:?}");
        }
    }

    fn cache_in(folder: &Path, tls: &Tls, is_under_policy: bool) -> MetadataCache {
        let issuer = IssuerUrl::new("https://login.example.com".into()).unwrap();
        MetadataCache::new(Some(folder.into()), &issuer, tls, is_under_policy)
    }

    /// An authority in a file, whose name stays the same.
    fn write_authority(path: &Path) {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(["ca.example.com".to_owned()]).unwrap().self_signed(&key);
        fs::write(path, certificate.unwrap().pem()).unwrap();
    }

    #[test]
    fn each_trust_has_its_own_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let tls = Tls::of(Authority::File(file.clone()), "the authority");
        let path = |tls: &Tls, is_under_policy| cache_in(folder.path(), tls, is_under_policy).path;
        assert_eq!(path(&tls, false), None, "an authority that cannot be read");
        write_authority(&file);
        let first = path(&tls, false);
        assert_eq!(first, path(&tls, false));
        write_authority(&file);
        let second = path(&tls, false);
        let (default, mut unverified) = (Tls::default(), Tls::default());
        unverified.skips_verification = true;
        let all = [first, second, path(&tls, true), path(&default, false), path(&default, true)];
        let different: std::collections::BTreeSet<_> = all.iter().flatten().collect();
        assert_eq!(different.len(), all.len(), "{all:?}");
        assert_eq!(path(&unverified, false), None);
    }

    #[test]
    fn what_is_kept_is_there_until_it_expires_and_not_before_it_was_fetched() {
        let folder = tempfile::tempdir().unwrap();
        let issuer = IssuerUrl::new("https://login.example.com".into()).unwrap();
        let (cache, url) = (cache_in(folder.path(), &Tls::default(), false), issuer.url());
        let headers = HeaderMap::from_iter([(CACHE_CONTROL, "max-age=60".parse().unwrap())]);
        cache.store(Part::Keys, url, &headers, "the keys".into(), now());
        for (seconds, expected) in [(-1, None), (0, Some("the keys".into())), (59, Some("the keys".into())), (60, None)]
        {
            assert_eq!(cache.load(Part::Keys, url, now() + TimeDelta::seconds(seconds)), expected, "{seconds}");
        }
        assert_eq!(cache.load(Part::Discovery, url, now()), None);
        let elsewhere = Url::parse("https://elsewhere.example.com").unwrap();
        assert_eq!(cache.load(Part::Keys, &elsewhere, now()), None, "these are the keys of another URL");

        let no_store = HeaderMap::from_iter([(CACHE_CONTROL, "no-store".parse().unwrap())]);
        cache.store(Part::Keys, url, &no_store, "newer keys".into(), now());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
    }
}
