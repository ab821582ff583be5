//! The discovery document and the keys on disk: a refresh is one request, and the cache never causes an error.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::thread;

use serde_json::{Value, json};

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::Behaviour;
use crate::support::provider::keys::Signing;
use crate::support::provider::server::Answer;
use crate::support::run::{Finished, Running};

const DAY: i64 = 24 * 60 * 60;

/// A user who has signed in, so that the metadata may be cached, and whose ID token has expired.
fn signed_in_before(configure: impl FnOnce(&mut Behaviour)) -> (Home, Provider) {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    provider.configure(configure);
    home.run(&mut home.kubekey_for(&provider)).credential();
    expire(&home, &provider);
    (home, provider)
}

fn expire(home: &Home, provider: &Provider) {
    home.edit_saved(|set| set["expires_at"] = 1.into());
    provider.forget_requests();
}

/// A run that must end with a silently refreshed token, after this many requests.
fn refreshes(home: &Home, provider: &Provider, requests: usize, what: &str) -> Finished {
    let finished = home.run(&mut home.kubekey_for(provider));
    assert!(finished.status.success(), "{what}: {finished:#?}");
    assert_eq!((finished.stderr.as_str(), home.browser.urls().len()), ("", 1), "{what}");
    assert_eq!((provider.count_all(), provider.count("/token")), (requests, 1), "{what}");
    finished
}

/// The cache's only file.
fn file(home: &Home) -> PathBuf {
    let files = home.cached_metadata();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

fn cached(home: &Home) -> Value {
    serde_json::from_slice(&fs::read(file(home)).unwrap()).unwrap()
}

fn edit_cached(home: &Home, edit: impl FnOnce(&mut Value)) {
    let mut cached = cached(home);
    edit(&mut cached);
    fs::write(file(home), cached.to_string()).unwrap();
}

fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

#[test]
fn a_refresh_with_cached_metadata_is_one_request() {
    let (home, provider) = signed_in_before(|_| {});
    refreshes(&home, &provider, 1, "the first");
    expire(&home, &provider);
    refreshes(&home, &provider, 1, "the next");
}

#[test]
#[cfg(unix)]
fn the_file_is_private_and_holds_what_the_provider_publishes_and_no_token() {
    let (home, provider) = signed_in_before(|_| {});
    let name = file(&home).file_name().unwrap().to_str().unwrap().to_owned();
    assert!(name.starts_with("metadata-") && name.ends_with(".json"), "{name}");
    assert_eq!(fs::metadata(file(&home)).unwrap().permissions().mode() & 0o777, 0o600);
    let (saved, cached) = (home.saved().unwrap(), cached(&home));
    assert_eq!(cached["issuer"], provider.issuer());
    assert!(cached["discovery"]["body"]["code_challenge_methods_supported"].is_array(), "{cached:#}");
    assert!(cached["keys"]["body"]["keys"].is_array(), "{cached:#}");
    for secret in ["id_token", "refresh_token"] {
        assert!(!cached.to_string().contains(saved[secret].as_str().unwrap()), "{secret} in {cached:#}");
    }
}

#[test]
fn what_must_not_be_stored_is_fetched_each_time() {
    for header in ["no-store", "no-cache", "max-age=0", "private, max-age=600, no-store"] {
        let (home, provider) = signed_in_before(|behaviour| behaviour.cache_control = Some(header.into()));
        refreshes(&home, &provider, 3, header);
        assert!(home.cached_metadata().is_empty(), "{header}: {:?}", home.files());
    }
}

#[test]
fn the_lifetime_is_the_headers_but_a_day_at_most() {
    for (header, seconds) in [(None, 3600), (Some("max-age=600"), 600), (Some("max-age=31536000"), DAY)] {
        let (home, _provider) = signed_in_before(|behaviour| behaviour.cache_control = header.map(String::from));
        for part in ["discovery", "keys"] {
            let cached = &cached(&home)[part];
            let (from, to) = (cached["fetched_at"].as_i64().unwrap(), cached["expires_at"].as_i64().unwrap());
            assert_eq!(to - from, seconds, "{header:?}: {part}");
            assert!((now() - 60..=now()).contains(&from), "{header:?}: {part}");
        }
    }
}

#[test]
fn what_has_expired_is_fetched_again_and_kept() {
    for (expired, requests) in [(&["discovery"][..], 2), (&["keys"], 2), (&["discovery", "keys"], 3)] {
        let (home, provider) = signed_in_before(|_| {});
        edit_cached(&home, |cached| expired.iter().for_each(|part| cached[part]["expires_at"] = now().into()));
        refreshes(&home, &provider, requests, &format!("{expired:?}"));
        expire(&home, &provider);
        refreshes(&home, &provider, 1, "after it");
    }
}

#[test]
fn a_file_with_anything_odd_in_it_is_not_used() {
    type Odd = fn(&mut Value);
    let odd: [(&str, usize, Odd); 13] = [
        ("another issuer's file", 3, |cached| cached["issuer"] = "https://evil.example".into()),
        ("no issuer", 3, |cached| cached["issuer"] = Value::Null),
        ("a list", 3, |cached| *cached = json!([])),
        ("nothing", 3, |cached| *cached = json!({})),
        ("another issuer's document", 2, |cached| {
            cached["discovery"]["body"]["issuer"] = "https://evil.example".into()
        }),
        ("no document", 2, |cached| cached["discovery"]["body"] = "<html>".into()),
        ("a document from elsewhere", 2, |cached| cached["discovery"]["url"] = "https://evil.example".into()),
        ("an endpoint without TLS", 2, |cached| {
            cached["discovery"]["body"]["token_endpoint"] = "http://login.example.com/token".into();
        }),
        ("keys without TLS", 2, |cached| {
            cached["discovery"]["body"]["jwks_uri"] = "http://login.example.com/jwks".into();
        }),
        ("no keys", 2, |cached| cached["keys"]["body"] = json!({})),
        ("keys from elsewhere", 2, |cached| cached["keys"]["url"] = "https://evil.example".into()),
        ("from the future", 2, |cached| cached["keys"]["fetched_at"] = (now() + 600).into()),
        ("for more than a day", 2, |cached| cached["keys"]["expires_at"] = (now() + DAY + 600).into()),
    ];
    let (home, provider) = signed_in_before(|_| {});
    for (what, requests, change) in odd {
        edit_cached(&home, change);
        refreshes(&home, &provider, requests, what);
        expire(&home, &provider);
        refreshes(&home, &provider, 1, &format!("after {what}"));
        expire(&home, &provider);
    }
    for garbage in [&b""[..], b"{\"issuer\":", b"\xff\xfe\0", b"null"] {
        fs::write(file(&home), garbage).unwrap();
        refreshes(&home, &provider, 3, &format!("{garbage:?}"));
        expire(&home, &provider);
    }
}

#[test]
fn keys_that_were_rotated_are_fetched_once_and_kept() {
    let (home, provider) = signed_in_before(|_| {});
    provider.rotate_keys();
    refreshes(&home, &provider, 2, "an unknown kid");
    expire(&home, &provider);
    refreshes(&home, &provider, 1, "the new keys are known");
}

#[test]
fn keys_replaced_under_the_same_id_are_fetched_once_and_kept() {
    let (home, provider) = signed_in_before(|_| {});
    let same_id = |keys: &mut serde_json::Map<String, Value>| {
        let keys = keys["keys"].as_array_mut().unwrap();
        keys.iter_mut().for_each(|key| key["kid"] = key["kid"].as_str().unwrap().replace("-1", "-0").into());
    };
    provider.rotate_keys();
    provider.configure(|behaviour| {
        behaviour.jwks = Some(Box::new(same_id));
        behaviour.header = Some(Box::new(|header| {
            header.insert("kid".into(), "RS256-0".into());
        }));
    });
    refreshes(&home, &provider, 2, "a failed signature");
    expire(&home, &provider);
    refreshes(&home, &provider, 1, "the new keys are known");
}

#[test]
fn a_forged_signature_has_the_keys_fetched_once_and_no_more() {
    let (home, provider) = signed_in_before(|_| {});
    provider.configure(|behaviour| {
        behaviour.signing = Signing::Stranger;
        behaviour.refusal = Some(("access_denied".into(), "not now".into()));
    });
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(3), ""));
    assert!(finished.stderr.contains("ID token was rejected"), "{finished:#?}");
    assert_eq!(provider.count("/jwks"), 1);
}

