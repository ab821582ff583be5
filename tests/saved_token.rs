//! The warm path: the saved token is printed, and nothing else happens.

use std::fs;
use std::process::Command;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;

#[test]
fn a_saved_token_is_printed_with_the_provider_stopped() {
    let home = Home::with_keyring(Mode::Follow);
    let mut provider = Provider::start();
    let first = home.run(&mut home.kubekey_for(&provider)).token();
    provider.stop();
    provider.forget_requests();

    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_eq!((finished.token(), finished.stderr.as_str()), (first, ""));
    assert_eq!((provider.count_all(), home.browser.urls().len()), (0, 1));
}

#[test]
fn a_warm_run_takes_no_lock_and_writes_no_file() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    let locks = home.runtime().join("kubekey");
    fs::remove_dir_all(&locks).unwrap();

    home.run(&mut home.kubekey_for(&provider)).credential();
    assert!(!locks.exists());
}

#[test]
fn a_token_that_is_about_to_expire_is_not_printed() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let first = home.run(&mut home.kubekey_for(&provider)).token();
    home.edit_saved(|set| set["expires_at"] = (chrono::Utc::now().timestamp() + 5).into());
    assert_ne!(home.run(&mut home.kubekey_for(&provider)).token(), first);
}

#[test]
fn another_client_issuer_or_scope_is_another_credential() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    home.run(home.kubekey_for(&provider).args(["--scope", "groups"])).credential();
    assert_eq!(home.browser.urls().len(), 2);
    assert_eq!(home.keyring().secrets().len(), 2);
}

#[test]
#[cfg(unix)]
fn a_warm_run_does_not_even_look_at_the_cached_metadata() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    let mut files = fs::read_dir(home.cache().join("kubekey")).unwrap();
    let file = files.next().unwrap().unwrap().path();
    fs::remove_file(&file).unwrap();
    // A reader that opens this waits forever.
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    home.run(&mut home.kubekey_for(&provider)).credential();
}
