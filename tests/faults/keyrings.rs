//! Keyrings that stop, die or refuse while a run holds the tokens.

use std::time::Duration;

use super::{User, tries};
use crate::support::run::{Finished, Running};

/// Sends a refresh, and changes the keyring before the response arrives.
fn refreshed_while(user: &mut User, change: impl FnOnce(&mut User)) -> Finished {
    let running = user.provider.hold("/token", || Running::start(&mut user.kubekey()));
    change(user);
    user.provider.let_go();
    let finished = running.wait();
    finished.credential();
    finished
}

#[test]
fn a_keyring_that_stops_for_some_seconds_is_waited_for() {
    for storage in ["keyring", "auto"] {
        let mut user = User::new(storage);
        for _ in 0..tries(1, 20) {
            let finished = refreshed_while(&mut user, |user| {
                user.home.keyring().pause();
                let resume = user.home.keyring().resumer();
                // The fault lasts this long.
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_secs(3));
                    resume();
                });
            });
            assert_eq!(finished.stderr, "", "{storage}");
            user.try_again();
        }
        user.assert_nothing_lost(&format!("a keyring that stops, {storage}"));
    }
}

#[test]
fn what_a_keyring_that_died_cannot_take_is_parked_and_moved_when_it_is_back() {
    for storage in ["keyring", "auto"] {
        let mut user = User::new(storage);
        for _ in 0..tries(1, 20) {
            let finished = refreshed_while(&mut user, |user| user.home.keyring_mut().kill());
            assert!(finished.stderr.contains("until it can, it is held in the kernel"), "{finished:#?}");
            // It is used from there as long as the keyring is away.
            let away = user.try_again();
            assert!(!away.stderr.contains("kept now"), "{away:#?}");
            user.home.start_keyring_again(true);
            let back = user.try_again();
            assert!(back.stderr.contains("could not be saved before is now saved (keyring)"), "{back:#?}");
            assert_eq!(user.try_again().stderr, "");
            assert_eq!(user.home.keyring().secrets().len(), 1);
        }
        user.assert_nothing_lost(&format!("a keyring that dies, {storage}"));
    }
}

#[test]
fn what_a_keyring_refuses_is_parked() {
    let mut user = User::new("keyring");
    let finished = refreshed_while(&mut user, |user| user.home.keyring().refuse_new_items());
    assert!(finished.stderr.contains("does not let kubekey use the keyring (access denied)"), "{finished:#?}");
    assert!(finished.stderr.contains("until it can, it is held in the kernel"), "{finished:#?}");
    assert_eq!(user.home.saved(), None, "a spent refresh token that comes again is a stolen one to the provider");
    user.try_again();
    user.try_again();
    user.assert_nothing_lost("a keyring that refuses");
}

#[test]
fn what_a_locked_keyring_cannot_take_is_parked() {
    let mut user = User::new("keyring");
    for _ in 0..tries(1, 20) {
        let finished = refreshed_while(&mut user, |user| user.home.keyring().lock());
        assert!(finished.stderr.contains("until it can, it is held in the kernel"), "{finished:#?}");
        user.home.keyring().unlock();
        let next = user.try_again();
        assert!(next.stderr.contains("could not be saved before is now saved (keyring)"), "{next:#?}");
    }
    user.assert_nothing_lost("a keyring that is locked");
}
