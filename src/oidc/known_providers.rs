//! The table `known_providers.toml`, matched by issuer: what providers need and do not say in their discovery documents.

use std::collections::BTreeMap;

use serde::Deserialize;
use url::Url;

/// The table is compiled in and a test reads it, so it is always valid.
const TABLE: &str = include_str!("known_providers.toml");

/// What the table is matched against.
#[derive(Debug)]
pub struct ProviderFacts<'a> {
    /// The issuer URL.
    pub issuer: &'a Url,
    /// The discovery document's `authorization_endpoint`.
    pub authorization_endpoint: &'a Url,
    /// Its `userinfo_endpoint`.
    pub userinfo_endpoint: Option<&'a Url>,
    /// Whether its `scopes_supported` lists offline_access.
    pub lists_offline_access: bool,
}

#[derive(Deserialize)]
struct Table {
    provider: Vec<Row>,
}

/// What is known of a provider.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    #[serde(rename = "name")]
    _name: String,
    #[serde(default)]
    hosts: Vec<String>,
    path: Option<String>,
    endpoints: Option<Endpoints>,
    /// Added to the scopes of a sign-in.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Added to the authorization request.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// The device authorization endpoint, for a discovery document that does not name it.
    pub device_authorization_endpoint: Option<Url>,
    /// Whether the device authorization endpoint gets nothing that RFC 8628 does not name.
    #[serde(default)]
    pub is_device_request_plain: bool,
    /// Whether it knows `prompt=select_account`.
    #[serde(default)]
    pub lists_accounts: bool,
}

#[derive(Deserialize)]
struct Endpoints {
    authorization: String,
    userinfo: String,
}

/// The entry of this provider; `None` if it is unknown.
pub fn known_provider(facts: &ProviderFacts<'_>) -> Option<Row> {
    let table: Table = toml::from_str(TABLE).expect("the table is valid, says a test");
    table.provider.into_iter().find(|row| row.matches(facts))
}

impl Row {
    fn matches(&self, facts: &ProviderFacts<'_>) -> bool {
        let host = facts.issuer.host_str().unwrap_or_default();
        (self.hosts.is_empty() || self.hosts.iter().any(|pattern| host_matches(pattern, host)))
            && self.path.as_ref().is_none_or(|path| facts.issuer.path().contains(path.as_str()))
            && self.endpoints.as_ref().is_none_or(|endpoints| endpoints.match_ends(facts))
    }
}

impl Endpoints {
    fn match_ends(&self, facts: &ProviderFacts<'_>) -> bool {
        facts.authorization_endpoint.path().ends_with(&self.authorization)
            && facts.userinfo_endpoint.is_some_and(|url| url.path().ends_with(&self.userinfo))
    }
}

fn host_matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(suffix) => host.ends_with(suffix),
        None => host == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_only_looks_alike_is_unknown() {
        assert!(!host_matches("*.okta.com", "evilokta.com"));
        assert!(!host_matches("gitlab.com", "gitlab.com.example.org"));
    }

    #[test]
    fn an_endpoint_that_is_not_in_a_discovery_document_is_known() {
        for (issuer, expected) in [
            ("https://accounts.google.com", Some("https://oauth2.googleapis.com/device/code")),
            ("https://gitlab.com", Some("https://gitlab.com/oauth/authorize_device")),
            ("https://sso.example.com/realms/staff", None),
            ("https://id.example.com", None),
        ] {
            let url = Url::parse(issuer).unwrap();
            let facts = ProviderFacts {
                issuer: &url,
                authorization_endpoint: &url,
                userinfo_endpoint: None,
                lists_offline_access: false,
            };
            let endpoint = known_provider(&facts).and_then(|row| row.device_authorization_endpoint);
            assert_eq!(endpoint.as_ref().map(Url::as_str), expected, "{issuer}");
        }
    }
}
