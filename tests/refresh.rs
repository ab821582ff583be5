//! The silent refresh.

use serde_json::json;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::edit;
use crate::support::provider::server::Answer;

/// A user who signed in some time ago: the ID token has expired, the refresh token is good.
fn signed_in_before() -> (Home, Provider) {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    home.edit_saved(|set| set["expires_at"] = 1.into());
    provider.forget_requests();
    (home, provider)
}

#[test]
fn an_expired_token_is_refreshed_silently_and_the_rotated_token_saved() {
    let (home, provider) = signed_in_before();
    let before = home.saved().unwrap();
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_eq!(
        (finished.token(), finished.stderr.as_str()),
        (home.saved().unwrap()["id_token"].as_str().unwrap().into(), "")
    );
    assert_ne!(home.saved().unwrap()["refresh_token"], before["refresh_token"]);
    assert_ne!(home.saved().unwrap()["id_token"], before["id_token"]);
    assert_eq!((provider.count("/token"), home.browser.urls().len()), (1, 1));
    assert_eq!(provider.requests("/token")[0].param("refresh_token"), before["refresh_token"].as_str());

    home.edit_saved(|set| set["expires_at"] = 1.into());
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert_eq!(home.browser.urls().len(), 1, "the rotated token is good, too");
}

#[test]
fn without_rotation_the_refresh_token_stays() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.refresh_rotation = false);
    home.run(&mut home.kubekey_for(&provider)).credential();
    let before = home.saved().unwrap();
    for _ in 0..2 {
        home.edit_saved(|set| set["expires_at"] = 1.into());
        home.run(&mut home.kubekey_for(&provider)).credential();
    }
    assert_eq!(home.saved().unwrap()["refresh_token"], before["refresh_token"]);
    assert_eq!(home.browser.urls().len(), 1);
}

#[test]
fn an_oauth_error_ends_the_session_and_the_user_signs_in_again() {
    for (status, error) in
        [(400, "invalid_grant"), (400, "invalid_request"), (400, "interaction_required"), (403, "access_denied")]
    {
        let (home, provider) = signed_in_before();
        let answer = Answer::json(status, &json!({ "error": error, "error_description": "your session is over" }));
        provider.configure(|behaviour| behaviour.refresh_answer = Some(answer));
        let finished = home.run(&mut home.kubekey_for(&provider));
        finished.credential();
        assert_eq!(home.browser.urls().len(), 2, "{error}");
        assert!(finished.stderr.contains("your session is over"), "{finished:#?}");
    }
}

#[test]
fn a_refusal_of_the_providers_own_kind_strands_nobody() {
    for (status, body) in [
        (400, json!({ "errorCode": "E0000011", "errorSummary": "Invalid token provided" })),
        (401, json!({ "error": { "message": "the session is over" } })),
        (200, json!({ "error": "invalid_grant" })),
    ] {
        let (home, provider) = signed_in_before();
        provider.configure(|behaviour| behaviour.refresh_answer = Some(Answer::json(status, &body)));
        home.run(&mut home.kubekey_for(&provider)).credential();
        assert_eq!(home.browser.urls().len(), 2, "{body}");
    }
}

#[test]
fn an_empty_refresh_token_replaces_nothing() {
    let (home, provider) = signed_in_before();
    let before = home.saved().unwrap();
    provider.configure(|behaviour| {
        behaviour.token_response = edit(|response| {
            response.insert("refresh_token".into(), "".into());
        });
    });
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert_eq!(home.saved().unwrap()["refresh_token"], before["refresh_token"]);
}