#[test]
fn keys_out_of_reach_do_not_cost_the_refresh_token() {
    let (home, provider) = signed_in_before(|behaviour| behaviour.cache_control = Some("no-store".into()));
    let before = home.saved();
    provider.configure(|behaviour| behaviour.jwks_answer = Some(Answer::html(503, "later")));
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_eq!((finished.code(), provider.count("/token"), home.saved()), (Some(5), 0, before), "{finished:#?}");

    provider.configure(|behaviour| behaviour.jwks_answer = None);
    provider.forget_requests();
    refreshes(&home, &provider, 3, "the refresh token is as good as before");
}

#[test]
#[cfg(unix)]
fn a_cache_that_cannot_be_written_costs_nothing() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    // Permissions would not stop root, who may run the tests.
    fs::write(home.cache().join("kubekey"), "a file where the folder should be").unwrap();
    home.run(&mut home.kubekey_for(&provider)).credential();
    for _ in 0..2 {
        expire(&home, &provider);
        refreshes(&home, &provider, 3, "nothing is cached");
    }
}

#[test]
#[cfg(unix)]
fn a_user_without_a_folder_for_caches_is_served_as_well() {
    let (home, provider) = signed_in_before(|_| {});
    let mut kubekey = home.kubekey_for(&provider);
    home.run(kubekey.env("XDG_CACHE_HOME", "relative").env_remove("HOME")).credential();
    assert_eq!((provider.count_all(), home.browser.urls().len()), (3, 1));
    assert!(!home.path().join("relative").exists(), "nothing is relative to the current folder");
}

