//! A token that is still valid but expires soon.

use std::time::Duration;

use chrono::Utc;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::edit;
use crate::support::provider::server::Answer;
use crate::support::run::Running;

/// A user whose token has this many seconds left of its hour.
fn signed_in_before(left: i64) -> (Home, Provider, String) {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let token = home.run(&mut home.kubekey_for(&provider)).token();
    let now = Utc::now().timestamp();
    home.edit_saved(|set| {
        set["expires_at"] = (now + left).into();
        set["issued_at"] = (now + left - 3600).into();
    });
    provider.forget_requests();
    (home, provider, token)
}

#[test]
fn with_a_twentieth_of_its_life_left_it_is_refreshed() {
    let (home, provider, token) = signed_in_before(170);
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_ne!(finished.token(), token);
    assert_eq!((finished.stderr.as_str(), home.browser.urls().len(), provider.count("/token")), ("", 1, 1));
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert_eq!(provider.count("/token"), 1, "the new one is not due");
}

#[test]
fn with_a_sixth_of_its_life_left_it_is_not() {
    let (home, provider, token) = signed_in_before(600);
    assert_eq!(home.run(&mut home.kubekey_for(&provider)).token(), token);
    assert_eq!(provider.count_all(), 0);
}

#[test]
fn without_a_refresh_token_it_is_used_to_its_end() {
    let (home, provider, token) = signed_in_before(60);
    home.edit_saved(|set| {
        set.as_object_mut().unwrap().remove("refresh_token");
        set["is_renewable"] = false.into();
    });
    assert_eq!(home.run(&mut home.kubekey_for(&provider)).token(), token);
    assert_eq!(provider.count_all(), 0);
}

#[test]
fn in_front_of_a_keyring_the_kernel_knows_that_there_is_one() {
    let home = Home::with_keyring(Mode::Follow).store_in("auto");
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.lifetime = 65);
    let token = home.run(&mut home.kubekey_for(&provider)).token();
    provider.configure(|behaviour| behaviour.lifetime = 3600);
    assert_ne!(home.run(&mut home.kubekey_for(&provider)).token(), token);
    assert_eq!(home.browser.urls().len(), 1);
    home.log_out(&provider);
}

#[test]
#[cfg(target_os = "linux")]
fn a_locked_keyring_leaves_the_valid_token_and_is_remembered() {
    let home = Home::with_keyring(Mode::Follow).store_in("auto");
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.lifetime = 65);
    let token = home.run(&mut home.kubekey_for(&provider)).token();
    home.keyring().lock();
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_eq!((finished.token(), finished.stderr.as_str()), (token, ""));
    home.edit_state(|state| assert!(state["refresh_failed_at"].as_i64() > Some(0), "{state}"));
    home.keyring().unlock();
    home.log_out(&provider);
}

#[test]
fn one_process_tries_and_the_others_print_the_valid_token() {
    let (home, provider, token) = signed_in_before(60);
    provider.configure(|behaviour| behaviour.hold = vec!["/token"]);
    let first = Running::start(&mut home.kubekey_for(&provider));
    provider.wait_for("/token", 1);
    let second = home.run(&mut home.kubekey_for(&provider));
    assert_eq!((second.token(), second.stderr.as_str()), (token.clone(), ""));
    provider.configure(|behaviour| behaviour.hold = vec![]);
    assert_ne!(first.wait().token(), token);
    assert_eq!(provider.count("/token"), 1);
}

#[test]
fn a_failure_leaves_the_valid_token_and_is_remembered_for_a_minute() {
    let (home, provider, token) = signed_in_before(60);
    provider.configure(|behaviour| behaviour.refresh_answer = Some(Answer::html(503, "down")));
    for _ in 0..2 {
        let finished = home.run(&mut home.kubekey_for(&provider));
        assert_eq!((finished.token(), finished.stderr.as_str()), (token.clone(), ""));
    }
    assert_eq!(provider.count("/token"), 1);
    home.edit_state(|state| state["refresh_failed_at"] = (Utc::now().timestamp() - 60).into());
    provider.configure(|behaviour| behaviour.refresh_answer = None);
    assert_ne!(home.run(&mut home.kubekey_for(&provider)).token(), token);
}

