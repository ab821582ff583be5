//! How the provider behaves: correctly, unless a test changes it.

use std::time::Duration;

use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use super::connection::{Cut, End};
use super::keys::Signing;
use super::server::Answer;

/// Changes a JSON object before it is sent.
pub type Edit = Box<dyn Fn(&mut Map<String, Value>) + Send + Sync>;

/// `behaviour.claims = edit(|claims| ...)`.
pub fn edit(change: impl Fn(&mut Map<String, Value>) + Send + Sync + 'static) -> Option<Edit> {
    Some(Box::new(change))
}

/// The `iss` in the redirect back to the client (RFC 9207).
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
    /// Required at the token endpoint, by Basic or in the form.
    pub client_secret: Option<String>,
    /// The client has the second test key of this algorithm instead of a secret, and must sign with it (`private_key_jwt`).
    pub client_algorithm: Option<Algorithm>,
    /// Whether programs get tokens.
    pub offers_machine_grants: bool,
    /// The tokens of other issuers that are accepted.
    pub subject_tokens: Vec<String>,
    /// With this token a job requests its ID token, as in GitHub Actions.
    pub job_token: Option<String>,
    /// Replaces the response to those grants, and the one to a job.
    pub machine_answer: Option<Answer>,
    /// The only redirect URIs allowed; if empty, any on loopback is.
    pub redirect_uris: Vec<String>,

    pub scopes_supported: Vec<String>,
    pub authorization_response_iss_parameter_supported: bool,
    /// Whether the discovery document lists `form_post`; requests that ask for it get it in any case.
    pub offers_form_post: bool,
    /// Changes the discovery document.
    pub discovery: Option<Edit>,
    /// Replaces the discovery document.
    pub discovery_answer: Option<Answer>,
    /// The discovery document and the keys are behind this many redirects with this status.
    pub moved: Option<(u16, usize)>,
    /// Changes the JWK set (its `keys` is an array).
    pub jwks: Option<Edit>,
    /// Replaces the JWK set.
    pub jwks_answer: Option<Answer>,

    /// The `Cache-Control` header of the discovery document and the JWK set.
    pub cache_control: Option<String>,

    /// Shows a page with a button, for a person; otherwise Jane is already signed in.
    pub interactive: bool,
    /// `error` and `error_description` instead of a code.
    pub refusal: Option<(String, String)>,
    pub iss: Iss,

    /// Replaces the response to `grant_type=authorization_code`.
    pub code_answer: Option<Answer>,
    /// Whether refresh tokens can be revoked (RFC 7009).
    pub offers_revocation: bool,
    /// Whether a browser can end the session (RP-Initiated Logout).
    pub offers_end_session: bool,
    /// Whether it can do that with a posted form.
    pub end_takes_form: bool,
    /// Replaces the response to a pushed authorization request.
    pub push_answer: Option<Answer>,
    /// Whether the discovery document names a device authorization endpoint.
    pub offers_device: bool,
    /// Replaces the response of that endpoint.
    pub device_answer: Option<Answer>,
    /// Changes a successful response of that endpoint.
    pub device_response: Option<Edit>,
    /// The responses to the next requests with a device code, one after the other.
    pub device_polls: Vec<Answer>,
    /// Whether Jane has entered the code.
    pub device_approved: bool,
    /// Replaces the response to `grant_type=refresh_token`; the refresh token stays valid.
    pub refresh_answer: Option<Answer>,
    /// Changes a successful response of the token endpoint: removes `id_token` or `refresh_token`, or sets
    /// `token_type`.
    pub token_response: Option<Edit>,
    /// Issues a refresh token only if the scope offline_access and `prompt=consent` were requested: OpenID Connect Core
    /// §11.
    pub refresh_needs_consent: bool,
    /// A refresh token is valid for one use and is replaced by the next; otherwise it is valid forever and sent once.
    pub refresh_rotation: bool,
    /// How many bytes longer than necessary refresh tokens are.
    pub refresh_token_padding: usize,
    /// How far away the provider is: every response takes this long.
    pub delay: Duration,
    /// How much longer the token endpoint takes.
    pub token_delay: Duration,
    /// Paths whose requests are recorded, but not answered until the path is removed from this list.
    pub hold: Vec<&'static str>,

    /// How the next connections end, one after the other, before anything is read from them.
    pub turn_away: Vec<End>,
    /// How a connection ends when a second request arrives on it; that request is not recorded.
    pub second_request: Option<End>,
    /// Paths whose next response is cut; a path listed several times stands for several responses.
    pub cuts: Vec<(&'static str, Cut)>,

    /// How many seconds the provider's clock is ahead.
    pub clock: i64,
    /// Seconds from `iat` to `exp`; if negative, the token has expired when it is issued.
    pub lifetime: i64,
    pub algorithm: Algorithm,
    pub signing: Signing,
    pub at_hash: bool,
    /// Changes the ID token's header before it is signed.
    pub header: Option<Edit>,
    /// Changes the ID token's claims before it is signed.
    pub claims: Option<Edit>,
    /// Changes these claims once more, as bytes.
    pub payload: Option<fn(Vec<u8>) -> Vec<u8>>,
}

impl Behaviour {
    pub(super) fn delay_of(&self, path: &str) -> Duration {
        if path == "/token" { self.delay + self.token_delay } else { self.delay }
    }

    /// The next cut of a response for this path.
    pub(super) fn take_cut(&mut self, path: &str) -> Option<Cut> {
        let next = self.cuts.iter().position(|(of, _)| *of == path)?;
        Some(self.cuts.remove(next).1)
    }
}

/// No other provider has it: kernel keys that a killed test left behind are never found by a later test whose provider
/// has the same port.
fn new_client_id() -> String {
    format!("kubekey-test-{:08x}", getrandom::u32().expect("a random number"))
}

impl Default for Behaviour {
    fn default() -> Self {
        let scopes = ["openid", "email", "profile", "offline_access"];
        Behaviour {
            issuer_path: String::new(),
            client_id: new_client_id(),
            client_secret: None,
            client_algorithm: None,
            offers_machine_grants: false,
            subject_tokens: Vec::new(),
            job_token: None,
            machine_answer: None,
            redirect_uris: Vec::new(),
            scopes_supported: scopes.map(String::from).to_vec(),
            authorization_response_iss_parameter_supported: true,
            offers_form_post: false,
            discovery: None,
            discovery_answer: None,
            moved: None,
            jwks: None,
            jwks_answer: None,
            cache_control: None,
            interactive: false,
            refusal: None,
            iss: Iss::Own,
            code_answer: None,
            offers_revocation: false,
            offers_end_session: false,
            end_takes_form: true,
            push_answer: None,
            offers_device: false,
            device_answer: None,
            device_response: None,
            device_polls: vec![],
            device_approved: false,
            refresh_answer: None,
            token_response: None,
            refresh_needs_consent: false,
            refresh_rotation: true,
            refresh_token_padding: 0,
            delay: Duration::ZERO,
            token_delay: Duration::ZERO,
            hold: Vec::new(),
            turn_away: Vec::new(),
            second_request: None,
            cuts: Vec::new(),
            clock: 0,
            lifetime: 3600,
            algorithm: Algorithm::RS256,
            signing: Signing::Published,
            at_hash: true,
            header: None,
            claims: None,
            payload: None,
        }
    }
}
