//! A keyring that answers some calls with a refusal.

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::keyring_relay::{KeyringRelay, Refusal};
use crate::support::provider::Provider;

#[test]
fn a_keyring_that_refuses_a_plain_session_is_asked_for_an_encrypted_one() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let relay = KeyringRelay::start(home.keyring(), Refusal::PlainSessions).unwrap();
    let run = || home.run(home.kubekey_for(&provider).env("DBUS_SESSION_BUS_ADDRESS", relay.address()));

    let first = run();
    let token = first.token();
    assert!(!first.stderr.contains("warning"), "{first:#?}");
    assert_eq!(home.saved().unwrap()["id_token"], token, "the real keyring got it as it was before the encryption");
    let second = run();
    assert_eq!((second.token(), second.stderr.as_str(), home.browser.urls().len()), (token, "", 1));
    // One session to store it, one to read it.
    let sessions: Vec<_> = relay.calls().into_iter().filter(|call| call.starts_with("OpenSession")).collect();
    assert_eq!(sessions, [PLAIN, ENCRYPTED, PLAIN, ENCRYPTED]);
}

#[test]
fn a_call_that_gnome_keyring_does_not_know_for_once_is_made_again() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let token = home.run(&mut home.kubekey_for(&provider)).token();

    let relay = KeyringRelay::start(home.keyring(), Refusal::FirstCallOf("SearchItems")).unwrap();
    let finished = home.run(home.kubekey_for(&provider).env("DBUS_SESSION_BUS_ADDRESS", relay.address()));
    assert_eq!((finished.token(), finished.stderr.as_str(), home.browser.urls().len()), (token, "", 1));
    assert_eq!(relay.calls(), ["Ping", "SearchItems", "SearchItems", PLAIN, "GetSecret"]);
}

const PLAIN: &str = "OpenSession plain";
const ENCRYPTED: &str = "OpenSession dh-ietf1024-sha256-aes128-cbc-pkcs7";