#[test]
fn a_provider_that_takes_its_time_is_awaited_and_then_left_alone_for_a_day() {
    let (home, provider, token) = signed_in_before(60);
    // Too long for a user who waits for kubectl, and long enough to be cut off by a limit on the whole refresh.
    provider.configure(|behaviour| behaviour.token_delay = Duration::from_millis(2500));
    let renewed = home.run(&mut home.kubekey_for(&provider)).token();
    assert_ne!(renewed, token);
    assert_eq!(home.saved().unwrap()["id_token"], renewed, "what came is kept");

    let make_due = || {
        let now = Utc::now().timestamp();
        home.edit_saved(|set| {
            set["expires_at"] = (now + 60).into();
            set["issued_at"] = (now - 3540).into();
        });
    };
    make_due();
    assert_eq!(home.run(&mut home.kubekey_for(&provider)).token(), renewed);
    assert_eq!(provider.count("/token"), 1, "it is not asked again");
    home.edit_state(|state| state["slow_at"] = (Utc::now().timestamp() - 24 * 60 * 60).into());
    assert_ne!(home.run(&mut home.kubekey_for(&provider)).token(), renewed);
    assert_eq!((provider.count("/token"), provider.revoked(), home.browser.urls().len()), (2, 0, 1));
}

#[test]
fn a_provider_that_is_not_even_ready_costs_two_seconds_and_not_the_token() {
    let (home, provider, token) = signed_in_before(60);
    // Without the limit this waits for the whole 30 s of a request, which is longer than the test waits.
    provider.configure(|behaviour| behaviour.hold = vec!["/jwks"]);
    std::fs::remove_dir_all(home.cache().join("kubekey")).unwrap();
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_eq!((finished.token(), finished.stderr.as_str()), (token, ""));
    assert!(finished.log.contains("refresh: not early (the provider was not ready within 2 s)"), "{finished:#?}");
    assert_eq!((provider.count("/token"), home.browser.urls().len()), (0, 1));
}

#[test]
#[cfg(unix)]
fn a_provider_whose_refresh_gives_no_id_token_is_left_alone_until_the_token_has_expired() {
    let (home, provider, token) = signed_in_before(60);
    let refresh_token = || home.saved().unwrap()["refresh_token"].clone();
    let before = refresh_token();
    provider.configure(|behaviour| {
        behaviour.token_response = edit(|response| drop(response.remove("id_token")));
        behaviour.refusal = Some(("access_denied".into(), "not now".into()));
    });
    for _ in 0..2 {
        let finished = home.run(&mut home.kubekey_for(&provider));
        assert_eq!((finished.token(), finished.stderr.as_str()), (token.clone(), ""));
        // As if the pause after a failure were over.
        home.edit_state(|state| state["refresh_failed_at"] = 0.into());
        assert_eq!(provider.count("/token"), 1);
        assert_ne!(refresh_token(), before, "what rotated is kept");
    }
    home.edit_saved(|set| set["expires_at"] = 1.into());
    assert_eq!(home.run(&mut home.kubekey_for(&provider)).code(), Some(3));
    assert_eq!(provider.count("/token"), 2, "once it has expired the provider is asked");

    std::fs::remove_dir_all(home.runtime().join("kubekey")).unwrap();
    provider.configure(|behaviour| behaviour.token_response = None);
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert_eq!((provider.count("/token"), provider.revoked(), home.browser.urls().len()), (3, 0, 2));
    let now = Utc::now().timestamp();
    home.edit_saved(|set| {
        set["expires_at"] = (now + 60).into();
        set["issued_at"] = (now - 3540).into();
    });
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert_eq!(provider.count("/token"), 4, "a provider that gives one again is asked early again");
}
