//! The effective settings of files that may be incomplete.

use crate::config::given::{Given, Origin, Value};
use crate::config::keys::Key;
use crate::error::Result;
use crate::policy::Policy;
use crate::settings::Settings;

/// Resolves the effective settings. A file may be incomplete, because the kubeconfig may name the provider: a missing
/// issuer or client ID is then filled in with one that the policy allows. `None` if the policy allows none.
///
/// # Errors
/// If a setting is invalid.
pub fn check_values(
    given: &Given,
    environment: impl Fn(&str) -> Option<String>,
    policy: &Policy,
) -> Result<Option<Settings>> {
    let mut complete = given.clone();
    for (flag, allowed, any) in [
        ("issuer-url", "allowed_issuers", "https://login.example.com"),
        ("client-id", "allowed_client_ids", "kubernetes"),
    ] {
        let key = Key::of_flag(flag).expect("a setting");
        let (text, origin) = match policy.find(allowed) {
            _ if given.text(flag).is_some() => continue,
            Some(said) => (said.texts.first().cloned(), Origin::Policy(said.origin.clone())),
            None => (Some(any.to_owned()), Origin::Default),
        };
        let Some(text) = text else { return Ok(None) };
        complete.push(Value { key, texts: vec![text], origin });
    }
    Settings::resolve(&complete, environment, policy).map(Some)
}
