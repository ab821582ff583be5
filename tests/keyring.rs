//! The keyring, and what happens without one.

use serde_json::json;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::keyring::Keyring;
use crate::support::provider::Provider;
use crate::support::provider::server::Answer;
use crate::support::run::Running;

#[test]
fn an_item_can_be_told_by_a_person() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    let attributes = home.keyring().attributes().remove(0);
    let (issuer, client_id) = (provider.issuer(), provider.client_id());
    for (name, value) in [("service", "kubekey"), ("client_id", &client_id), ("issuer", &issuer)] {
        assert_eq!(attributes[name], value);
    }
}

#[test]
fn a_session_bus_without_a_keyring_is_told_from_no_bus() {
    let provider = Provider::start();
    let mut home = Home::with_keyring(Mode::Follow);
    home.keyring_mut().kill();
    for (home, why) in [
        (home, "no keyring (gnome-keyring, KWallet, KeePassXC) is running"),
        (Home::new(Mode::Follow).store_in("keyring"), "no D-Bus session bus"),
    ] {
        let finished = home.run(&mut home.kubekey_for(&provider));
        assert_eq!((finished.code(), home.browser.urls().len()), (Some(6), 0), "{finished:#?}");
        assert!(finished.stderr.contains(why) && finished.stderr.contains("hint: "), "{finished:#?}");
    }
}

#[test]
fn a_keyring_or_a_bus_that_never_answers_is_waited_for_only_so_long() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    for (pause, resume) in
        [(Keyring::pause as fn(&Keyring), Keyring::resume as fn(&Keyring)), (Keyring::pause_bus, Keyring::resume_bus)]
    {
        pause(home.keyring());
        let finished = home.run(&mut home.kubekey_for(&provider));
        resume(home.keyring());
        assert_eq!((finished.code(), home.browser.urls().len()), (Some(6), 0), "{finished:#?}");
        assert!(finished.stderr.contains("the keyring did not respond within 1"), "{finished:#?}");
    }
}

#[test]
fn a_keyring_that_was_busy_is_asked_again_before_a_browser_opens() {
    let home = Home::with_keyring(Mode::Note).store_in("auto");
    let provider = Provider::start();
    let first = Running::start(&mut home.kubekey_for(&provider));
    let local = home.browser.wait_for_url();
    home.keyring().pause();
    let second = Running::start(&mut home.kubekey_for(&provider));
    // It has given up on the keyring, and waits for the lock.
    second.wait_for_stderr("waiting for another kubekey");
    home.keyring().resume();
    home.browser.open(&local).last();
    assert_eq!(first.wait().token(), second.wait().token());
    assert_eq!(home.browser.urls().len(), 1);
    home.log_out(&provider);
}

#[test]
fn a_locked_keyring_without_a_screen_to_ask_on_is_named() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let token = home.run(&mut home.kubekey_for(&provider)).token();
    home.keyring().lock();
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_eq!((finished.code(), finished.stdout.as_str(), home.browser.urls().len()), (Some(6), "", 1));
    assert!(
        finished.stderr.contains("the keyring is locked")
            && finished.stderr.contains("hint: unlock the keyring on the desktop"),
        "{finished:#?}"
    );

    home.keyring().unlock();
    assert_eq!(home.run(&mut home.kubekey_for(&provider)).token(), token);
}

#[test]
fn what_was_saved_and_cannot_be_read_is_replaced_by_a_new_sign_in() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    home.keyring().replace("not what kubekey wrote");
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_eq!(home.saved().unwrap()["id_token"], finished.token());
    assert_eq!(home.browser.urls().len(), 2);
}

#[test]
fn an_old_item_in_another_collection_does_not_hide_the_new_one() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    home.edit_saved(|set| set["expires_at"] = 1.into());
    let old = home.saved().unwrap().to_string();
    home.keyring().copy_elsewhere(&old);
    assert_eq!(home.keyring().secrets().len(), 2);
    let token = home.run(&mut home.kubekey_for(&provider)).token();
    assert_eq!(home.saved().unwrap()["id_token"], token, "and there is only one again");
    assert_eq!(home.run(&mut home.kubekey_for(&provider)).token(), token);
}

#[test]
fn a_token_of_64_kib_with_600_groups_is_kept_whole() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let groups: Vec<_> = (0..600).map(|number| format!("{number:04}-{}", "g".repeat(75))).collect();
    provider.configure(|behaviour| {
        behaviour.claims = crate::support::provider::behaviour::edit(move |claims| {
            claims.insert("groups".into(), json!(groups));
        });
    });
    let token = home.run(&mut home.kubekey_for(&provider)).token();
    assert!(token.len() > 64 * 1024, "{}", token.len());
    assert_eq!(home.run(&mut home.kubekey_for(&provider)).token(), token);
    assert_eq!(home.browser.urls().len(), 1);
}

#[test]
fn no_secret_reaches_the_terminal() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let body = json!({ "access_token": "canary-access", "token_type": "Bearer", "expires_in": "canary-expires",
        "refresh_token": "canary-refresh", "id_token": "canary-id" });
    provider.configure(|behaviour| {
        behaviour.client_secret = Some("canary-secret".into());
        behaviour.code_answer = Some(Answer::json(200, &body));
    });
    let finished = home.run(home.kubekey_for(&provider).env("KUBEKEY_CLIENT_SECRET", "canary-secret"));
    assert_eq!((finished.code(), finished.stderr.contains("canary")), (Some(3), false), "{finished:#?}");
}

#[test]
fn a_session_bus_elsewhere_or_behind_a_program_is_not_used() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let mark = home.path().join("mark");
    let program = format!("unixexec:path=/usr/bin/touch,argv1={}", mark.display());
    for address in [
        "tcp:host=127.0.0.1,port=1",
        program.as_str(),
        &format!("{};tcp:host=127.0.0.1,port=1", home.keyring().address()),
    ] {
        let finished = home.run(home.kubekey_for(&provider).env("DBUS_SESSION_BUS_ADDRESS", address));
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(6), ""), "{address}: {finished:#?}");
        assert!(finished.stderr.contains("is not a socket that you own on this machine"), "{finished:#?}");
    }
    assert_eq!((mark.exists(), home.browser.urls().len()), (false, 0));
}

#[test]
fn the_session_bus_of_another_user_is_not_used() {
    if !rustix::process::geteuid().is_root() {
        return; // Nobody else can make one here.
    }
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    std::os::unix::fs::chown(home.path().join("bus"), Some(4711), None).unwrap();
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_eq!((finished.code(), home.browser.urls().len()), (Some(6), 0), "{finished:#?}");
    assert!(finished.stderr.contains("is not a socket that you own"), "{finished:#?}");
    // If there are two paths, one would be checked and the other used.
    let mut kubekey = home.kubekey_for(&provider);
    let bus = home.path().join("bus");
    kubekey.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path=/nowhere,path={}", bus.display()));
    let finished = home.run(&mut kubekey);
    assert!(finished.code() == Some(6) && finished.stderr.contains("is not a socket that you own"), "{finished:#?}");
}
