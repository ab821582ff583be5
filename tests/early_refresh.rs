//! A token that is valid and will not be for long.

use chrono::Utc;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
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
fn a_provider_that_never_answers_costs_two_seconds_and_not_the_token() {
    let (home, provider, token) = signed_in_before(60);
    // Without the bound this waits for the whole 30 s of a request, and so for the end of the test's patience.
    provider.configure(|behaviour| behaviour.hold = vec!["/token"]);
    assert_eq!(home.run(&mut home.kubekey_for(&provider)).token(), token);
    assert_eq!(home.browser.urls().len(), 1);
}
