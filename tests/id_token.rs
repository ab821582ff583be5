//! What an ID token has to be to be believed: OpenID Connect Core §3.1.3.7.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::support::browser::Mode;
use crate::support::client::get;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::{Behaviour, Edit, edit};
use crate::support::provider::keys::{Signing, public_key_as_text};

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

/// Changes the list of published keys.
fn edit_keys(change: impl Fn(&mut Vec<Value>) + Send + Sync + 'static) -> Option<Edit> {
    edit(move |set| change(set["keys"].as_array_mut().expect("a list of keys")))
}

#[test]
fn claims_that_are_wrong_or_missing_are_refused() {
    let now = chrono::Utc::now().timestamp();
    refused("another issuer", "evil.example", with_claim("iss", json!("https://evil.example")));
    refused("another audience", "another-client", with_claim("aud", json!("another-client")));
    refused("a wrong nonce", "nonce", with_claim("nonce", json!("wrong")));
    refused("no nonce", "nonce", without_claim("nonce"));
    refused("expired", "before it came\nhint: compare this computer's clock", with_claim("exp", json!(now - 1)));
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
    refused("without an access token", "at_hash", |behaviour| {
        behaviour.token_response = edit(|response| drop(response.remove("access_token")));
    });
}

#[test]
fn claims_that_only_tell_a_name_may_be_of_any_type() {
    for (name, value) in [
        ("name", json!(["Jane"])),
        ("email_verified", json!("yes")),
        ("amr", json!("pwd")),
        ("picture", json!({ "url": "x" })),
        ("address", json!(7)),
        ("updated_at", json!("yesterday")),
        ("exp", json!(chrono::Utc::now().timestamp() as f64 + 600.5)),
    ] {
        accepted(name, with_claim(name, value));
    }
}

#[test]
fn claims_that_are_checked_have_to_be_of_their_type() {
    for (name, value) in
        [("sub", json!(7)), ("sub", json!("")), ("aud", json!({})), ("exp", json!("soon")), ("nonce", json!([]))]
    {
        refused(name, "not to be believed", with_claim(name, value));
    }
}

#[test]
fn a_clock_that_is_a_little_ahead_is_no_reason_to_refuse() {
    let now = chrono::Utc::now().timestamp();
    accepted("issued 30 s ahead", with_claim("iat", json!(now + 30)));
    accepted("valid 30 s ahead", with_claim("nbf", json!(now + 30)));
    refused("valid 2 min ahead", "ahead", with_claim("nbf", json!(now + 120)));
}

#[test]
fn a_clock_that_is_wrong_is_named_with_the_difference() {
    for (clock, words) in [(7200, "behind the provider's"), (-7200, "ahead of the provider's")] {
        let home = Home::with_keyring(Mode::Follow);
        let provider = Provider::start();
        provider.configure(|behaviour| behaviour.clock = clock);
        let finished = home.run(&mut home.kubekey_for(&provider));
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(3), ""), "{finished:#?}");
        let (_, seconds) = finished.stderr.split_once("clock is ").expect("the clock is named");
        let seconds: i64 = seconds.split(' ').next().and_then(|number| number.parse().ok()).expect("a number");
        assert!((7190..=7210).contains(&seconds) && finished.stderr.contains(words), "{finished:#?}");
        assert!(finished.stderr.contains("hint: set this computer's clock"), "{finished:#?}");
    }
}

#[test]
fn every_signature_that_is_verified_is_accepted() {
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
    accepted("Ed25519 by its own name", |behaviour| {
        behaviour.algorithm = Algorithm::EdDSA;
        behaviour.header = edit(|header| drop(header.insert("alg".into(), "Ed25519".into())));
    });
}

#[test]
fn signatures_that_are_not_verified_are_refused_by_name() {
    for name in ["ES512", "ES256K", "Ed448"] {
        refused(name, name, move |behaviour| {
            behaviour.header = edit(move |header| drop(header.insert("alg".into(), name.into())))
        });
    }
    refused("EdDSA with an Ed448 key", "Ed448", |behaviour| {
        behaviour.algorithm = Algorithm::EdDSA;
        behaviour.jwks = edit_keys(|keys| keys.iter_mut().for_each(|key| key["crv"] = "Ed448".into()));
    });
    refused("ES256 with a P-521 key", "P-521", |behaviour| {
        behaviour.algorithm = Algorithm::ES256;
        behaviour.jwks = edit_keys(|keys| keys.iter_mut().for_each(|key| key["crv"] = "P-521".into()));
    });
    refused("a short RSA key", "1024 bits", |behaviour| {
        let modulus = URL_SAFE_NO_PAD.encode([0xff; 128]);
        behaviour.jwks = edit_keys(move |keys| keys.iter_mut().for_each(|key| key["n"] = modulus.clone().into()));
    });
}

#[test]
fn forged_signatures_are_refused() {
    refused("another key", "not by the provider's key", |behaviour| behaviour.signing = Signing::Stranger);
    refused("no signature", "not signed", |behaviour| behaviour.signing = Signing::Nothing);
    refused("no signature, and alg in capitals", "'NONE'", |behaviour| {
        behaviour.signing = Signing::Nothing;
        behaviour.header = edit(|header| drop(header.insert("alg".into(), "NONE".into())));
    });
    refused("HS256 with the client secret", "everyone who knows the client secret", |behaviour| {
        behaviour.signing = Signing::Secret(b"s3cret".to_vec())
    });
    refused("HS256 with the public key", "HS256", |behaviour| {
        behaviour.signing = Signing::Secret(public_key_as_text().into_bytes());
    });
}

