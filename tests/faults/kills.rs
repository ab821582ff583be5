//! Runs killed at any moment: a session is lost only between the provider's response and one write and rename.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use super::{Dice, User, tries};
use crate::support::run::Running;
use crate::support::strace::strace;

#[test]
fn a_killed_run_costs_the_session_only_between_the_answer_and_its_place() {
    for storage in ["file", "kernel", "keyring"] {
        let mut user = User::new(storage);
        let mut dice = Dice::new(0x5eed_0002);
        let length = user.length_of_a_run();
        let wanted = tries(24, 1500);
        while user.tries < wanted {
            let replaced = user.provider.replaced();
            let running = Running::start(&mut user.quiet());
            std::thread::sleep(Duration::from_micros(dice.roll(length)));
            running.signal_if_running("KILL");
            // A signal that comes too late does not count.
            if running.wait().status.signal() == Some(9) {
                let has_answered = user.provider.replaced() > replaced;
                let next = user.home.run(&mut user.kubekey());
                assert!(!user.count(&next) || has_answered, "{storage}: lost before the provider answered: {next:#?}");
            }
        }
        user.tell(&format!("killed in the middle, {storage}"));
        user.home.log_out(&user.provider);
    }
}

/// What may wait for a disk or for another program: the beginnings of the calls' names.
const SLOW: [&str; 13] = [
    "access",
    "connect",
    "fsync",
    "mkdir",
    "newfstatat",
    "open",
    "poll(",
    "rename",
    "send",
    "socket",
    "stat",
    "statx",
    "write",
];

#[test]
fn nothing_slow_stands_between_the_answer_and_the_kernel_that_keeps_it() {
    for storage in ["file", "kernel", "keyring"] {
        let user = User::new(storage);
        let file = user.home.path().join("trace");
        user.home.run(&mut strace(&user.quiet(), &file, &["-s", "40"])).credential();
        let trace = fs::read_to_string(&file).expect("a trace");
        fs::remove_file(&file).expect("a trace");
        let calls: Vec<_> = trace.lines().collect();
        let answer = calls.iter().rposition(|call| call.contains("HTTP/1.1 200")).expect("an answer");
        let kept = answer + calls[answer..].iter().position(|call| call.starts_with("add_key(")).expect("a key");
        let between = &calls[answer + 1..kept];
        assert!(!between.iter().any(|call| SLOW.iter().any(|name| call.starts_with(name))), "{storage}: {between:#?}");
        user.home.log_out(&user.provider);
    }
}
