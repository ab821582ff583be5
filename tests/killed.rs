//! Runs that the machine kills while they save: either the previous or the new sign-in is there.

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

const MOVED: &str = "kubekey: the sign-in that could not be kept before is kept now";

/// Kills a run that refreshes at each system call of its store, from the last one with `start` in its line of the trace
/// to the end. After each kill, checks that the sign-in is still there. Returns how many runs were killed. `through`
/// has beginnings of calls that must be among those.
fn kill_at_every_call(home: &Home, provider: &Provider, start: &str, through: &[&str]) -> usize {
    provider.configure(|behaviour| behaviour.refresh_rotation = false);
    home.run(&mut kubekey(home, provider)).credential();
    let calls = calls_of_the_store(home, provider, start);
    // A run may end before a call with that number: how often it waits and is woken differs between runs.
    let killed: Vec<_> = calls.iter().filter(|call| kill_at(home, provider, call)).collect();
    for name in through {
        assert!(killed.iter().any(|(call, _)| call.starts_with(name)), "no run was killed at {name}: {killed:?}");
    }
    killed.len()
}

/// Kills a run before the main thread's call with this name and number and checks that nothing is lost; `false` if it
/// did not get that far.
fn kill_at(home: &Home, provider: &Provider, (call, number): &(String, usize)) -> bool {
    let trace = format!("trace={call}");
    let inject = format!("inject={call}:signal=KILL:when={number}");
    let options = ["-e", trace.as_str(), "-e", inject.as_str()];
    let finished = home.run(&mut strace(&kubekey(home, provider), Path::new("/dev/null"), &options));
    let is_killed = finished.status.signal() == Some(SIGKILL);
    if !is_killed {
        finished.credential();
    }
    assert_that_nothing_is_lost(home, provider, &format!("killed at {call} number {number}"));
    is_killed
}

/// The next run refreshes with what is saved, and prints nothing except that it moved the sign-in to its storage.
fn assert_that_nothing_is_lost(home: &Home, provider: &Provider, place: &str) {
    let refreshed = provider.count("/token");
    let next = home.run(&mut kubekey(home, provider));
    let is_moved = next.stderr.starts_with(MOVED) && next.stderr.lines().count() == 1;
    assert!(next.code() == Some(0) && (next.stderr.is_empty() || is_moved), "{place}: {next:#?}");
    next.credential();
    assert_eq!(home.browser.urls().len(), 1, "{place}: the sign-in is gone");
    assert_eq!(provider.count("/token"), refreshed + 1, "{place}: the refresh token is gone");
}

/// Uses the kernel's keys even if the tests run in a container, which has its own.
fn kubekey(home: &Home, provider: &Provider) -> Command {
    let mut command = home.kubekey_for(provider);
    // Without a log, whose every line would be another call to be killed at.
    command.env_remove("KUBEKEY_LOG");
    command.env("WSL_DISTRO_NAME", "of these tests");
    command
}

/// The system calls of a run's main thread from the last line with `start` to the end. Each has its number among those
/// of its name, as strace counts. The store is the last thing that a run does before it prints.
fn calls_of_the_store(home: &Home, provider: &Provider, start: &str) -> Vec<(String, usize)> {
    let file = home.path().join("trace");
    home.run(&mut strace(&kubekey(home, provider), &file, &["-s", "512"])).credential();
    let trace = fs::read_to_string(&file).expect("a trace");
    fs::remove_file(&file).expect("a trace");
    let lines: Vec<_> = trace.lines().filter(|line| line.contains('(')).collect();
    let first = lines.iter().rposition(|line| line.contains(start));
    let first = first.unwrap_or_else(|| panic!("no {start} in: {trace}"));
    let mut seen = HashMap::new();
    let numbered = trace.lines().filter_map(|line| line.split_once('(')).map(|(call, _)| {
        let number = seen.entry(call.to_owned()).or_insert(0);
        *number += 1;
        (call.to_owned(), *number)
    });
    numbered.skip(first).collect()
}

/// Every run must refresh: its token has expired when it arrives.
fn short_lived() -> Provider {
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.lifetime = 5);
    provider
}

#[test]
fn a_run_killed_anywhere_in_its_store_loses_nothing_of_the_file() {
    let home = Home::new(Mode::Follow).store_in("file");
    let provider = short_lived();
    let killed = kill_at_every_call(&home, &provider, "lseek(", &["write", "ftruncate", "fsync", "rename"]);
    tell("file", killed);
    let tokens = fs::read_dir(home.state().join("kubekey").join("tokens")).unwrap();
    assert_eq!(tokens.count(), 1, "what a killed run left is gone: {:?}", home.files());
    assert!(home.log_out(&provider).status.success());
}

#[test]
fn a_run_killed_anywhere_in_its_store_loses_nothing_of_the_keyring() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = short_lived();
    let killed = kill_at_every_call(&home, &provider, "CreateItem", &["sendmsg", "recvmsg"]);
    tell("keyring", killed);
    assert_eq!(home.keyring().secrets().len(), 1);
    assert!(home.log_out(&provider).status.success());
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
    // Long enough to be saved in the kernel, and so short that every run refreshes it early.
    provider.configure(|behaviour| behaviour.lifetime = 60);
    let killed = kill_at_every_call(&home, &provider, "CreateItem", &["sendmsg", "recvmsg", "add_key", "keyctl"]);
    tell("auto", killed);
    assert_eq!(home.keyring().secrets().len(), 1);
    assert!(home.log_out(&provider).status.success());
}

/// Bypasses the test harness, which shows no output of a test that passes.
fn tell(store: &str, killed: usize) {
    let _ = writeln!(std::io::stderr(), "{store}: killed at N = 1 to {killed}, and nothing was lost");
}