#[test]
fn a_key_for_another_purpose_verifies_nothing() {
    for (field, value) in [
        ("use", json!("enc")),
        ("use", json!(["sig"])),
        ("key_ops", json!(["encrypt"])),
        ("alg", json!("RS512")),
        ("alg", json!("RSA-OAEP")),
        ("alg", json!(7)),
    ] {
        refused(field, "no such key", move |behaviour| {
            behaviour.jwks = edit_keys(move |keys| keys.iter_mut().for_each(|key| key[field] = value.clone()));
        });
    }
    refused("a point with a short coordinate", "no point", |behaviour| {
        behaviour.algorithm = Algorithm::ES256;
        behaviour.jwks = edit_keys(|keys| keys.iter_mut().for_each(|key| key["x"] = "AAAA".into()));
    });
}

#[test]
fn a_missing_kid_is_fine_with_one_key_and_refused_with_several() {
    let without_kid = |behaviour: &mut Behaviour| behaviour.header = edit(|header| drop(header.remove("kid")));
    accepted("one key of its type", without_kid);
    accepted("one key, without an ID itself", |behaviour| {
        without_kid(behaviour);
        behaviour.jwks =
            edit_keys(|keys| keys.iter_mut().for_each(|key| drop(key.as_object_mut().unwrap().remove("kid"))));
    });
    refused("two keys of its type", "which of several keys", |behaviour| {
        without_kid(behaviour);
        behaviour.jwks = edit_keys(|keys| keys.push(keys[0].clone()));
    });
    refused("no key of its type", "no key for its signature", |behaviour| {
        without_kid(behaviour);
        behaviour.jwks = edit_keys(|keys| keys.retain(|key| key["kty"] != "RSA"));
    });
    refused("an unknown kid", "'nowhere'", |behaviour| {
        behaviour.header = edit(|header| drop(header.insert("kid".into(), "nowhere".into())));
    });
}

#[test]
fn keys_of_unknown_types_are_no_hindrance() {
    accepted("keys of the future", |behaviour| {
        behaviour.jwks = edit_keys(|keys| {
            keys.insert(0, json!({ "kty": "AKP", "kid": "new", "alg": "ML-DSA-65", "pub": "AA" }));
            keys.insert(0, json!({ "kty": "oct", "kid": "RS256-0", "k": "AA" }));
            keys.insert(0, json!({ "kty": 7, "n": [], "crv": null }));
            keys.insert(0, json!("no key at all"));
            // Fields of other kinds than RFC 7517 says, beside those that are used.
            keys.iter_mut().filter(|key| key.is_object()).for_each(|key| key["x5c"] = json!(7));
        });
    });
}

#[test]
fn encrypted_critical_and_overlong_tokens_are_refused() {
    refused("five parts", "encrypted", |behaviour| {
        behaviour.token_response = edit(|response| drop(response.insert("id_token".into(), "e30.AA.AA.AA.AA".into())));
    });
    refused("no JWT", "no JWT", |behaviour| {
        behaviour.token_response = edit(|response| drop(response.insert("id_token".into(), "gibberish".into())));
    });
    for crit in [json!(["exp"]), json!([]), json!(null)] {
        refused("crit", "'crit'", move |behaviour| {
            let crit = crit.clone();
            behaviour.header = edit(move |header| drop(header.insert("crit".into(), crit.clone())));
        });
    }
    refused("256 KiB", "more than 262144", with_claim("padding", json!("x".repeat(200 * 1024))));
    accepted("100 KiB", with_claim("padding", json!("x".repeat(75 * 1024))));
}

#[test]
fn a_token_response_without_an_id_token_is_refused() {
    refused("no ID token", "has no ID token", |behaviour| {
        behaviour.token_response = edit(|response| drop(response.remove("id_token")));
    });
}

#[test]
fn a_token_type_other_than_bearer_is_refused() {
    let with_type = |value: &str| {
        let value: Value = value.into();
        move |behaviour: &mut Behaviour| {
            let value = value.clone();
            behaviour.token_response = edit(move |response| drop(response.insert("token_type".into(), value.clone())));
        }
    };
    refused("DPoP", "'DPoP'", with_type("DPoP"));
    refused("an empty one", "of the type", with_type(""));
    refused("a number", "'7'", |behaviour| {
        behaviour.token_response = edit(|response| drop(response.insert("token_type".into(), 7.into())));
    });
    refused("N_A", "'N_A'", with_type("N_A"));
    accepted("any case", with_type("bEARER"));
    accepted("none", |behaviour| behaviour.token_response = edit(|response| drop(response.remove("token_type"))));
}

#[test]
fn userinfo_is_not_called() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let userinfo = format!("{}/userinfo", provider.issuer());
    provider.configure(|behaviour| {
        behaviour.discovery =
            edit(move |document| drop(document.insert("userinfo_endpoint".into(), userinfo.clone().into())));
    });
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert_eq!(provider.count("/userinfo"), 0);
}

#[test]
fn keys_rotated_between_two_sign_ins_are_fetched_again() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    home.keyring().clear();
    provider.rotate_keys();
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert_eq!(provider.count("/jwks"), 2, "the keys of before are cached");
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
