//! A request to the redirect URI: without the right `state` it never yields a code, whatever it contains.
#![no_main]

use std::sync::OnceLock;

use kubekey::config::given::Given;
use kubekey::policy::Policy;
use kubekey::settings::Settings;
use kubekey::oidc::Wishes;
use kubekey::oidc::authorization::{Answer, AuthorizationRequest, Sent, response_mode};
use kubekey::oidc::discovery::read_metadata;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const ISSUER: &str = "https://login.example.com";

static REQUEST: OnceLock<(AuthorizationRequest, String)> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    let (request, state) = REQUEST.get_or_init(request);
    for sent in [Sent::InAddress, Sent::InForm] {
        let answer = request.read_answer(bytes, sent);
        assert!(!matches!(answer, Answer::Code(_) | Answer::Refused(_)), "a state that was guessed");
        let answer = request.read_answer(&[b"state=", state.as_bytes(), b"&", bytes].concat(), sent);
        if let Answer::Code(code) = answer {
            assert!(sent == Sent::InForm && !code.secret().is_empty());
        }
    }
});

fn request() -> (AuthorizationRequest, String) {
    let document = json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://login.example.com/authorize",
        "token_endpoint": "https://login.example.com/token",
        "jwks_uri": "https://login.example.com/jwks",
        "response_modes_supported": ["form_post"],
    });
    let given = Given::of_flags(&[("issuer-url", ISSUER), ("client-id", "kubernetes")]);
    let settings = Settings::resolve(&given, |_| None, &Policy::default()).expect("good settings");
    let metadata = read_metadata(&settings.issuer_url, &document).expect("a good document");
    let mode = response_mode(&metadata, &settings);
    let request =
        AuthorizationRequest::new(&metadata, &settings, "http://127.0.0.1:8000/callback", Wishes::default(), mode);
    let state = request.parameters().iter().find(|(name, _)| name == "state").expect("a state").1.clone();
    (request, state)
}
