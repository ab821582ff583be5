//! What a provider needs to give a refresh token: the table `offline_access.toml`, matched by issuer.

use std::collections::BTreeMap;

use serde::Deserialize;
use url::Url;

use crate::config::DEFAULT_SCOPES;

/// The table is compiled in and a test reads it, so it is always valid.
const TABLE: &str = include_str!("offline_access.toml");

const OFFLINE_ACCESS: &str = "offline_access";

/// What the table looks at.
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

/// What goes into the authorization request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct OfflineAccess {
    /// All scopes.
    pub scopes: Vec<String>,
    /// Further parameters.
    pub parameters: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Table {
    provider: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    #[serde(rename = "name")]
    _name: String,
    #[serde(default)]
    hosts: Vec<String>,
    path: Option<String>,
    endpoints: Option<Endpoints>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    parameters: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Endpoints {
    authorization: String,
    userinfo: String,
}

/// The scopes and parameters of the authorization request. Scopes that somebody chose end the guessing; only what the
/// provider wants next to a chosen offline_access is still added.
pub fn offline_access(facts: &ProviderFacts<'_>, chosen_scopes: Option<&[String]>) -> OfflineAccess {
    let table: Table = toml::from_str(TABLE).expect("the table is valid, says a test");
    let row = table.provider.into_iter().find(|row| row.matches(facts));
    let Some(chosen) = chosen_scopes else {
        let mut scopes: Vec<_> = DEFAULT_SCOPES.map(str::to_owned).into();
        return match row {
            Some(row) => {
                scopes.extend(row.scopes);
                OfflineAccess { scopes, parameters: row.parameters }
            }
            None => {
                scopes.extend(facts.lists_offline_access.then(|| OFFLINE_ACCESS.to_owned()));
                OfflineAccess { scopes, parameters: BTreeMap::new() }
            }
        };
    };
    let is_offline = chosen.iter().any(|scope| scope == OFFLINE_ACCESS);
    // Without a scope for it, as at Google, the parameter is the only way to a refresh token.
    let parameters =
        row.filter(|row| is_offline || row.scopes.is_empty()).map(|row| row.parameters).unwrap_or_default();
    OfflineAccess { scopes: chosen.to_vec(), parameters }
}

impl OfflineAccess {
    /// Asks for no refresh token, whatever was chosen.
    pub fn none(chosen_scopes: Option<&[String]>) -> Self {
        let mut scopes = chosen_scopes.map_or_else(|| DEFAULT_SCOPES.map(str::to_owned).into(), <[String]>::to_vec);
        scopes.retain(|scope| scope != OFFLINE_ACCESS);
        Self { scopes, parameters: BTreeMap::new() }
    }
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

    /// What a provider with this issuer and these endpoints is asked beyond the default scopes.
    fn guess(issuer: &str, endpoints: (&str, &str), lists_offline_access: bool) -> (Vec<String>, String) {
        let url = |path: &str| Url::parse(&format!("https://endpoints.example{path}")).unwrap();
        let facts = ProviderFacts {
            issuer: &Url::parse(issuer).unwrap(),
            authorization_endpoint: &url(endpoints.0),
            userinfo_endpoint: Some(&url(endpoints.1)),
            lists_offline_access,
        };
        let asked = offline_access(&facts, None);
        assert_eq!(asked.scopes[..3], DEFAULT_SCOPES);
        let parameters: Vec<_> = asked.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (asked.scopes[3..].to_vec(), parameters.join("&"))
    }

    #[test]
    fn each_known_provider_is_asked_for_what_it_needs() {
        for (issuer, scope, parameters) in [
            ("https://login.microsoftonline.com/0a-1b/v2.0", "offline_access", ""),
            ("https://dev-1.okta.com/oauth2/default", "offline_access", ""),
            ("https://tenant.eu.auth0.com/", "offline_access", ""),
            ("https://tenant.zitadel.cloud", "offline_access", ""),
            ("https://sso.example.com/application/o/kubernetes/", "offline_access", ""),
            ("https://example.com/dex", "offline_access", ""),
            ("https://accounts.google.com", "", "access_type=offline"),
            ("https://gitlab.com", "", ""),
            ("https://sso.example.com/realms/staff", "", ""),
        ] {
            // Listing the scope makes no difference to a known provider.
            for lists in [false, true] {
                let (scopes, asked) = guess(issuer, ("/authorize", "/userinfo"), lists);
                assert_eq!((scopes.join(" ").as_str(), asked.as_str()), (scope, parameters), "{issuer}");
            }
        }
    }

    #[test]
    fn oidc_provider_is_known_by_its_endpoints_and_asks_for_consent() {
        let (scopes, parameters) = guess("https://id.example.com", ("/auth", "/me"), true);
        assert_eq!((scopes, parameters.as_str()), (vec!["offline_access".to_owned()], "prompt=consent"));
    }

    #[test]
    fn an_unknown_provider_is_asked_for_offline_access_only_if_it_lists_it() {
        let endpoints = ("/authorize", "/userinfo");
        assert_eq!(
            guess("https://id.example.com", endpoints, true),
            (vec!["offline_access".to_owned()], String::new())
        );
        assert_eq!(guess("https://id.example.com", endpoints, false), (vec![], String::new()));
    }

    #[test]
    fn a_host_that_only_looks_alike_is_unknown() {
        assert!(!host_matches("*.okta.com", "evilokta.com"));
        assert!(!host_matches("gitlab.com", "gitlab.com.example.org"));
    }

    #[test]
    fn chosen_scopes_end_the_guessing() {
        let url = Url::parse("https://id.example.com/auth").unwrap();
        let me = Url::parse("https://id.example.com/me").unwrap();
        let facts = ProviderFacts {
            issuer: &url,
            authorization_endpoint: &url,
            userinfo_endpoint: Some(&me),
            lists_offline_access: true,
        };
        let chosen = ["openid".to_owned(), "groups".to_owned()];
        let asked = offline_access(&facts, Some(&chosen));
        assert_eq!(asked, OfflineAccess { scopes: chosen.to_vec(), parameters: BTreeMap::new() });

        let chosen = ["openid".to_owned(), OFFLINE_ACCESS.to_owned()];
        assert_eq!(offline_access(&facts, Some(&chosen)).parameters["prompt"], "consent");

        let google = Url::parse("https://accounts.google.com").unwrap();
        let asked = offline_access(&ProviderFacts { issuer: &google, ..facts }, Some(&chosen[..1]));
        assert_eq!(asked.parameters["access_type"], "offline");
    }
}
