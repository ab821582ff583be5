//! What helps when the provider refuses (RFC 6749 §4.1.2.1 and §5.2): that depends on the cause.

use super::known_errors::KnownError;
use crate::settings::{Prompt, Settings};

/// What to do when the cause is at the provider.
pub const PROVIDERS_TROUBLE: &str =
    "the provider has a problem: run the command again later, or tell its administrator";

/// The codes of an error at the redirect URI (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6), in our own words: anyone
/// may have written the rest of a response without `state`.
const REGISTERED: [(&str, &str); 16] = [
    ("invalid_request", "the provider found the request invalid"),
    ("unauthorized_client", "this client may not sign users in this way"),
    ("access_denied", "the sign-in was cancelled, or access was denied"),
    ("unsupported_response_type", "the provider does not support the authorization code flow"),
    ("invalid_scope", "a requested scope is not allowed"),
    ("server_error", "the provider has a problem"),
    ("temporarily_unavailable", "the provider is temporarily unavailable"),
    ("interaction_required", "the provider needs to ask the user something"),
    ("login_required", "the provider needs the user to sign in there first"),
    ("account_selection_required", "the provider needs the user to choose an account"),
    ("consent_required", "the provider needs the user's consent"),
    ("invalid_request_uri", "the provider found the request URI invalid"),
    ("invalid_request_object", "the provider found the request object invalid"),
    ("request_not_supported", "the provider does not support request objects"),
    ("request_uri_not_supported", "the provider does not support request URIs"),
    ("registration_not_supported", "the provider does not support registration in a request"),
];

/// An error that anyone may have sent: its registered code, and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unproven {
    /// The code.
    pub code: &'static str,
    /// What it means.
    pub words: &'static str,
}

impl Unproven {
    /// `None` for a code that is not registered.
    pub fn of_code(code: &str) -> Option<Self> {
        let (code, words) = REGISTERED.into_iter().find(|(known, _)| *known == code)?;
        Some(Self { code, words })
    }
}

/// Which client made a request, and for which scopes.
#[derive(Default)]
pub struct Asked {
    client_id: String,
    has_secret: bool,
    scopes: Vec<String>,
    is_for_device: bool,
    is_without_page: bool,
    has_key: bool,
    /// The grant of a machine.
    grant: Option<&'static str>,
}

impl Asked {
    /// A request of this client with these scopes; empty where the request has none.
    pub fn new(settings: &Settings, scopes: Vec<String>) -> Self {
        let (client_id, has_key) = (settings.client_id.as_str().to_owned(), settings.client_key.is_some());
        let has_secret = settings.client_secret.is_some() || has_key;
        let is_without_page = settings.request.prompt == Some(Prompt::None);
        Self { client_id, has_secret, scopes, is_for_device: false, is_without_page, has_key, grant: None }
    }

    /// The same, in the device flow.
    pub fn for_device(self) -> Self {
        Self { is_for_device: true, ..self }
    }

    /// The same, with this grant of a machine.
    pub fn with_grant(self, grant: &'static str) -> Self {
        Self { grant: Some(grant), ..self }
    }

    /// What to do about an `error` and its `error_description`.
    pub fn hint(&self, error: &str, description: Option<&str>) -> String {
        let client_id = &self.client_id;
        if let Some(known) = self.known(description) {
            return known.hint(client_id);
        }
        if let Some(hint) = self.hint_for_program(error) {
            return hint;
        }
        match error {
            _ if self.lacks_secret(error, description) => format!(
                "this client needs a secret: set --client-secret-file=FILE, or register it as a public client \
                 (or correct the client ID '{client_id}')"
            ),
            "unauthorized_client" | "unsupported_grant_type" | "HTTP 404" if self.is_for_device => format!(
                "use --flow=browser, or allow the device flow in the registration of the client '{client_id}' at the provider"
            ),
            "invalid_client" => "check the client ID and the client secret".to_owned(),
            "unauthorized_client" => format!(
                "check the registration of the client '{client_id}' at the provider: \
                 it must allow the authorization code flow and refresh tokens"
            ),
            // Of the token endpoint: its URL is not a setting.
            "HTTP 404" | "HTTP 405" | "HTTP 410" => {
                "the URL of that endpoint is in the provider's discovery document: tell the provider's administrator"
                    .to_owned()
            }
            "invalid_scope" => self.scopes_hint(),
            "login_required" | "interaction_required" | "account_selection_required" | "consent_required"
                if self.is_without_page =>
            {
                "the provider needs to show you a page: sign in without --prompt=none".to_owned()
            }
            "invalid_target" => {
                "check --resource: it must be a resource that the provider knows and this client may use".to_owned()
            }
            "server_error" | "temporarily_unavailable" | "slow_down" => PROVIDERS_TROUBLE.to_owned(),
            _ => "run the command again, or ask your administrator about this response".to_owned(),
        }
    }

    /// The same where the client authenticates with a key, or is a program.
    fn hint_for_program(&self, error: &str) -> Option<String> {
        let client_id = &self.client_id;
        Some(match (error, self.grant) {
            ("unauthorized_client" | "unsupported_grant_type", Some(grant)) => {
                format!("allow the grant '{grant}' in the registration of the client '{client_id}' at the provider")
            }
            ("invalid_grant", Some(_)) => {
                "the provider does not accept the subject token: check its issuer, its audience and when it expires"
                    .to_owned()
            }
            ("invalid_client", _) if self.has_key => {
                format!("check that the provider knows the public key of --client-key for the client '{client_id}'")
            }
            _ => return None,
        })
    }

    /// Whether the client's registration is the cause, or the secret that it requires. A new sign-in would meet that, too.
    pub fn is_about_client(&self, error: &str, description: Option<&str>) -> bool {
        self.lacks_secret(error, description) || self.known(description).is_some_and(|known| known.is_about_client)
    }

    /// The error that the description names, if the table knows it.
    pub fn known(&self, description: Option<&str>) -> Option<KnownError> {
        KnownError::in_description(description?).filter(|known| !known.lacks_secret || !self.has_secret)
    }

    fn lacks_secret(&self, error: &str, description: Option<&str>) -> bool {
        !self.has_secret && wants_secret(error, description.unwrap_or_default())
    }

    fn scopes_hint(&self) -> String {
        let asked = self.scopes.join(" ");
        match self.scopes.len() {
            0 => "ask your administrator which scopes this client may have".to_owned(),
            1 => format!("the requested scope is {asked}; ask your administrator which scopes this client may have"),
            _ => format!("the requested scopes are {asked}; try the minimum: --scope=openid"),
        }
    }
}

/// Google says `invalid_request`.
fn wants_secret(error: &str, description: &str) -> bool {
    error == "invalid_client" || description.contains("client_secret")
}
