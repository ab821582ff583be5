//! What a provider requires for a refresh token.

use std::collections::BTreeMap;

use super::known_providers::{ProviderFacts, known_provider};
use crate::settings::DEFAULT_SCOPES;

const OFFLINE_ACCESS: &str = "offline_access";

/// What is added to the authorization request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct OfflineAccess {
    /// All scopes.
    pub scopes: Vec<String>,
    /// Further parameters.
    pub parameters: BTreeMap<String, String>,
}

/// The scopes and parameters of the authorization request. Chosen scopes are used as they are; only the parameters that
/// the provider requires beside a chosen offline_access are added.
pub fn offline_access(facts: &ProviderFacts<'_>, chosen_scopes: Option<&[String]>) -> OfflineAccess {
    let row = known_provider(facts);
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
    // Google has no scope for it: the parameter is the only way to a refresh token.
    let parameters =
        row.filter(|row| is_offline || row.scopes.is_empty()).map(|row| row.parameters).unwrap_or_default();
    OfflineAccess { scopes: chosen.to_vec(), parameters }
}

impl OfflineAccess {
    /// Whether a refresh token is requested: by the scope, or at Google by a parameter.
    pub fn is_asked(&self) -> bool {
        self.scopes.iter().any(|scope| scope == OFFLINE_ACCESS) || self.parameters.contains_key("access_type")
    }

    /// Whether the user is asked for consent.
    pub fn asks_consent(&self) -> bool {
        self.parameters.get("prompt").is_some_and(|prompt| prompt == "consent")
    }

    /// Asks the user for consent, where a refresh token is requested (OpenID Connect Core §11).
    pub fn ask_consent(&mut self) {
        if self.is_asked() {
            self.parameters.insert("prompt".to_owned(), "consent".to_owned());
        }
    }

    /// Requests no refresh token, whatever scopes were chosen.
    pub fn none(chosen_scopes: Option<&[String]>) -> Self {
        let mut scopes = chosen_scopes.map_or_else(|| DEFAULT_SCOPES.map(str::to_owned).into(), <[String]>::to_vec);
        scopes.retain(|scope| scope != OFFLINE_ACCESS);
        Self { scopes, parameters: BTreeMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    /// What is requested of a provider with this issuer and these endpoints, beyond the default scopes.
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
            // For a known provider it does not matter whether it lists the scope.
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
