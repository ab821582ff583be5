//! A keyring that lets no secret travel as it is.

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::plain_refuser::PlainRefuser;
use crate::support::provider::Provider;

#[test]
fn a_keyring_that_refuses_a_plain_session_is_asked_for_an_encrypted_one() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let refuser = PlainRefuser::start(home.keyring()).unwrap();
    let run = || home.run(home.kubekey_for(&provider).env("DBUS_SESSION_BUS_ADDRESS", refuser.address()));

    let first = run();
    let token = first.token();
    assert!(!first.stderr.contains("warning"), "{first:#?}");
    assert_eq!(home.saved().unwrap()["id_token"], token, "the real keyring got it as it was before the encryption");
    let second = run();
    assert_eq!((second.token(), second.stderr.as_str(), home.browser.urls().len()), (token, "", 1));
    // One session to store it, one to read it.
    assert_eq!(refuser.algorithms(), ["plain", ENCRYPTED, "plain", ENCRYPTED]);
}

const ENCRYPTED: &str = "dh-ietf1024-sha256-aes128-cbc-pkcs7";
