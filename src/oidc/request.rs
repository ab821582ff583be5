//! What a sign-in requests in each flow: the scopes and the parameters, beside those that bind the response to it.

use super::discovery::Metadata;
use super::offline_access::OfflineAccess;
use crate::settings::{Prompt, Settings};

/// What the next sign-in should request because of earlier ones.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes {
    /// The user's consent, where a refresh token is requested (OpenID Connect Core §11).
    pub consent: bool,
    /// The choice of the account.
    pub account_choice: bool,
}

/// The scopes and parameters of a sign-in.
pub(super) struct Request {
    /// All scopes.
    pub scopes: Vec<String>,
    /// The other parameters.
    pub parameters: Vec<(String, String)>,
    /// Whether a refresh token is requested.
    pub asks_offline_access: bool,
    /// Whether the user is asked for consent.
    pub asks_consent: bool,
}

impl Request {
    /// What the provider needs and the user chose. Where both set a parameter, the user's value is sent.
    pub fn new(metadata: &Metadata, settings: &Settings, wishes: Wishes) -> Self {
        let offline = offline_access(metadata, settings, wishes.consent);
        let (asks_offline_access, wants_consent) = (offline.is_asked(), offline.asks_consent());
        let chosen = &settings.request;
        let choice = || wishes.account_choice.then(|| metadata.account_choice()).flatten();
        let prompt = prompt(chosen.prompt.or_else(choice), wants_consent);
        let asks_consent = prompt.as_ref().is_some_and(|prompt| prompt.ends_with("consent"));

        let mut parameters: Vec<(String, String)> = offline.parameters.into_iter().collect();
        parameters.retain(|(name, _)| name != "prompt" && chosen.others.iter().all(|(other, _)| other != name));
        parameters.extend(prompt.map(|prompt| ("prompt".to_owned(), prompt)));
        let max_age = chosen.max_age.map(|age| age.num_seconds().to_string());
        let acr_values = Some(chosen.acr_values.join(" ")).filter(|values| !values.is_empty());
        let standard =
            [("login_hint", chosen.login_hint().map(str::to_owned)), ("max_age", max_age), ("acr_values", acr_values)];
        parameters.extend(standard.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        parameters.extend(free(settings));
        Self { scopes: offline.scopes, parameters, asks_offline_access, asks_consent }
    }

    /// The same for the device flow of this provider (RFC 8628 §3.1).
    pub fn for_device(self, metadata: &Metadata, settings: &Settings) -> Self {
        if metadata.takes_only_plain_device_request() {
            return Self { parameters: free(settings).collect(), asks_consent: false, ..self };
        }
        // What the table of providers adds is for the page of the authorization endpoint.
        let known = ["prompt", "login_hint", "max_age", "acr_values", "resource"];
        let is_chosen = |name: &str| settings.request.others.iter().any(|(other, _)| other == name);
        let parameters = self.parameters.into_iter().filter(|(name, _)| known.contains(&&**name) || is_chosen(name));
        Self { parameters: parameters.collect(), ..self }
    }
}

/// The parameters for which there is no rule when a provider understands them.
fn free(settings: &Settings) -> impl Iterator<Item = (String, String)> {
    let resources = settings.request.resources.iter().map(|resource| ("resource".to_owned(), resource.clone()));
    resources.chain(settings.request.others.iter().cloned())
}

/// The value of `prompt`. Several can be combined, but for `none` (OpenID Connect Core §3.1.2.1).
fn prompt(chosen: Option<Prompt>, wants_consent: bool) -> Option<String> {
    match chosen {
        Some(prompt @ (Prompt::Login | Prompt::SelectAccount)) if wants_consent => {
            Some(format!("{} consent", prompt.as_str()))
        }
        Some(prompt) => Some(prompt.as_str().to_owned()),
        None => wants_consent.then(|| Prompt::Consent.as_str().to_owned()),
    }
}

/// The scopes and parameters that request a refresh token, unless the policy forbids refreshes.
fn offline_access(metadata: &Metadata, settings: &Settings, wants_consent: bool) -> OfflineAccess {
    let chosen = settings.scopes.as_deref();
    if !settings.session_rules.allow_refresh() {
        return OfflineAccess::none(chosen);
    }
    let mut asked = metadata.offline_access(chosen);
    if wants_consent {
        asked.ask_consent();
    }
    asked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consent_is_asked_for_beside_what_was_chosen_unless_that_is_no_page() {
        for (chosen, wants_consent, expected) in [
            (None, false, None),
            (None, true, Some("consent")),
            (Some(Prompt::Login), false, Some("login")),
            (Some(Prompt::Login), true, Some("login consent")),
            (Some(Prompt::SelectAccount), true, Some("select_account consent")),
            (Some(Prompt::Consent), true, Some("consent")),
            (Some(Prompt::None), true, Some("none")),
        ] {
            assert_eq!(prompt(chosen, wants_consent).as_deref(), expected, "{chosen:?} {wants_consent}");
        }
    }
}
