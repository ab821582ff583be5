//! The silent refresh.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::{Edit, edit};
use crate::support::provider::server::Answer;
use crate::support::run::Running;

/// A user who signed in some time ago: the ID token has expired, the refresh token is valid.
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
fn a_refusal_without_a_reason_leads_to_a_sign_in_whatever_its_body() {
    let (home, provider) = signed_in_before();
    let bodies = [("text/plain", ""), ("text/plain", "Unauthorized"), ("text/html", "<h1>403</h1>"), ("", "{}")];
    let mut sign_ins = 1;
    for status in [400, 401, 402, 403, 404, 405, 410, 418, 422, 499] {
        for (content_type, body) in bodies {
            let before = home.saved().unwrap();
            let answer = Answer::new(status, content_type, body);
            provider.configure(|behaviour| {
                behaviour.refresh_answer = Some(answer.clone());
                behaviour.refusal = Some(("access_denied".into(), "not now".into()));
            });
            let denied = home.run(&mut home.kubekey_for(&provider));
            assert_eq!(denied.code(), Some(3), "{status} {body:?}: {denied:#?}");
            let what = if [404, 405, 410].contains(&status) { "does not exist" } else { "refused without a reason" };
            let (why, code) =
                (format!("a new sign-in is needed: the token endpoint {what}"), format!("(HTTP {status})"));
            assert!(denied.stderr.contains(&why) && denied.stderr.contains(&code), "{denied:#?}");
            assert_eq!(home.saved().unwrap(), before, "{status} {body:?}: what was saved stays until there is more");

            provider.configure(|behaviour| behaviour.refusal = None);
            forget_failures(&home);
            home.run(&mut home.kubekey_for(&provider)).credential();
            sign_ins += 2;
            assert_eq!(home.browser.urls().len(), sign_ins, "{status} {body:?}");
            assert_ne!(home.saved().unwrap()["refresh_token"], before["refresh_token"]);
            home.edit_saved(|set| set["expires_at"] = 1.into());
        }
    }
}

/// As if another command made the next run.
fn forget_failures(home: &Home) {
    fs::remove_dir_all(home.runtime().join("kubekey")).unwrap();
}

#[test]
fn an_endpoint_that_is_gone_is_asked_once_unless_the_provider_names_another_one() {
    for status in [404, 405, 410] {
        let (home, provider) = signed_in_before();
        provider.configure(|behaviour| behaviour.refresh_answer = Some(Answer::html(status, "not here")));
        home.run(&mut home.kubekey_for(&provider)).credential();
        let requests = provider.requests("/token");
        let grants: Vec<_> = requests.iter().map(|request| request.param("grant_type").unwrap()).collect();
        assert_eq!(grants, ["refresh_token", "authorization_code"], "{status}");
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
        (Answer::html(408, ""), 5),
        (Answer::html(425, ""), 5),
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
fn keys_that_cannot_be_used_are_called_so_and_nothing_is_sent() {
    let json = |text: &str| Answer::new(200, "application/json", text);
    for (answer, code, why) in [
        (Answer::html(404, "gone"), 5, "cannot be used: HTTP 404 Not Found"),
        (Answer::html(403, "not for you"), 5, "cannot be used: HTTP 403 Forbidden"),
        (Answer::html(200, "<p>the airport's wireless</p>"), 5, "a web page instead of the provider's keys"),
        (json("{\"keys\": ["), 5, "cannot be used: the response is not JSON: "),
        (json(""), 5, "cannot be used: the response is not JSON: "),
        (json("{}"), 1, "cannot be used: it has no list 'keys'"),
        (json("{\"keys\": {}}"), 1, "cannot be used: it has no list 'keys'"),
    ] {
        let (home, provider) = signed_in_before();
        let url = format!("{}/jwks", provider.issuer());
        // The keys are fetched; their URL is known from an earlier run.
        edit_metadata(&home, |metadata| metadata["keys"] = json!(null));
        let before = home.saved();
        provider.configure(|behaviour| behaviour.jwks_answer = Some(answer.clone()));
        let finished = home.run(&mut home.kubekey_for(&provider));
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(code), ""), "{answer:?}: {finished:#?}");
        let (message, hint) = finished.stderr.split_once("\nhint: ").expect("a hint");
        assert!(message.starts_with("kubekey: ") && message.contains(&url) && message.contains(why), "{finished:#?}");
        assert!(hint.contains("run the command again; "), "{finished:#?}");
        assert_eq!((home.saved(), provider.count("/token")), (before, 0), "{answer:?}");
        assert_eq!(provider.count("/.well-known/openid-configuration"), 0, "{finished:#?}");

        provider.configure(|behaviour| behaviour.jwks_answer = None);
        home.run(&mut home.kubekey_for(&provider)).credential();
        assert_eq!(home.browser.urls().len(), 1, "the refresh token is as good as before");
        assert_eq!(provider.count("/.well-known/openid-configuration"), 1, "where they are is asked again");
    }
}

