//! `kubekey login` and `kubekey logout`.

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;

#[test]
fn a_login_signs_in_anew_and_prints_nothing_on_stdout() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let first = home.run(&mut home.kubekey_for(&provider)).token();
    let login = home.run(home.kubekey_for(&provider).arg("login"));
    assert_eq!((login.code(), login.stdout.as_str(), home.browser.urls().len()), (Some(0), "", 2), "{login:#?}");
    assert!(login.stderr.contains("signed in as Jane Doe, with a token that is valid until"), "{login:#?}");
    assert_ne!(home.run(&mut home.kubekey_for(&provider)).token(), first);
    assert_eq!(home.browser.urls().len(), 2);
}

#[test]
fn a_login_that_fails_leaves_what_was_saved() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let token = home.run(&mut home.kubekey_for(&provider)).token();
    provider.configure(|behaviour| behaviour.refusal = Some(("access_denied".into(), "not you".into())));
    assert_eq!(home.run(home.kubekey_for(&provider).arg("login")).code(), Some(3));
    assert_eq!(home.run(&mut home.kubekey_for(&provider)).token(), token);
}

#[test]
fn a_logout_forgets_this_sign_in_and_no_other() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    home.run(home.kubekey_for(&provider).args(["--scope", "groups"])).credential();
    let logout = home.log_out(&provider);
    assert_eq!((logout.code(), logout.stdout.as_str()), (Some(0), ""), "{logout:#?}");
    assert_eq!(home.keyring().secrets().len(), 1);
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert_eq!(home.browser.urls().len(), 3);
    assert_eq!(home.log_out(&provider).code(), Some(0));
    assert_eq!(home.log_out(&provider).code(), Some(0), "nothing to forget is as good");
}

#[test]
fn a_logout_that_cannot_reach_the_keyring_says_what_may_be_left() {
    let home = Home::with_keyring(Mode::Follow).store_in("auto");
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    home.keyring().pause();
    let logout = home.log_out(&provider);
    home.keyring().resume();
    assert_eq!(logout.code(), Some(6), "{logout:#?}");
    assert!(logout.stderr.contains("may still be in the keyring"), "{logout:#?}");
    assert_eq!(home.log_out(&provider).code(), Some(0));
    assert_eq!(home.saved(), None);
}
