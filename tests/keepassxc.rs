//! KeePassXC as the keyring: it creates items only behind a prompt, and a search waits until the user has unlocked it.

use std::process::Command;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::keepassxc::KeePassXc;
use crate::support::kernel;
use crate::support::provider::Provider;
use crate::support::run::{Finished, Running};

/// A user with an unlocked, empty KeePassXC.
struct User {
    home: Home,
    provider: Provider,
    keepassxc: KeePassXc,
}

impl User {
    fn new(storage: &'static str) -> Self {
        let keepassxc = KeePassXc::start().expect("dbus-daemon, Xvfb, xdotool and keepassxc");
        User { home: Home::new(Mode::Follow).store_in(storage), provider: Provider::start(), keepassxc }
    }

    /// A user who has signed in.
    fn signed_in(storage: &'static str) -> (Self, String) {
        let user = Self::new(storage);
        let finished = user.run();
        assert!(!finished.stderr.contains("warning"), "{finished:#?}");
        let token = finished.token();
        (user, token)
    }

    /// `kubekey` on that bus, without a screen.
    fn kubekey(&self) -> Command {
        let mut command = self.home.kubekey_for(&self.provider);
        command.env("DBUS_SESSION_BUS_ADDRESS", self.keepassxc.desktop.address());
        command.env_remove("DISPLAY").env("BROWSER", "xdg-open");
        command
    }

    fn run(&self) -> Finished {
        self.home.run(&mut self.kubekey())
    }

    /// Starts a run that can ask on the screen.
    fn start_with_screen(&self) -> Running {
        Running::start(self.kubekey().env("DISPLAY", self.keepassxc.desktop.display()))
    }

    fn browsers(&self) -> usize {
        self.home.browser.urls().len()
    }
}

#[test]
fn a_sign_in_is_kept_read_back_renewed_and_forgotten() {
    let user = User::new("keyring");
    user.provider.configure(|behaviour| behaviour.lifetime = 5);
    let first = user.run();
    assert!(!first.stderr.contains("warning"), "{first:#?}");
    user.provider.configure(|behaviour| behaviour.lifetime = 3600);
    let second = user.run();
    assert_ne!(second.token(), first.token(), "it had expired");
    let third = user.run();
    assert_eq!((third.token(), third.stderr.as_str(), user.browsers()), (second.token(), "", 1));

    let logout = user.home.run(user.kubekey().arg("logout"));
    assert_eq!(logout.code(), Some(0), "{logout:#?}");
    user.run().credential();
    assert_eq!(user.browsers(), 2, "nothing was left");
}

#[test]
fn a_locked_one_without_a_screen_is_named_and_asks_nobody() {
    for storage in ["keyring", "auto"] {
        let (user, token) = User::signed_in(storage);
        user.keepassxc.lock();
        if storage == "auto" {
            kernel::forget("id_token", &user.home.state_file().file_stem().unwrap().to_string_lossy());
        }
        let finished = user.run();
        assert_eq!((finished.code(), user.browsers()), (Some(6), 1), "{finished:#?}");
        assert!(finished.stderr.contains("the keyring is locked, and this session has no screen"), "{finished:#?}");
        assert!(!user.keepassxc.asks(), "a window where nobody is");

        user.keepassxc.open_database();
        assert_eq!(user.run().token(), token);
        user.home.run(user.kubekey().arg("logout"));
    }
}

#[test]
fn a_locked_one_that_is_not_known_to_hold_it_is_left_for_the_kernel() {
    let user = User::new("auto");
    user.keepassxc.lock();
    let token = user.run().token();
    let second = user.run();
    assert_eq!((second.token(), user.browsers(), user.keepassxc.asks()), (token, 1, false));
    user.home.run(user.kubekey().arg("logout"));
}

#[test]
fn a_person_unlocks_it_while_kubekey_waits() {
    let (user, token) = User::signed_in("keyring");
    user.keepassxc.lock();
    let running = user.start_with_screen();
    running.wait_for_stderr("waiting for the keyring to be unlocked");
    user.keepassxc.type_password();
    assert_eq!((running.wait().token(), user.browsers()), (token, 1));
}

#[test]
fn a_person_who_does_not_unlock_it_is_asked_once() {
    let (user, _) = User::signed_in("keyring");
    user.keepassxc.lock();
    let running = user.start_with_screen();
    user.keepassxc.dismiss();
    let finished = running.wait();
    assert_eq!((finished.code(), user.browsers()), (Some(6), 1), "{finished:#?}");
    assert!(finished.stderr.contains("its prompt was dismissed"), "{finished:#?}");
    assert_eq!(finished.stderr.matches("waiting for the keyring").count(), 1, "{finished:#?}");
}

#[test]
fn one_that_ends_while_it_asks_is_not_waited_for() {
    let (mut user, _) = User::signed_in("keyring");
    user.keepassxc.lock();
    let running = user.start_with_screen();
    user.keepassxc.wait_until_it_asks();
    user.keepassxc.kill();
    let finished = running.wait();
    assert_eq!((finished.code(), user.browsers()), (Some(6), 1), "{finished:#?}");
    assert!(finished.stderr.contains("the keyring ended while its prompt was open"), "{finished:#?}");
}

#[test]
fn a_closed_database_is_told_from_an_empty_one() {
    let (user, token) = User::signed_in("auto");
    kernel::forget("id_token", &user.home.state_file().file_stem().unwrap().to_string_lossy());
    user.keepassxc.close_database();
    let finished = user.run();
    assert_eq!((finished.code(), user.browsers(), user.keepassxc.asks()), (Some(6), 1, false), "{finished:#?}");
    assert!(finished.stderr.contains("no default collection"), "{finished:#?}");
    user.keepassxc.open_database();
    assert_eq!(user.run().token(), token);
    user.home.run(user.kubekey().arg("logout"));
}
