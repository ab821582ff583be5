//! When an ID token is accepted: OpenID Connect Core §3.1.3.7.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::{Behaviour, Edit, edit};
use crate::support::provider::keys::{Signing, public_key_as_text};

/// A sign-in at a provider that behaves like this is refused: stdout is empty, nothing is saved, and the terminal and
/// the browser show why.
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
    refused(
        "another issuer",
        "its issuer is 'https://evil.example' and not 'http://127.0.0.1:",
        with_claim("iss", json!("https://evil.example")),
    );
    let audience = "its audience is 'another-client' and not 'kubekey-test-";
    refused("another audience", audience, with_claim("aud", json!("another-client")));
    refused("a wrong nonce", "nonce", with_claim("nonce", json!("wrong")));
    refused("no nonce", "nonce", without_claim("nonce"));
    refused("expired", "before it arrived\nhint: compare this machine's clock", with_claim("exp", json!(now - 1)));
    refused("from the future", "from now", with_claim("iat", json!(now + 120)));
    for claim in ["iss", "aud", "sub", "exp", "iat"] {
        refused(claim, &format!("it has no '{claim}'\n"), without_claim(claim));
    }
}

#[test]
fn several_audiences_need_an_authorized_party_that_is_us() {
    refused("no azp", "another-client", |behaviour| {
        with_claim("aud", json!([behaviour.client_id, "another-client"]))(behaviour);
    });
    refused("a foreign azp", "'another-client'", with_claim("azp", json!("another-client")));
    accepted("our azp", |behaviour| {
        let client_id = behaviour.client_id.clone();
        behaviour.claims = edit(move |claims| {
            claims.insert("aud".into(), json!([client_id, "another-client"]));
            claims.insert("azp".into(), json!(client_id));
        });
    });
    accepted("one audience in a list", |behaviour| with_claim("aud", json!([behaviour.client_id]))(behaviour));
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
    for (name, value, words) in [
        ("iss", json!(7), "its 'iss' is not a string"),
        ("sub", json!(7), "its 'sub' is not a string"),
        ("sub", json!(""), "its subject ('sub') is empty"),
        ("aud", json!({}), "its 'aud' is neither a string nor a list of strings"),
        ("aud", json!(["kubekey-test", 7]), "its 'aud' is neither a string nor a list of strings"),
        ("exp", json!("soon"), "its 'exp' is not a number"),
        ("iat", json!(1e300), "its 'iat' is not a time"),
        ("nbf", json!(null), "its 'nbf' is not a number"),
        ("nonce", json!([]), "its 'nonce' is not a string"),
    ] {
        refused(name, &format!("ID token was rejected: {words}\n"), with_claim(name, value));
    }
}

#[test]
fn claims_that_are_no_json_object_or_have_a_name_twice_are_refused() {
    type Change = fn(Vec<u8>) -> Vec<u8>;
    let rows: [(&str, Change, &str); 5] = [
        ("a list", |claims| [b"[", &claims[..], b"]"].concat(), "its claims are not a JSON object"),
        ("cut", |claims| claims[..claims.len() - 1].to_vec(), "its claims are not JSON in UTF-8"),
        ("Latin-1", |claims| [b"{\"name\":\"J\xfcrgen\",", &claims[1..]].concat(), "its claims are not JSON in UTF-8"),
        ("two subjects", |claims| [b"{\"sub\":\"root\",", &claims[1..]].concat(), "it has one claim twice"),
        ("two kinds of times", |claims| [b"{\"exp\":\"soon\",", &claims[1..]].concat(), "it has one claim twice"),
    ];
    for (what, change, words) in rows {
        refused(what, &format!("ID token was rejected: {words}\n"), |behaviour| behaviour.payload = Some(change));
    }
}

#[test]
fn a_header_that_cannot_be_used_is_named() {
    for (name, value, words) in [
        ("alg", json!(null), "its header has no 'alg'"),
        ("kid", json!(7), "its header: 'kid' is not a string"),
        ("crit", json!(["b64"]), "its header has 'crit', which kubekey does not support"),
    ] {
        refused(name, words, move |behaviour| {
            behaviour.header = edit(move |header| drop(header.insert(name.into(), value.clone())));
        });
    }
}

