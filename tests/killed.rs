//! Runs that the machine kills while they save: what was saved before, or what they were about to save, is there.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::strace::strace;

const SIGKILL: i32 = 9;

/// Kills a run that refreshes at each system call of its store, the one whose line of the trace has `start` in it and all
/// that follow; looks after each whether the sign-in is still there; and returns how many runs were killed. `through`
/// are the beginnings of calls that have to be among those.
fn kill_at_every_call(home: &Home, provider: &Provider, start: &str, through: &[&str]) -> usize {
    provider.configure(|behaviour| behaviour.refresh_rotation = false);
    home.run(&mut kubekey(home, provider)).credential();
    let calls = calls_of_the_store(home, provider, start);
    for name in through {
        assert!(calls.iter().any(|(call, _)| call.starts_with(name)), "no {name} in {calls:?}");
    }
    let kill = |(call, number): &&(String, usize)| {
        let is_killed = kill_at(home, provider, call, *number);
        assert_that_nothing_is_lost(home, provider, &format!("killed at {call} number {number}"));
        is_killed
    };
    let killed = calls.iter().filter(kill).count();
    // A run does not poll equally often every time.
    assert!(killed > calls.len() * 2 / 3, "killed at {killed} of {} places", calls.len());
    killed
}

/// Kills a run before the main thread's call with this name and number; `false` if it did not come so far.
fn kill_at(home: &Home, provider: &Provider, call: &str, number: usize) -> bool {
    let trace = format!("trace={call}");
    let inject = format!("inject={call}:signal=KILL:when={number}");
    let options = ["-e", trace.as_str(), "-e", inject.as_str()];
    let finished = home.run(&mut strace(&kubekey(home, provider), Path::new("/dev/null"), &options));
    let is_killed = finished.status.signal() == Some(SIGKILL);
    if !is_killed {
        finished.credential();
    }
    is_killed
}

/// The next run refreshes with what is there, and has nothing to say.
fn assert_that_nothing_is_lost(home: &Home, provider: &Provider, place: &str) {
    let refreshed = provider.count("/token");
    let next = home.run(&mut kubekey(home, provider));
    assert_eq!((next.code(), next.stderr.as_str()), (Some(0), ""), "{place}: {next:#?}");
    next.credential();
    assert_eq!(home.browser.urls().len(), 1, "{place}: the sign-in is gone");
    assert_eq!(provider.count("/token"), refreshed + 1, "{place}: the refresh token is gone");
}

/// With the kernel's keys also where the tests run in a container: it is theirs alone.
fn kubekey(home: &Home, provider: &Provider) -> Command {
    let mut command = home.kubekey_for(provider);
    // Each line of the log would be one more place to be killed at.
    command.env_remove("KUBEKEY_LOG");
    command.env("WSL_DISTRO_NAME", "of these tests");
    command
}

/// The system calls of a run's main thread from the first line with `start` to the end, each with its number among those
/// of its name: strace counts each name apart. The store is the last thing that a run does before it prints.
fn calls_of_the_store(home: &Home, provider: &Provider, start: &str) -> Vec<(String, usize)> {
    let file = home.path().join("trace");
    home.run(&mut strace(&kubekey(home, provider), &file, &["-s", "512"])).credential();
    let trace = fs::read_to_string(&file).expect("a trace");
    fs::remove_file(&file).expect("a trace");
    let first = trace.lines().filter(|line| line.contains('(')).position(|line| line.contains(start));
    let first = first.unwrap_or_else(|| panic!("no {start} in: {trace}"));
    let mut seen = HashMap::new();
    let numbered = trace.lines().filter_map(|line| line.split_once('(')).map(|(call, _)| {
        let number = seen.entry(call.to_owned()).or_insert(0);
        *number += 1;
        (call.to_owned(), *number)
    });
    numbered.skip(first).collect()
}

/// Every run has to refresh: what it gets has expired before it is used.
fn short_lived() -> Provider {
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.lifetime = 5);
    provider
}

#[test]
fn a_run_killed_anywhere_in_its_store_loses_nothing_of_the_file() {
    let home = Home::new(Mode::Follow).store_in("file");
    let provider = short_lived();
    let killed = kill_at_every_call(&home, &provider, "/tokens\", 0700)", &["openat", "write", "fsync", "rename"]);
    tell("file", killed);
    let tokens = fs::read_dir(home.state().join("kubekey/tokens")).unwrap();
    assert_eq!(tokens.count(), 1, "what a killed run left is gone");
}

#[test]
fn a_run_killed_anywhere_in_its_store_loses_nothing_of_the_keyring() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = short_lived();
    let killed = kill_at_every_call(&home, &provider, "ReadAlias", &["sendmsg", "recvmsg"]);
    tell("keyring", killed);
    assert_eq!(home.keyring().secrets().len(), 1);
}

#[test]
fn a_run_killed_anywhere_in_its_store_loses_nothing_of_the_kernel() {
    let home = Home::new(Mode::Follow).store_in("kernel");
    let provider = short_lived();
    let killed = kill_at_every_call(&home, &provider, "add_key(", &["add_key", "keyctl"]);
    tell("kernel", killed);
    assert!(home.log_out(&provider).status.success());
}

#[test]
fn a_run_killed_anywhere_in_its_store_loses_nothing_of_the_keyring_behind_the_kernel() {
    let home = Home::with_keyring(Mode::Follow).store_in("auto");
    let provider = Provider::start();
    // Long enough to be put into the kernel, and so short that every run renews it early.
    provider.configure(|behaviour| behaviour.lifetime = 60);
    let killed = kill_at_every_call(&home, &provider, "ReadAlias", &["sendmsg", "recvmsg", "add_key", "keyctl"]);
    tell("auto", killed);
    assert_eq!(home.keyring().secrets().len(), 1);
    assert!(home.log_out(&provider).status.success());
}

/// Past the test runner, which shows nothing of a test that passes.
fn tell(store: &str, killed: usize) {
    let _ = writeln!(std::io::stderr(), "{store}: killed at N = 1 to {killed}, and nothing was lost");
}
