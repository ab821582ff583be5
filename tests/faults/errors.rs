//! System calls that fail, one at a time, in a run that refreshes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{User, tries};
use crate::support::strace::strace;

/// The calls that save something, and the errors that they return in practice.
const ERRORS: [(&str, &[&str]); 9] = [
    ("write", &["ENOSPC", "EIO", "EDQUOT"]),
    ("fsync", &["EIO", "ENOSPC"]),
    ("rename", &["EIO", "EROFS", "EACCES"]),
    ("ftruncate", &["EIO"]),
    ("openat", &["EMFILE", "EROFS", "ENOSPC"]),
    ("mkdir", &["EROFS", "ENOSPC"]),
    ("add_key", &["EDQUOT", "ENOKEY", "ENOSYS"]),
    ("keyctl", &["EACCES", "ENOSYS"]),
    ("sendmsg", &["EPIPE", "ECONNRESET"]),
];

/// How often a run makes each of these calls.
fn counts(user: &User) -> BTreeMap<String, usize> {
    let file = user.home.path().join("trace");
    user.home.run(&mut strace(&user.quiet(), &file, &["-f"])).credential();
    let mut counts = BTreeMap::new();
    for line in fs::read_to_string(&file).expect("a trace").lines() {
        let call = line.split_once(' ').and_then(|(_, line)| line.trim_start().split_once('('));
        if let Some((name, _)) = call {
            *counts.entry(name.to_owned()).or_insert(0) += 1;
        }
    }
    fs::remove_file(&file).expect("a trace");
    counts
}

#[test]
fn a_call_that_fails_anywhere_costs_nothing() {
    for storage in ["file", "kernel", "keyring"] {
        let mut user = User::new(storage);
        let counts = counts(&user);
        for (call, errors) in ERRORS {
            let count = counts.get(call).copied().unwrap_or(0);
            // In a short run of the tests the last ones: those of the store.
            for number in (1..=count).rev().take(tries(4, 1000)) {
                for error in &errors[..tries(1, errors.len())] {
                    let inject = format!("inject={call}:error={error}:when={number}");
                    let trace = format!("trace={call}");
                    let options = ["-f", "-e", &trace, "-e", &inject];
                    // It may fail with a message: what matters is the next run.
                    let faulty = user.home.run(&mut strace(&user.quiet(), Path::new("/dev/null"), &options));
                    let is_told = faulty.code().is_some_and(|code| [0, 1, 3, 5, 6].contains(&code));
                    // The event loop wakes itself through a descriptor that is not a file: only here can it report a full
                    // disk.
                    let is_impossible = faulty.stderr.contains("failed to wake I/O driver");
                    assert!(is_told || is_impossible, "{storage}: {inject}: {faulty:#?}");
                    let next = user.try_again();
                    assert_eq!(user.lost, 0, "{storage}: {inject}: {next:#?}");
                }
            }
        }
        user.assert_nothing_lost(&format!("system calls that fail, {storage}"));
    }
}
