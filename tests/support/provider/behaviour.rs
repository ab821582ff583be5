//! How the provider behaves: well, until it is told otherwise.

use std::time::Duration;

use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use super::keys::Signing;
use super::server::Answer;

/// Changes a JSON object that is about to be sent.
pub type Edit = Box<dyn Fn(&mut Map<String, Value>) + Send + Sync>;

/// `behaviour.claims = edit(|claims| ...)`.
pub fn edit(change: impl Fn(&mut Map<String, Value>) + Send + Sync + 'static) -> Option<Edit> {
    Some(Box::new(change))
}

/// What the redirect back to the client says in `iss` (RFC 9207).
#[derive(Clone, Debug)]
pub enum Iss {
    Absent,
    Own,
    Other(String),
}

/// Each field may be changed at any time; `Default` is a provider that does everything right.
pub struct Behaviour {
    /// The path of the issuer URL: empty, `/`, or `/realms/blue`.
    pub issuer_path: String,

    pub client_id: String,
    /// Asked of the client at the token endpoint, by Basic or in the form.
    pub client_secret: Option<String>,
    /// The only redirect URIs allowed; when empty, any on loopback is.
    pub redirect_uris: Vec<String>,

    pub scopes_supported: Vec<String>,
    pub authorization_response_iss_parameter_supported: bool,
    /// Says that answers come in a form where the request asks for it; without saying so they do, too.
    pub offers_form_post: bool,
    /// Changes the discovery document.
    pub discovery: Option<Edit>,
    /// Takes the place of the discovery document.
    pub discovery_answer: Option<Answer>,
    /// Changes the JWK set (its `keys` is an array).
    pub jwks: Option<Edit>,
    /// Takes the place of the JWK set.
    pub jwks_answer: Option<Answer>,

    /// The header `Cache-Control` of the discovery document and the JWK set.
    pub cache_control: Option<String>,

    /// Shows a page with a button, for a person; without it, Jane is signed in already.
    pub interactive: bool,
    /// `error` and `error_description` instead of a code.
    pub refusal: Option<(String, String)>,
    pub iss: Iss,

    /// Takes the place of the answer to `grant_type=authorization_code`.
    pub code_answer: Option<Answer>,
    /// Takes the place of the answer to `grant_type=refresh_token`; the refresh token stays valid.
    pub refresh_answer: Option<Answer>,
    /// Changes a good answer of the token endpoint: takes `id_token` or `refresh_token` out, or sets `token_type`.
    pub token_response: Option<Edit>,
    /// A refresh token is good for one use and is followed by the next; else it is good for ever and sent once.
    pub refresh_rotation: bool,
    /// How far away the provider is: every answer takes this long.
    pub delay: Duration,
    /// How long the token endpoint thinks before it answers.
    pub token_delay: Duration,
    /// Paths whose requests are recorded, then left without an answer until their path is taken out again.
    pub hold: Vec<&'static str>,

    /// How many seconds the provider's clock is ahead.
    pub clock: i64,
    /// Seconds from `iat` to `exp`; below zero the token has expired when it is issued.
    pub lifetime: i64,
    pub algorithm: Algorithm,
    pub signing: Signing,
    pub at_hash: bool,
    /// Changes the ID token's header, before it is signed.
    pub header: Option<Edit>,
    /// Changes the ID token's claims, before it is signed.
    pub claims: Option<Edit>,
}

impl Behaviour {
    pub(super) fn delay_of(&self, path: &str) -> Duration {
        if path == "/token" { self.delay + self.token_delay } else { self.delay }
    }
}

impl Default for Behaviour {
    fn default() -> Self {
        let scopes = ["openid", "email", "profile", "offline_access"];
        Behaviour {
            issuer_path: String::new(),
            client_id: "kubekey-test".into(),
            client_secret: None,
            redirect_uris: Vec::new(),
            scopes_supported: scopes.map(String::from).to_vec(),
            authorization_response_iss_parameter_supported: true,
            offers_form_post: false,
            discovery: None,
            discovery_answer: None,
            jwks: None,
            jwks_answer: None,
            cache_control: None,
            interactive: false,
            refusal: None,
            iss: Iss::Own,
            code_answer: None,
            refresh_answer: None,
            token_response: None,
            refresh_rotation: true,
            delay: Duration::ZERO,
            token_delay: Duration::ZERO,
            hold: Vec::new(),
            clock: 0,
            lifetime: 3600,
            algorithm: Algorithm::RS256,
            signing: Signing::Published,
            at_hash: true,
            header: None,
            claims: None,
        }
    }
}
