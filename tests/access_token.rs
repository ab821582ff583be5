//! Clusters that take access tokens (`--use-access-token`).

use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::browser::Mode;
use crate::support::canary;
#[cfg(target_os = "linux")]
use crate::support::etc::Etc;
use crate::support::home::Home;
#[cfg(target_os = "linux")]
use crate::support::policy::assert_refused;
use crate::support::process;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::{Behaviour, edit};
use crate::support::run::Finished;

const SECRET: &str = "s3cret-of-the-client";

/// A user whose provider behaves like this, and who keeps sign-ins in a file.
fn user(change: impl FnOnce(&mut Behaviour)) -> (Home, Provider) {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    provider.configure(change);
    (home, provider)
}

fn kubekey(home: &Home, provider: &Provider) -> Command {
    let mut kubekey = home.kubekey_for(provider);
    kubekey.arg("--use-access-token");
    kubekey
}

/// A JWT with these claims, which nothing signed.
fn jwt(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", part(&json!({ "alg": "RS256", "typ": "at+jwt" })), part(claims), URL_SAFE_NO_PAD.encode("none"))
}

/// Access tokens of this provider are JWTs with these claims.
fn issue_jwt(behaviour: &mut Behaviour, claims: Value) {
    behaviour.at_hash = false;
    behaviour.token_response = edit(move |response| {
        response.insert("access_token".into(), jwt(&claims).into());
        response.remove("expires_in");
    });
}

fn expiration(finished: &Finished) -> DateTime<Utc> {
    let credential = finished.credential();
    let text = credential["status"]["expirationTimestamp"].as_str().expect("a time");
    DateTime::parse_from_rfc3339(text).expect("RFC 3339").into()
}

fn seconds_left(finished: &Finished) -> i64 {
    (expiration(finished) - Utc::now()).num_seconds()
}

#[test]
fn an_opaque_one_is_printed_kept_and_refreshed_like_an_id_token() {
    let (home, provider) = user(|behaviour| behaviour.lifetime = 900);
    let first = home.run(&mut kubekey(&home, &provider));
    assert!(first.token().starts_with("access-"), "{first:#?}");
    assert!((800..=900).contains(&seconds_left(&first)), "{first:#?}");
    assert_eq!(home.run(&mut kubekey(&home, &provider)).token(), first.token());
    assert_eq!((provider.count("/token"), home.browser.urls().len()), (1, 1));

    let renewed = home.run(kubekey(&home, &provider).arg("--force-refresh"));
    assert!(renewed.token().starts_with("access-") && renewed.token() != first.token(), "{renewed:#?}");
    let grant = |request: &str| provider.requests("/token").pop().unwrap().param(request).map(str::to_owned);
    assert_eq!((grant("grant_type").as_deref(), home.browser.urls().len()), (Some("refresh_token"), 1));

    // OpenID Connect Core §12.2: none has to come.
    provider.configure(|behaviour| {
        behaviour.token_response = edit(|response| _ = response.remove("id_token"));
    });
    let without = home.run(kubekey(&home, &provider).arg("--force-refresh"));
    assert!(without.token().starts_with("access-") && without.token() != renewed.token(), "{without:#?}");
    assert_eq!((home.run(&mut kubekey(&home, &provider)).token(), home.browser.urls().len()), (without.token(), 1));
}

#[test]
fn both_kinds_are_kept_side_by_side() {
    let (home, provider) = user(|_| {});
    let access = home.run(&mut kubekey(&home, &provider)).token();
    let id_token = home.run(&mut home.kubekey_for(&provider));
    assert_eq!(id_token.claims()["sub"], "jane");
    assert_eq!(home.run(&mut kubekey(&home, &provider)).token(), access);
    assert_eq!(provider.count("/token"), 2);
}

#[test]
fn a_jwt_ends_at_its_exp_and_is_not_verified() {
    let exp = (Utc::now() + TimeDelta::minutes(20)).timestamp();
    let (home, provider) = user(|behaviour| issue_jwt(behaviour, json!({ "sub": "other", "exp": exp })));
    let finished = home.run(&mut kubekey(&home, &provider));
    assert_eq!((expiration(&finished).timestamp(), finished.stderr.contains("warning")), (exp, false), "{finished:#?}");
    assert!(finished.log.contains("access token: a JWT that is not verified here; it expires at "), "{finished:#?}");
    // Its subject is not that of the ID token, to which the session belongs.
    let refreshed = home.run(kubekey(&home, &provider).arg("--force-refresh"));
    assert_eq!((refreshed.claims()["sub"].as_str(), home.browser.urls().len()), (Some("other"), 1));

    let (home, provider) = user(|behaviour| issue_jwt(behaviour, json!({ "exp": 1 })));
    let expired = home.run(&mut kubekey(&home, &provider));
    assert_eq!((expired.code(), expired.stdout.as_str()), (Some(3), ""), "{expired:#?}");
    assert!(expired.stderr.contains("the provider's access token expired at 1970-01-01 00:00:01 UTC, before it"));
}

