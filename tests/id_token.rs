//! What an ID token has to be to be believed: OpenID Connect Core §3.1.3.7.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::support::browser::Mode;
use crate::support::client::get;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::{Behaviour, edit};
use crate::support::provider::keys::Signing;

/// A sign-in at a provider that behaves like this is refused: nothing on stdout, nothing saved, both told why.
fn refused(what: &str, words: &str, configure: impl FnOnce(&mut Behaviour)) {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    provider.configure(configure);
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert!(!finished.status.success() && finished.stdout.is_empty(), "{what}: {finished:#?}");
    assert!(finished.stderr.contains(words), "{what}: {words:?} is not in {finished:#?}");
    assert_eq!(home.saved(), None, "{what}");
    assert!(home.browser.wait_for_journey().last().body.contains("Sign-in failed"), "{what}");
}

fn accepted(what: &str, configure: impl FnOnce(&mut Behaviour)) {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    provider.configure(configure);
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert!(finished.status.success(), "{what}: {finished:#?}");
}

fn with_claim(name: &'static str, value: Value) -> impl FnOnce(&mut Behaviour) {
    move |behaviour| {
        behaviour.claims = edit(move |claims| {
            claims.insert(name.into(), value.clone());
        });
    }
}

fn without_claim(name: &'static str) -> impl FnOnce(&mut Behaviour) {
    move |behaviour| {
        behaviour.claims = edit(move |claims| {
            claims.remove(name);
        });
    }
}

#[test]
fn claims_that_are_wrong_or_missing_are_refused() {
    let now = chrono::Utc::now().timestamp();
    refused("another issuer", "evil.example", with_claim("iss", json!("https://evil.example")));
    refused("another audience", "another-client", with_claim("aud", json!("another-client")));
    refused("a wrong nonce", "nonce", with_claim("nonce", json!("wrong")));
    refused("no nonce", "nonce", without_claim("nonce"));
    refused("expired", "expired", with_claim("exp", json!(now - 1)));
    refused("from the future", "ahead", with_claim("iat", json!(now + 120)));
    for claim in ["iss", "aud", "sub", "exp", "iat"] {
        refused(claim, claim, without_claim(claim));
    }
}

#[test]
fn several_audiences_need_an_authorized_party_that_is_us() {
    let audiences = json!(["kubekey-test", "another-client"]);
    refused("no azp", "another-client", with_claim("aud", audiences.clone()));
    refused("a foreign azp", "'another-client'", with_claim("azp", json!("another-client")));
    accepted("our azp", move |behaviour| {
        behaviour.claims = edit(move |claims| {
            claims.insert("aud".into(), audiences.clone());
            claims.insert("azp".into(), json!("kubekey-test"));
        });
    });
    accepted("one audience in a list", with_claim("aud", json!(["kubekey-test"])));
}

#[test]
fn at_hash_has_to_fit_if_it_is_there() {
    refused("a wrong at_hash", "at_hash", with_claim("at_hash", json!("d3Jvbmc")));
    accepted("no at_hash", |behaviour| behaviour.at_hash = false);
}

#[test]
fn a_clock_that_is_a_little_ahead_is_no_reason_to_refuse() {
    let now = chrono::Utc::now().timestamp();
    accepted("30 s ahead", with_claim("iat", json!(now + 30)));
}

#[test]
fn every_signature_of_the_library_is_accepted() {
    for algorithm in [
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::EdDSA,
    ] {
        accepted(&format!("{algorithm:?}"), |behaviour| behaviour.algorithm = algorithm);
    }
}

#[test]
fn forged_signatures_are_refused() {
    refused("another key", "", |behaviour| behaviour.signing = Signing::Stranger);
    refused("no signature", "", |behaviour| behaviour.signing = Signing::Nothing);
    refused("HS256 with the client secret", "", |behaviour| {
        behaviour.client_secret = None;
        behaviour.signing = Signing::Secret(b"s3cret".to_vec());
    });
}

#[test]
fn a_token_response_without_an_id_token_is_refused() {
    refused("no ID token", "has no ID token", |behaviour| {
        behaviour.token_response = edit(|response| {
            response.remove("id_token");
        });
    });
}

#[test]
fn keys_rotated_while_the_user_was_signing_in_are_fetched_again() {
    let home = Home::with_keyring(Mode::Note);
    let provider = Provider::start();
    let running = crate::support::run::Running::start(&mut home.kubekey_for(&provider));
    let local = home.browser.wait_for_url();
    provider.wait_for("/jwks", 1);
    // The provider answers one after the other: after this one the keys of before are on their way.
    get(&provider.issuer());
    provider.rotate_keys();
    home.browser.open(&local).last();
    running.wait().credential();
    assert_eq!(provider.count("/jwks"), 2);
}