/// Changes what is cached of the only provider.
fn edit_metadata(home: &Home, edit: impl FnOnce(&mut Value)) {
    let is_metadata =
        |file: &PathBuf| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("metadata-"));
    let file = home.files().into_iter().find(is_metadata).expect("cached metadata");
    let mut metadata = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    edit(&mut metadata);
    fs::write(file, metadata.to_string()).unwrap();
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
            // The sign-in that follows is refused, so that only the refreshed token is checked.
            behaviour.refusal = Some(("access_denied".into(), "not now".into()));
        });
        let finished = home.run(&mut home.kubekey_for(&provider));
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(3), ""), "{claim}: {finished:#?}");
        assert!(finished.stderr.contains("ID token was rejected"), "{claim}: {finished:#?}");
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

#[test]
fn a_clock_that_is_wrong_costs_neither_the_session_nor_a_browser() {
    for (seconds, lifetime) in [(3600, 3600), (-7200, 3600), (90, 3600), (-90, 60)] {
        let (home, provider) = signed_in_before();
        let before = home.saved().unwrap();
        provider.configure(|behaviour| (behaviour.clock, behaviour.lifetime) = (seconds, lifetime));
        let finished = home.run(&mut home.kubekey_for(&provider));
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(3), ""), "{seconds}: {finished:#?}");
        let direction = if seconds > 0 { "s behind the provider's" } else { "s ahead of the provider's" };
        assert!(finished.stderr.contains(direction), "{seconds}: {finished:#?}");
        assert!(finished.stderr.contains("hint: set this machine's clock"), "{seconds}: {finished:#?}");
        assert_eq!(home.browser.urls().len(), 1, "{seconds}: a sign-in would meet the same clock");
        assert_ne!(home.saved().unwrap()["refresh_token"], before["refresh_token"], "{seconds}: the old one is spent");

        provider.configure(|behaviour| (behaviour.clock, behaviour.lifetime) = (0, 3600));
        home.run(&mut home.kubekey_for(&provider)).credential();
        assert_eq!((home.browser.urls().len(), provider.revoked()), (1, 0), "{seconds}");
    }
}

#[test]
fn what_rotated_is_kept_although_the_id_token_beside_it_is_missing_or_wrong() {
    let wrong: [(&str, Option<Edit>, Option<Edit>); 6] = [
        ("missing", edit(|response| drop(response.remove("id_token"))), None),
        ("no text", edit(|response| drop(response.insert("id_token".into(), 7.into()))), None),
        ("of another type", edit(|response| drop(response.insert("token_type".into(), "DPoP".into()))), None),
        (
            "of no type that is a text",
            edit(|response| drop(response.insert("token_type".into(), json!(["Bearer"])))),
            None,
        ),
        (
            "of another type and missing",
            edit(|response| {
                response.remove("id_token");
                response.insert("token_type".into(), "N_A".into());
            }),
            None,
        ),
        ("wrong", None, edit(|claims| drop(claims.insert("aud".into(), "another-client".into())))),
    ];
    for (what, token_response, claims) in wrong {
        let (home, provider) = signed_in_before();
        let before = home.saved().unwrap();
        provider.configure(|behaviour| {
            (behaviour.token_response, behaviour.claims) = (token_response, claims);
            behaviour.refusal = Some(("access_denied".into(), "not now".into()));
        });
        assert_eq!(home.run(&mut home.kubekey_for(&provider)).code(), Some(3), "{what}");
        assert_ne!(home.saved().unwrap()["refresh_token"], before["refresh_token"], "{what}");
        forget_failures(&home);
        provider.configure(|behaviour| (behaviour.token_response, behaviour.claims) = (None, None));
        home.run(&mut home.kubekey_for(&provider)).credential();
        assert_eq!(provider.revoked(), 0, "{what}");
    }
}

#[test]
#[cfg(unix)]
fn a_rotated_refresh_token_is_kept_before_newer_keys_are_asked_for() {
    let (home, provider) = signed_in_before();
    let before = home.saved().unwrap();
    provider.rotate_keys();
    provider.configure(|behaviour| behaviour.hold = vec!["/jwks"]);
    let running = Running::start(&mut home.kubekey_for(&provider));
    provider.wait_for("/jwks", 1);
    running.signal("KILL");
    running.wait();
    assert_ne!(home.saved().unwrap()["refresh_token"], before["refresh_token"], "the old one is spent");
    provider.configure(|behaviour| behaviour.hold = vec![]);
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert_eq!((home.browser.urls().len(), provider.revoked()), (1, 0));
}
