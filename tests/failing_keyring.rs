//! A keyring that breaks its protocol, and one whose prompts nobody answers or somebody dismisses: what is said, and that
//! the sign-in is still there.

use std::path::Path;
use std::process::Command;

use crate::support::browser::Mode;
use crate::support::etc::after_mounting;
use crate::support::home::Home;
use crate::support::keyring_relay::{End, Fault, KeyringRelay};
use crate::support::provider::Provider;
use crate::support::run::{Finished, Running};

const START: &str = "hint: start the keyring or log in to the desktop; 'kubekey login' with the same settings signs in without \
                     the saved sign-in\n";
const UNLOCK: &str = "hint: unlock the keyring on the desktop, or gnome-keyring from here (";

/// A user who has signed in.
struct User {
    home: Home,
    provider: Provider,
}

impl User {
    fn new() -> Self {
        let user = User { home: Home::with_keyring(Mode::Follow), provider: Provider::start() };
        user.home.run(&mut user.kubekey()).credential();
        user
    }

    fn kubekey(&self) -> Command {
        self.home.kubekey_for(&self.provider)
    }

    /// A run whose keyring has this fault, without a screen for its prompts. It must fail, and lose nothing.
    fn fails(&self, fault: Fault, words: &[&str]) -> Finished {
        let saved = self.home.saved();
        let relay = KeyringRelay::start(self.home.keyring(), fault).unwrap();
        let mut kubekey = self.kubekey();
        kubekey.args(words).env("DBUS_SESSION_BUS_ADDRESS", relay.address()).env_remove("DISPLAY");
        let finished = self.home.run(&mut kubekey);
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(6), ""), "{finished:#?}");
        assert_eq!((self.home.browser.urls().len(), self.home.saved()), (1, saved), "{finished:#?}");
        finished
    }
}

#[track_caller]
fn assert_says(finished: &Finished, message: &str, hint: &str) {
    let is_said = finished.stderr.contains(message) && finished.stderr.contains(hint);
    assert!(is_said, "{message}\n{hint}: {finished:#?}");
}

#[test]
fn what_a_keyring_answers_instead_is_named_and_the_sign_in_stays() {
    let user = User::new();
    for (fault, why) in [
        (Fault::Babbles("SearchItems"), "the keyring's response cannot be read: "),
        (Fault::Fails("SearchItems", "org.freedesktop.Secret.Error.NoSession"), "the keyring failed: refused\n"),
        (Fault::Fails("GetSecret", "org.freedesktop.DBus.Error.LimitsExceeded"), "the keyring failed: refused\n"),
    ] {
        let finished = user.fails(fault, &[]);
        let message = format!("kubekey: the saved sign-in is in the keyring, which is not available: {why}");
        assert_says(&finished, &message, START);
    }
    assert_eq!(user.home.run(&mut user.kubekey()).stderr, "");
    assert_eq!(user.home.browser.urls().len(), 1);
}

#[test]
fn a_keyring_that_stays_locked_is_to_be_unlocked() {
    let user = User::new();
    user.home.keyring().lock();
    let relay = KeyringRelay::start(user.home.keyring(), Fault::StaysLocked).unwrap();
    let mut kubekey = user.kubekey();
    kubekey.env("DISPLAY", ":0").env("DBUS_SESSION_BUS_ADDRESS", relay.address());
    let finished = user.home.run(&mut kubekey);
    assert_eq!(finished.code(), Some(6), "{finished:#?}");
    assert_says(&finished, "kubekey: a sign-in cannot be read or saved: the keyring is still locked", UNLOCK);
    user.home.keyring().unlock();
    user.home.run(&mut user.kubekey()).credential();
    assert_eq!(user.home.browser.urls().len(), 1);
}