#[test]
fn what_is_no_jwt_is_refused_by_its_form() {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let header = part(r#"{"alg":"RS256"}"#);
    for (token, words) in [
        ("a.b".to_owned(), "it is not a JWT"),
        ("a.b.c.d.e".to_owned(), "it is encrypted, so no API server can read it"),
        (format!("{header}.!.{}", part("s")), "it is not a JWT: "),
        (format!("{}.{}.{}", part("{"), part("{}"), part("s")), "its header is not JSON in UTF-8 ("),
        ("x".repeat(300_000), "bytes, more than "),
    ] {
        refused(words, words, move |behaviour| {
            behaviour.token_response = edit(move |response| drop(response.insert("id_token".into(), json!(token))));
        });
    }
}

#[test]
fn a_clock_that_is_a_little_ahead_is_no_reason_to_refuse() {
    let now = chrono::Utc::now().timestamp();
    accepted("issued 30 s ahead", with_claim("iat", json!(now + 30)));
    accepted("valid 30 s ahead", with_claim("nbf", json!(now + 30)));
    refused("valid 2 min ahead", "from now", with_claim("nbf", json!(now + 120)));
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
        assert!(finished.stderr.contains("hint: set this machine's clock"), "{finished:#?}");
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
    refused("another key", "not made with the provider's key", |behaviour| behaviour.signing = Signing::Stranger);
    refused("no signature", "not signed", |behaviour| behaviour.signing = Signing::Nothing);
    refused("no signature, and alg in capitals", "'NONE'", |behaviour| {
        behaviour.signing = Signing::Nothing;
        behaviour.header = edit(|header| drop(header.insert("alg".into(), "NONE".into())));
    });
    refused("HS256 with the client secret", "anyone with the client secret", |behaviour| {
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
        refused(field, "has no key", move |behaviour| {
            behaviour.jwks = edit_keys(move |keys| keys.iter_mut().for_each(|key| key[field] = value.clone()));
        });
    }
}

#[test]
fn a_key_that_verifies_nothing_is_called_unusable() {
    let x = |length: usize| URL_SAFE_NO_PAD.encode(vec![1; length]);
    for (what, algorithm, field, value, why) in [
        ("a point with a short coordinate", Algorithm::ES256, "x", "AAAA".into(), "not a point on its curve"),
        ("a point beside P-256", Algorithm::ES256, "x", x(32), "not a point on its curve"),
        ("a point beside P-384", Algorithm::ES384, "x", x(48), "not a point on its curve"),
        ("a long key of Ed25519", Algorithm::EdDSA, "x", x(33), "its Ed25519 key has 33 bytes and not 32"),
        ("an even exponent", Algorithm::RS256, "e", "AQAC".into(), "an exponent that cannot be used"),
        ("an exponent of 1", Algorithm::RS256, "e", "AQ".into(), "an exponent that cannot be used"),
        ("a long key of RSA", Algorithm::RS256, "n", x(1026), "its RSA key has 8208 bits, more than kubekey supports"),
    ] {
        refused(what, why, move |behaviour| {
            behaviour.algorithm = algorithm;
            behaviour.jwks = edit_keys(move |keys| keys.iter_mut().for_each(|key| key[field] = value.clone().into()));
        });
    }
}

#[test]
fn without_a_kid_the_keys_that_fit_are_tried_and_no_others() {
    let without_kid = |behaviour: &mut Behaviour| behaviour.header = edit(|header| drop(header.remove("kid")));
    accepted("one key of its type", without_kid);
    accepted("one key, without an ID itself", |behaviour| {
        without_kid(behaviour);
        behaviour.jwks =
            edit_keys(|keys| keys.iter_mut().for_each(|key| drop(key.as_object_mut().unwrap().remove("kid"))));
    });
    accepted("an empty kid", |behaviour| {
        behaviour.header = edit(|header| drop(header.insert("kid".into(), "".into())));
    });
    accepted("a kid of null", |behaviour| {
        behaviour.header = edit(|header| drop(header.insert("kid".into(), Value::Null)));
    });
    let with_others = |others: usize| {
        move |keys: &mut Vec<Value>| {
            for other in 0..others {
                let mut key = keys.iter().find(|key| key["kty"] == "RSA").expect("an RSA key").clone();
                // Another modulus: the first digits are replaced.
                key["n"] = format!("{other:04}{}", &key["n"].as_str().unwrap()[4..]).into();
                keys.insert(0, key);
            }
        }
    };
    accepted("the eighth of its type", |behaviour| {
        without_kid(behaviour);
        behaviour.jwks = edit_keys(with_others(7));
    });
    refused("the ninth of its type", "not made with the provider's key", |behaviour| {
        without_kid(behaviour);
        behaviour.jwks = edit_keys(with_others(8));
    });
    accepted("a key that is listed ten times before it", |behaviour| {
        without_kid(behaviour);
        behaviour.jwks = edit_keys(move |keys| {
            with_others(1)(keys);
            (0..9).for_each(|_| keys.insert(0, keys[0].clone()));
        });
    });
    refused("several keys, and signed with another", "not made with the provider's key", |behaviour| {
        without_kid(behaviour);
        behaviour.signing = Signing::Stranger;
        behaviour.jwks = edit_keys(with_others(3));
    });
    refused("several keys, the right one for another purpose", "not made with the provider's key", |behaviour| {
        without_kid(behaviour);
        behaviour.jwks = edit_keys(move |keys| {
            keys.iter_mut().for_each(|key| key["use"] = "enc".into());
            with_others(1)(keys);
            keys[0]["use"] = "sig".into();
        });
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
fn a_key_is_read_in_whatever_way_it_is_written() {
    for (field, value) in [
        ("use", json!("")),
        ("use", json!(null)),
        ("alg", json!(null)),
        ("alg", json!("")),
        ("key_ops", json!([])),
        ("key_ops", json!(null)),
        ("key_ops", json!("verify")),
    ] {
        accepted(field, move |behaviour| {
            behaviour.jwks = edit_keys(move |keys| keys.iter_mut().for_each(|key| key[field] = value.clone()));
        });
    }
    let standard = |text: &str| STANDARD.encode(URL_SAFE_NO_PAD.decode(text).expect("base64url"));
    for (algorithm, field) in [(Algorithm::RS256, "n"), (Algorithm::ES256, "x"), (Algorithm::EdDSA, "x")] {
        accepted(&format!("{algorithm:?} in standard base64"), |behaviour| {
            behaviour.algorithm = algorithm;
            behaviour.jwks = edit_keys(move |keys| {
                let own = keys.iter_mut().filter(|key| key[field].is_string());
                own.for_each(|key| key[field] = standard(key[field].as_str().unwrap()).into());
            });
        });
    }
    refused("no base64", "the 'n' of its key is not base64", |behaviour| {
        behaviour.jwks = edit_keys(|keys| keys.iter_mut().for_each(|key| key["n"] = "n%n".into()));
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
            // Fields of types other than those in RFC 7517, beside those that are used.
            keys.iter_mut().filter(|key| key.is_object()).for_each(|key| key["x5c"] = json!(7));
        });
    });
}

#[test]
fn encrypted_critical_and_overlong_tokens_are_refused() {
    refused("five parts", "encrypted", |behaviour| {
        behaviour.token_response = edit(|response| drop(response.insert("id_token".into(), "e30.AA.AA.AA.AA".into())));
    });
    refused("no JWT", "not a JWT", |behaviour| {
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
    refused("an empty one", "have the type", with_type(""));
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
    running.wait_for_stderr("/jwks: 200");
    provider.rotate_keys();
    home.browser.open(&local).last();
    running.wait().credential();
    assert_eq!(provider.count("/jwks"), 2);
}