#[test]
fn a_token_endpoint_that_has_moved_is_looked_up_and_the_same_refresh_token_sent_there() {
    let (home, provider) = signed_in_before(|_| {});
    let gone = format!("{}/gone", provider.issuer());
    edit_cached(&home, |cached| cached["discovery"]["body"]["token_endpoint"] = gone.into());
    refreshes(&home, &provider, 3, "the old endpoint, the document, the new endpoint");
    assert_eq!((provider.count("/gone"), provider.revoked()), (1, 0));
    expire(&home, &provider);
    refreshes(&home, &provider, 2, "the new endpoint is known, the keys are fetched anew");
}

#[test]
fn a_run_with_a_valid_token_leaves_a_token_endpoint_that_has_moved_to_the_next_one() {
    let (home, provider) = signed_in_before(|_| {});
    let gone = format!("{}/gone", provider.issuer());
    edit_cached(&home, |cached| cached["discovery"]["body"]["token_endpoint"] = gone.into());
    home.edit_saved(|set| {
        set["expires_at"] = (now() + 60).into();
        set["issued_at"] = (now() - 3540).into();
    });
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert_eq!((provider.count("/gone"), provider.count_all()), (1, 1));
    expire(&home, &provider);
    refreshes(&home, &provider, 3, "all is fetched anew");
}

#[test]
fn the_keys_are_there_before_the_user_is_back_from_the_browser() {
    let home = Home::with_keyring(Mode::Note);
    let provider = Provider::start();
    let running = Running::start(&mut home.kubekey_for(&provider));
    let local = home.browser.wait_for_url();
    provider.wait_for("/jwks", 1);
    assert_eq!(provider.count("/authorize"), 0);
    home.browser.open(&local).last();
    running.wait().credential();
    assert_eq!(provider.count("/jwks"), 1);
}

#[test]
fn keys_that_do_not_come_early_are_asked_for_once_more() {
    for (recovers, code, requests) in [(true, 0, 2), (false, 5, 2)] {
        let home = Home::with_keyring(Mode::Note);
        let provider = Provider::start();
        provider.configure(|behaviour| behaviour.jwks_answer = Some(Answer::html(503, "later")));
        let running = Running::start(&mut home.kubekey_for(&provider));
        let local = home.browser.wait_for_url();
        running.wait_for_stderr("/jwks: failed");
        if recovers {
            provider.configure(|behaviour| behaviour.jwks_answer = None);
        }
        home.browser.open(&local);
        let finished = running.wait();
        assert_eq!((finished.code(), provider.count("/jwks")), (Some(code), requests), "{finished:#?}");
    }
}

#[test]
fn a_sign_in_does_not_wait_a_second_time_for_keys_that_do_not_come() {
    let home = Home::with_keyring(Mode::Note);
    let provider = Provider::start();
    let (running, local) = provider.hold("/jwks", || {
        let running = Running::start(&mut home.kubekey_for(&provider));
        let local = home.browser.wait_for_url();
        (running, local)
    });
    let finished = thread::scope(|scope| {
        scope.spawn(|| home.browser.open(&local));
        running.wait_for_stderr("/token: 200");
        // The run waits for its early request, which fails here sooner than after 30 s without a response.
        provider.configure(|behaviour| behaviour.jwks_answer = Some(Answer::html(503, "later")));
        provider.let_go();
        running.wait()
    });
    assert_eq!((finished.code(), provider.count("/jwks")), (Some(5), 1), "{finished:#?}");
    let said = format!("kubekey: {}/jwks returned HTTP 503 Service Unavailable\nhint: ", provider.issuer());
    assert!(finished.stderr.contains(&said), "{finished:#?}");
}

#[test]
fn a_sign_in_starts_from_what_the_provider_says_now() {
    let home = Home::with_keyring(Mode::Follow);
    let mut provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    home.keyring().clear();
    let gone = format!("{}/gone", provider.issuer());
    edit_cached(&home, |cached| cached["discovery"]["body"]["authorization_endpoint"] = gone.into());
    provider.forget_requests();
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert_eq!((provider.count("/gone"), provider.count("/jwks")), (0, 0), "new endpoints, known keys");

    home.keyring().clear();
    provider.stop();
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_eq!(
        (finished.code(), home.browser.urls().len()),
        (Some(5), 2),
        "no browser opens for nothing: {finished:#?}"
    );
}

#[test]
#[cfg(unix)]
fn what_is_learned_with_another_trust_store_is_not_for_other_runs() {
    let (home, provider) = signed_in_before(|_| {});
    expire(&home, &provider);
    fs::remove_dir_all(home.cache()).unwrap();
    provider.forget_requests();
    home.run(home.kubekey_for(&provider).env("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")).credential();
    expire(&home, &provider);
    refreshes(&home, &provider, 3, "nothing of it is used");
}