#[test]
fn a_keyring_that_is_locked_during_the_sign_in_is_waited_for_only_so_long() {
    let (home, provider) = (Home::with_keyring(Mode::Note), Provider::start());
    let relay = KeyringRelay::start(home.keyring(), Fault::Prompts("Unlock", End::Never)).unwrap();
    let mut kubekey = home.kubekey_for(&provider);
    let running = Running::start(kubekey.env("DISPLAY", ":0").env("DBUS_SESSION_BUS_ADDRESS", relay.address()));
    let local = home.browser.wait_for_url();
    home.keyring().lock();
    home.browser.open(&local).last();
    let finished = running.wait();
    let message = "this sign-in cannot be saved: the keyring is locked and was not unlocked within ";
    assert_says(&finished, message, "; until it can, it is held ");
    home.keyring().unlock();
    assert_eq!(home.run(&mut home.kubekey_for(&provider)).token(), finished.token());
    assert_eq!((home.browser.urls().len(), home.saved().is_some()), (1, true));
}

#[test]
fn a_sign_in_that_a_person_does_not_let_the_keyring_take_is_held_elsewhere() {
    let (home, provider) = (Home::with_keyring(Mode::Follow), Provider::start());
    let relay = KeyringRelay::start(home.keyring(), Fault::Prompts("CreateItem", End::Dismissed)).unwrap();
    let finished = home.run(home.kubekey_for(&provider).env("DBUS_SESSION_BUS_ADDRESS", relay.address()));
    let message = "this sign-in cannot be saved: the keyring refused the sign-in; until it can, it is held ";
    assert_says(&finished, message, "");
    assert_eq!(home.saved(), None);
    assert_eq!(home.run(&mut home.kubekey_for(&provider)).token(), finished.token());
    assert_eq!((home.browser.urls().len(), home.saved().is_some()), (1, true));
}

#[test]
fn a_removal_that_nobody_confirms_is_an_error_and_the_next_logout_is_asked_again() {
    let user = User::new();
    for (end, outcome) in [(End::Dismissed, "was dismissed"), (End::Never, "was not answered")] {
        let finished = user.fails(Fault::Prompts("Delete", end), &["logout"]);
        let message = format!(
            "kubekey: the saved sign-in may still be in the keyring: the keyring's prompt to remove the sign-in {outcome}\n"
        );
        assert_says(&finished, &message, "hint: run the command again and allow access\n");
    }
    let removed = user.home.log_out(&user.provider);
    assert_eq!((removed.code(), user.home.saved()), (Some(0), None), "{removed:#?}");
}

#[test]
fn doctor_tells_a_keyring_that_loses_an_item_from_one_that_changes_it() {
    for (fault, why) in
        [(Fault::Loses, "it did not keep what was saved"), (Fault::Changes, "it returned another value than was saved")]
    {
        let (home, provider) = (Home::with_keyring(Mode::Absent), Provider::start());
        let relay = KeyringRelay::start(home.keyring(), fault).unwrap();
        let mut doctor = home.kubekey_for(&provider);
        let finished = home.run(doctor.arg("doctor").env("DBUS_SESSION_BUS_ADDRESS", relay.address()));
        let found = format!("error    keyring       {why}\n");
        assert!(finished.stdout.contains(&found), "{finished:#?}");
        assert!(finished.stdout.contains("-> unlock or start it, or give another --token-storage\n"), "{finished:#?}");
    }
}

#[test]
fn the_bus_in_the_sessions_folder_is_not_used_if_it_is_another_users() {
    let user = User::new();
    let bus = user.home.runtime().join("bus");
    if rustix::process::geteuid().is_root() {
        std::fs::write(&bus, "").unwrap();
        std::os::unix::fs::chown(&bus, Some(4711), None).unwrap();
    } else {
        // In the user namespace below, root's files are nobody's.
        std::os::unix::fs::symlink("/bin/sh", &bus).unwrap();
    }
    let mut kubekey = user.kubekey();
    kubekey.env_remove("DBUS_SESSION_BUS_ADDRESS");
    let finished = user.home.run(&mut after_mounting("true", Path::new("sh"), &kubekey));
    assert_eq!((finished.code(), user.home.browser.urls().len()), (Some(6), 1), "{finished:#?}");
    assert_says(&finished, "not available: the D-Bus session bus belongs to another user\n", START);
}
