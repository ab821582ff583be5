//! `kubekey login` and `kubekey logout`.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;

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
#[cfg(target_os = "linux")]
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

#[test]
fn a_logout_says_that_it_removed_a_sign_in_whichever_storage_that_was_in() {
    for (kept_in, forgotten_with) in [
        ("file", "auto"),
        ("file", "kernel"),
        ("file", "none"),
        ("kernel", "auto"),
        ("kernel", "file"),
        ("keyring", "none"),
    ] {
        if !cfg!(target_os = "linux") && [kept_in, forgotten_with].contains(&"kernel") {
            continue;
        }
        let home = Home::with_keyring(Mode::Follow).store_in(kept_in);
        let provider = Provider::start();
        home.run(&mut home.kubekey_for(&provider)).credential();
        let logout =
            || home.run(home.kubekey_for(&provider).arg(format!("--token-storage={forgotten_with}")).arg("logout"));
        for words in ["the saved sign-in was removed", "no saved sign-in to"] {
            let logout = logout();
            assert_eq!(logout.code(), Some(0), "{logout:#?}");
            assert!(logout.stderr.contains(words), "{kept_in} {forgotten_with}: {logout:#?}");
        }
        home.run(&mut home.kubekey_for(&provider)).credential();
        assert_eq!(home.browser.urls().len(), 2, "{kept_in} {forgotten_with}");
    }
}

#[test]
#[cfg(unix)]
fn a_logout_removes_a_file_that_no_other_run_would_read_and_says_so() {
    let home = Home::new(Mode::Follow).store_in("file");
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    let token = home.files().into_iter().find(|path| path.parent().unwrap().ends_with("tokens")).expect("a token");
    fs::set_permissions(&token, fs::Permissions::from_mode(0o644)).unwrap();
    let logout = home.log_out(&provider);
    assert!(logout.stderr.contains("the saved sign-in was removed") && !token.exists(), "{logout:#?}");
}

#[test]
fn a_logout_revokes_the_refresh_token_where_the_provider_can_and_says_whether_it_did() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    let words = "does not revoke refresh tokens: whoever has a copy can use it until the provider ends the session";
    home.run(&mut home.kubekey_for(&provider)).credential();
    let logout = home.log_out(&provider);
    assert!(logout.code() == Some(0) && logout.stderr.contains(words), "{logout:#?}");

    let (home, mut provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    provider.configure(|behaviour| behaviour.offers_revocation = true);
    home.run(&mut home.kubekey_for(&provider)).credential();
    let logout = home.log_out(&provider);
    assert!(logout.stderr.contains("has revoked the refresh token\n"), "{logout:#?}");
    assert_eq!((logout.code(), provider.revoked()), (Some(0), 1), "{logout:#?}");
    let request = &provider.requests("/revoke")[0];
    assert_eq!(request.param("token_type_hint"), Some("refresh_token"));
    let again = home.log_out(&provider);
    assert!(again.stderr.contains("no saved sign-in") && provider.count("/revoke") == 1, "{again:#?}");

    home.run(&mut home.kubekey_for(&provider)).credential();
    provider.stop();
    let offline = home.log_out(&provider);
    assert_eq!(offline.code(), Some(0), "{offline:#?}");
    assert!(offline.stderr.contains("warning: the refresh token was not revoked, so"), "{offline:#?}");
    assert!(offline.stderr.contains("the saved sign-in was removed"), "{offline:#?}");
    // On Windows the lock stays.
    let is_lock = |file: &std::path::PathBuf| file.extension().is_some_and(|end| end == "lock");
    let mut files = home.files().into_iter().filter(|file| !is_lock(file));
    assert!(files.all(|file| !file.parent().unwrap().ends_with("tokens")), "it is gone here");
}