#[test]
fn another_issuer_is_a_warning() {
    let claims = json!({ "iss": "https://sts.example.com", "exp": (Utc::now() + TimeDelta::minutes(20)).timestamp() });
    let (home, provider) = user(|behaviour| issue_jwt(behaviour, claims));
    let finished = home.run(&mut kubekey(&home, &provider));
    finished.credential();
    let warning =
        "kubekey: warning: the issuer of the access token is 'https://sts.example.com': a cluster that trusts only '";
    assert!(finished.stderr.contains(warning), "{finished:#?}");
}

#[test]
fn one_that_does_not_say_when_it_ends_is_used_for_five_minutes() {
    for expires_in in [Value::Null, json!(0), json!("soon")] {
        let (home, provider) = user(move |behaviour| {
            behaviour.token_response =
                edit(move |response| _ = response.insert("expires_in".into(), expires_in.clone()));
        });
        let finished = home.run(&mut kubekey(&home, &provider));
        assert!((240..=300).contains(&seconds_left(&finished)), "{finished:#?}");
    }
    let (home, provider) = user(|behaviour| {
        behaviour.token_response = edit(|response| _ = response.insert("expires_in".into(), "1800".into()));
    });
    assert!((1700..=1800).contains(&seconds_left(&home.run(&mut kubekey(&home, &provider)))));
}

#[test]
fn without_one_the_sign_in_fails_and_its_id_token_is_still_verified() {
    let (home, provider) = user(|behaviour| {
        behaviour.at_hash = false;
        behaviour.token_response = edit(|response| _ = response.remove("access_token"));
    });
    let finished = home.run(&mut kubekey(&home, &provider));
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(3), ""), "{finished:#?}");
    assert!(finished.stderr.contains("the provider's token response has no access token\nhint: leave --use-access"));
    let (home, provider) = user(|behaviour| {
        behaviour.claims = edit(|claims| _ = claims.insert("nonce".into(), "another".into()));
    });
    let finished = home.run(&mut kubekey(&home, &provider));
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(3), ""), "{finished:#?}");
}

#[test]
fn the_commands_show_an_opaque_one_as_what_it_is() {
    let (home, provider) = user(|_| {});
    let token = home.run(&mut kubekey(&home, &provider)).token();
    // The search for secrets would find it: printing it is what these are for.
    let output = |words: &[&str]| {
        let output =
            process::output(kubekey(&home, &provider).env("KUBEKEY_LOG", "info").args(words)).expect("kubekey");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert_eq!(output(&["token"]), format!("{token}\n"));
    let decoded = output(&["token", "--decode"]);
    assert!(decoded.starts_with("opaque, without claims\nexpires  ") && decoded.ends_with(" min)\n"), "{decoded}");
    canary::assert_none_in(&decoded, "the decoded token");
    let status = home.run(home.kubekey().arg("status"));
    assert!(status.code() == Some(0) && status.stdout.contains("  jane  "), "{status:#?}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_response_without_an_id_token_is_refused_where_the_policy_requires_how_the_user_signs_in() {
    let (home, provider) = user(|behaviour| {
        behaviour.claims = edit(|claims| _ = claims.insert("acr".into(), "phr".into()));
        behaviour.offers_machine_grants = true;
        behaviour.client_secret = Some(SECRET.into());
    });
    let etc = Etc::with_policy("required_acr = ['phr']\nlocked_flags = []");
    let run = |words: &[&str]| {
        let mut kubekey = home.kubekey_for(&provider);
        home.run(&mut etc.over(kubekey.env("KUBEKEY_CLIENT_SECRET", SECRET).args(words)))
    };
    let words = "the provider's response without an ID token was rejected: it has no 'acr', and the policy";
    let machine = run(&["--flow=client-credentials"]);
    assert_refused(&machine, words);
    assert!(machine.stderr.contains("hint: ask your administrator ('required_acr')"), "{machine:#?}");

    run(&["--use-access-token"]).credential();
    provider.configure(|behaviour| {
        behaviour.token_response = edit(|response| _ = response.remove("id_token"));
    });
    let refreshed = run(&["--use-access-token", "--force-refresh"]);
    assert!(refreshed.stderr.contains(&format!("a new sign-in is needed: {words}")), "{refreshed:#?}");
    assert_eq!((refreshed.code(), refreshed.stdout.as_str()), (Some(3), ""), "{refreshed:#?}");
}
