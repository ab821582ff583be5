//! `kubectl get` runs a plugin that fails five times: its user reads the reason once.

use std::process::Command;

use serde_json::json;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::run::{Finished, by_a_command};

/// The text before a hint that is repeated.
const AGAIN: &str = "kubekey: as above: ";

/// kubekey five times with these arguments, from one process, as client-go runs it.
fn five_times(home: &Home, kubekey: &Command) -> Finished {
    let info = json!({ "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential" });
    home.run(by_a_command(kubekey, 5).env("KUBERNETES_EXEC_INFO", info.to_string()))
}

#[track_caller]
fn assert_told_once(finished: &Finished, code: i32, whole: &str) {
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(code), ""), "{finished:#?}");
    assert_eq!(finished.stderr.matches(whole).count(), 1, "{whole}: {finished:#?}");
    assert_eq!(finished.stderr.matches("hint: ").count(), 1, "{finished:#?}");
    let hint = finished.stderr.lines().find_map(|line| line.strip_prefix("hint: ")).unwrap();
    let again: Vec<_> = finished.stderr.lines().filter_map(|line| line.strip_prefix(AGAIN)).collect();
    assert_eq!(again.len(), 4, "{finished:#?}");
    for line in again {
        assert!(hint.starts_with(line.trim_end_matches(" ...")), "{finished:#?}");
        assert!(AGAIN.len() + line.len() < 80, "it is one line of a terminal: {finished:#?}");
    }
    assert_eq!(finished.stderr.lines().last().unwrap().find(AGAIN), Some(0), "{finished:#?}");
}

#[test]
#[cfg(unix)]
fn of_five_runs_that_fail_alike_the_first_says_it_whole_whatever_it_is() {
    // A refusal, after the browser was opened.
    let (home, provider) = (Home::with_keyring(Mode::Follow), Provider::start());
    provider.configure(|behaviour| behaviour.refusal = Some(("access_denied".into(), "not you".into())));
    assert_told_once(&five_times(&home, &home.kubekey_for(&provider)), 3, "not you (access_denied)");

    // The pause after a sign-in that the user did not complete, which gets shorter from one run to the next.
    let (home, provider) = (Home::with_keyring(Mode::Note), Provider::start());
    let mut kubekey = home.kubekey_for(&provider);
    kubekey.arg("--login-timeout=1");
    assert_told_once(&five_times(&home, &kubekey), 3, "the sign-in timed out after 1 s");
    assert_told_once(&five_times(&home, &kubekey), 3, "the last sign-in timed out, so the next one can start in");

    // A provider that is unreachable.
    let (home, mut provider) = (Home::new(Mode::Absent), Provider::start());
    provider.stop();
    assert_told_once(&five_times(&home, &home.kubekey_for(&provider)), 5, "cannot be reached");

    // Settings that are invalid, and flags that do not exist.
    let home = Home::new(Mode::Absent);
    assert_told_once(&five_times(&home, &home.kubekey()), 2, "no issuer URL is set");
    assert_told_once(&five_times(&home, home.kubekey().arg("--no-such-flag")), 2, "--no-such-flag");
}

#[test]
fn what_people_run_themselves_and_another_failure_are_said_whole() {
    let home = Home::new(Mode::Absent);
    for _ in 0..2 {
        let finished = home.run(&mut home.kubekey());
        assert!(finished.stderr.contains("no issuer URL is set"), "{finished:#?}");
    }
    let info = json!({ "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential" }).to_string();
    let run = |arguments: &[&str]| home.run(home.kubekey().env("KUBERNETES_EXEC_INFO", &info).args(arguments)).stderr;
    let first = run(&[]);
    assert!(first.contains("no issuer URL is set") && run(&[]).starts_with(AGAIN), "{first}");
    assert!(run(&["--issuer-url=https://login.example.com"]).contains("no client ID is set"));
    // With the settings of a context it runs itself as kubectl would.
    let exec = json!({ "command": "kubekey", "args": ["--issuer-url=https://127.0.0.1:1", "--client-id=x"] });
    let kubeconfig = json!({
        "clusters": [{ "name": "prod", "cluster": { "server": "https://k8s.example.com" } }],
        "contexts": [{ "name": "prod", "context": { "cluster": "prod", "user": "me" } }],
        "users": [{ "name": "me", "user": { "exec": exec } }],
    });
    std::fs::write(home.path().join("kubeconfig"), kubeconfig.to_string()).unwrap();
    let mut login = home.kubekey();
    login.args(["login", "--context=prod", "--kubeconfig=kubeconfig"]);
    let finished = home.run(&mut by_a_command(&login, 2));
    assert_eq!(finished.stderr.matches("cannot be reached").count(), 2, "{finished:#?}");

    // The user has read something else since, or is another one.
    for told in ["", "garbage", "9999999999999 x\n-5 y", &"1 z\n".repeat(100_000)] {
        std::fs::write(home.runtime().join("kubekey").join("told"), told).unwrap();
        assert_eq!(run(&[]), first);
    }
}