#[test]
fn trouble_is_an_error_and_nothing_is_lost() {
    let plain = |status, error: &str| Answer::json(status, &json!({ "error": error }));
    for (answer, code) in [
        (plain(400, "temporarily_unavailable"), 1),
        (plain(400, "slow_down"), 1),
        (plain(401, "invalid_client"), 1),
        (plain(400, "unauthorized_client"), 1),
        (plain(429, "invalid_grant"), 5),
        (plain(500, "invalid_grant"), 5),
        (plain(503, "invalid_grant"), 5),
        (Answer::html(200, "<p>the airport's wireless</p>"), 5),
        (Answer::html(400, "<p>the airport's wireless</p>"), 5),
        (Answer::redirect("https://portal.example/"), 5),
    ] {
        let (home, provider) = signed_in_before();
        let before = home.saved();
        provider.configure(|behaviour| behaviour.refresh_answer = Some(answer.clone()));
        let finished = home.run(&mut home.kubekey_for(&provider));
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(code), ""), "{answer:?}: {finished:#?}");
        assert!(finished.stderr.contains("hint: "), "{finished:#?}");
        assert_eq!((home.saved(), home.browser.urls().len()), (before, 1), "{answer:?}");

        provider.configure(|behaviour| behaviour.refresh_answer = None);
        home.run(&mut home.kubekey_for(&provider)).credential();
        assert_eq!(home.browser.urls().len(), 1, "the refresh token is as good as before");
    }
}

#[test]
fn a_provider_out_of_reach_costs_nothing() {
    let (home, mut provider) = signed_in_before();
    let before = home.saved();
    provider.stop();
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(5), ""));
    assert!(finished.stderr.contains(&provider.issuer()), "{finished:#?}");
    assert_eq!(home.saved(), before);

    provider.restart();
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert_eq!(home.browser.urls().len(), 1);
}

#[test]
fn a_refreshed_id_token_that_is_not_to_be_believed_is_neither_printed_nor_saved() {
    let changes = [
        ("sub", json!("mallory")),
        ("iss", json!("https://evil.example")),
        ("aud", json!("another-client")),
        ("exp", json!(1)),
    ];
    for (claim, value) in changes {
        let (home, provider) = signed_in_before();
        let forged = value.clone();
        provider.configure(|behaviour| {
            behaviour.claims = edit(move |claims| {
                claims.insert(claim.into(), forged.clone());
            });
            // The sign-in that follows is refused, so that only the refreshed token is looked at.
            behaviour.refusal = Some(("access_denied".into(), "not now".into()));
        });
        let finished = home.run(&mut home.kubekey_for(&provider));
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(3), ""), "{claim}: {finished:#?}");
        assert!(finished.stderr.contains("not to be believed"), "{claim}: {finished:#?}");
        assert_eq!(home.saved().unwrap()["expires_at"], 1, "{claim}: nothing new was saved");
    }
}

#[test]
fn a_rotated_refresh_token_is_kept_although_the_id_token_beside_it_cannot_be_verified_yet() {
    let (home, provider) = signed_in_before();
    let before = home.saved().unwrap();
    provider.rotate_keys();
    provider.configure(|behaviour| behaviour.jwks_answer = Some(Answer::html(503, "down")));
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(5), ""), "{finished:#?}");
    let after = home.saved().unwrap();
    assert_ne!(after["refresh_token"], before["refresh_token"], "the old one is spent");
    assert_eq!(after["id_token"], before["id_token"]);

    provider.configure(|behaviour| behaviour.jwks_answer = None);
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert_eq!(home.browser.urls().len(), 1);
}

#[test]
fn a_refreshed_token_needs_no_nonce() {
    let (home, provider) = signed_in_before();
    provider.configure(|behaviour| {
        behaviour.claims = edit(|claims| {
            claims.remove("nonce");
        });
    });
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert_eq!(home.browser.urls().len(), 1);
}

#[test]
fn a_refresh_without_an_id_token_leads_to_a_sign_in() {
    let (home, provider) = signed_in_before();
    provider.configure(|behaviour| {
        behaviour.refresh_answer =
            Some(Answer::json(200, &json!({ "access_token": "a", "token_type": "Bearer", "expires_in": 60 })));
    });
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert_eq!(home.browser.urls().len(), 2);
}
