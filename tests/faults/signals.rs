//! Signals that end a run at any moment of a refresh.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use super::{Dice, User, tries};
use crate::support::run::Running;

const SIGNALS: [(&str, i32); 5] = [("INT", 2), ("TERM", 15), ("HUP", 1), ("QUIT", 3), ("USR1", 10)];

#[test]
fn a_signal_waits_until_what_a_refresh_gives_is_stored_and_then_does_what_it_does() {
    let mut user = User::new("file");
    for (name, number) in SIGNALS {
        let running = user.provider.hold("/token", || Running::start(&mut user.kubekey()));
        running.signal(name);
        user.provider.let_go();
        let finished = running.wait();
        assert_eq!(finished.status.signal(), Some(number), "SIG{name}: {finished:#?}");
        assert!(finished.log.contains("token cache: file: saved"), "SIG{name}: {finished:#?}");
        user.try_again();
    }
    user.assert_nothing_lost("signals in a refresh");
}

#[test]
fn before_the_refresh_token_is_sent_a_signal_ends_the_run_at_once() {
    let mut user = User::new("file");
    std::fs::remove_dir_all(user.home.cache().join("kubekey")).unwrap();
    let running = user.provider.hold("/jwks", || Running::start(&mut user.kubekey()));
    running.signal("TERM");
    let finished = running.wait();
    assert_eq!(finished.status.signal(), Some(15), "{finished:#?}");
    user.provider.let_go();
    user.try_again();
    user.assert_nothing_lost("signals before a refresh");
}

#[test]
fn a_signal_that_is_ignored_stays_so() {
    let mut user = User::new("file");
    let kubekey = user.kubekey();
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", r#"trap "" HUP INT; exec "$0""#]).arg(kubekey.get_program()).env_clear();
    shell.envs(kubekey.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let running = user.provider.hold("/token", || Running::start(&mut shell));
    running.signal("HUP");
    running.signal("INT");
    user.provider.let_go();
    running.wait().credential();
    user.try_again();
    user.assert_nothing_lost("ignored signals");
}

#[test]
fn a_signal_at_any_moment_costs_nothing() {
    for storage in ["file", "kernel", "keyring"] {
        let mut user = User::new(storage);
        let mut dice = Dice::new(0x5eed_0001);
        let length = user.length_of_a_run();
        let wanted = tries(12, 800);
        while user.tries < wanted {
            let (name, _) = SIGNALS[dice.roll(3) as usize];
            let running = Running::start(&mut user.quiet());
            // The fault itself: the moment is what is tried.
            std::thread::sleep(Duration::from_micros(dice.roll(length)));
            running.signal_if_running(name);
            // A signal that comes too late does not count.
            if running.wait().status.signal().is_some() {
                user.try_again();
            }
        }
        user.assert_nothing_lost(&format!("signals at any moment, {storage}"));
    }
}
