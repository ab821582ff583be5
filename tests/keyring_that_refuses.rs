//! A keyring that refuses some calls, loses items, is slow, or goes away.

use serde_json::Value;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::keyring_relay::{End, Fault, KeyringRelay};
use crate::support::provider::Provider;
use crate::support::run::Finished;

#[test]
fn a_keyring_that_refuses_a_plain_session_is_asked_for_an_encrypted_one() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let relay = KeyringRelay::start(home.keyring(), Fault::RefusesPlainSessions).unwrap();
    let run = || home.run(home.kubekey_for(&provider).env("DBUS_SESSION_BUS_ADDRESS", relay.address()));

    let first = run();
    let token = first.token();
    assert!(!first.stderr.contains("warning"), "{first:#?}");
    assert_eq!(home.saved().unwrap()["id_token"], token, "the real keyring got it as it was before the encryption");
    let second = run();
    assert_eq!((second.token(), second.stderr.as_str(), home.browser.urls().len()), (token, "", 1));
    // One session to save it, one to read it.
    let sessions: Vec<_> = relay.calls().into_iter().filter(|call| call.starts_with("OpenSession")).collect();
    assert_eq!(sessions, [PLAIN, ENCRYPTED, PLAIN, ENCRYPTED]);
}

#[test]
fn a_call_that_gnome_keyring_does_not_know_for_once_is_made_again() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let token = home.run(&mut home.kubekey_for(&provider)).token();

    let relay = KeyringRelay::start(home.keyring(), Fault::RefusesFirst("SearchItems")).unwrap();
    let finished = home.run(home.kubekey_for(&provider).env("DBUS_SESSION_BUS_ADDRESS", relay.address()));
    assert_eq!((finished.token(), finished.stderr.as_str(), home.browser.urls().len()), (token, "", 1));
    assert_eq!(relay.calls(), ["Ping", "Get", "SearchItems", "SearchItems", PLAIN, "GetSecret"]);
}

/// A first run with a keyring that has this fault: its sign-in must be saved. Returns what the keyring has of it; what
/// was saved elsewhere is removed.
fn signed_in_at(fault: Fault) -> (Home, Finished, Option<Value>) {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let relay = KeyringRelay::start(home.keyring(), fault).unwrap();
    let finished = home.run(home.kubekey_for(&provider).env("DBUS_SESSION_BUS_ADDRESS", relay.address()));
    let saved = home.saved();
    home.log_out(&provider);
    (home, finished, saved)
}

#[test]
fn a_keyring_that_does_not_keep_what_it_accepted_is_told_of() {
    let (_, finished, saved) = signed_in_at(Fault::KeepsNothing);
    finished.credential();
    assert!(finished.stderr.contains("accepted the sign-in but did not save it"), "{finished:#?}");
    assert_eq!(saved, None);
}

#[test]
fn a_prompt_that_is_never_completed_is_waited_for_only_so_long() {
    let (_, finished, _) = signed_in_at(Fault::Prompts("CreateItem", End::Never));
    finished.credential();
    assert!(finished.stderr.contains("the keyring did not finish its prompt within 5 s"), "{finished:#?}");
}

#[test]
fn a_keyring_that_goes_while_its_prompt_is_open_is_told_of() {
    let (_, finished, _) = signed_in_at(Fault::Prompts("CreateItem", End::Vanishes));
    finished.credential();
    assert!(finished.log.contains("trying again (the keyring ended while its prompt was open)"), "{finished:#?}");
}

#[test]
fn a_keyring_that_goes_while_it_is_called_is_not_waited_for() {
    let (home, finished, _) = signed_in_at(Fault::EndsAt("SearchItems"));
    assert_eq!((finished.code(), home.browser.urls().len()), (Some(6), 0), "{finished:#?}");
    assert!(finished.stderr.contains("the keyring ended before it responded"), "{finished:#?}");
}

#[test]
fn a_new_item_that_nobody_answers_for_is_waited_for_only_so_long() {
    let (_, finished, _) = signed_in_at(Fault::Ignores("CreateItem"));
    finished.credential();
    assert!(finished.stderr.contains("the keyring did not respond within 5."), "{finished:#?}");
}

#[test]
fn a_slow_keyring_is_waited_for_until_five_seconds_are_over() {
    let (home, finished, _) = signed_in_at(Fault::IsSlow);
    assert_eq!((finished.code(), home.browser.urls().len()), (Some(6), 0), "{finished:#?}");
    assert!(finished.stderr.contains("its responses took more than 5 s"), "{finished:#?}");
}

#[test]
fn a_slow_keyring_is_read_if_it_answers_in_time() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let token = home.run(&mut home.kubekey_for(&provider)).token();
    let relay = KeyringRelay::start(home.keyring(), Fault::IsSlow).unwrap();
    let finished = home.run(home.kubekey_for(&provider).env("DBUS_SESSION_BUS_ADDRESS", relay.address()));
    assert_eq!((finished.token(), home.browser.urls().len()), (token, 1));
}

const PLAIN: &str = "OpenSession plain";
const ENCRYPTED: &str = "OpenSession dh-ietf1024-sha256-aes128-cbc-pkcs7";
