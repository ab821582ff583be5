//! What runs record for later ones, two at once.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use chrono::Utc;
use serde_json::json;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::run::Running;
use crate::support::strace::strace;

const DEADLINE: Duration = Duration::from_secs(20);

#[test]
fn a_run_that_is_stopped_before_it_writes_takes_back_nothing_that_another_one_notes() {
    let home = Home::new(Mode::Follow).store_in("auto");
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    let file = home.state_file();
    home.log_out(&provider);
    let unanswered = json!({ "times": 1, "at": Utc::now().timestamp() - 3600, "desktop": {} });
    fs::write(&file, json!({ "unanswered": unanswered }).to_string()).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();

    // It has recorded that there is no keyring, and is about to rename the file. With -D, a signal goes to it, not to
    // strace.
    let mut first = home.kubekey_for(&provider);
    first.args(["--skip-open-browser", "--login-timeout=1"]);
    let trace = home.path().join("trace");
    let stop = ["-D", "-e", "trace=fsync", "-e", "inject=fsync:signal=STOP:when=1"];
    let stopped = Running::start(&mut strace(&first, &trace, &stop));
    wait_until(|| fs::read_to_string(&trace).is_ok_and(|trace| trace.contains("stopped by SIGSTOP")));

    // It records that a keyring answered, after it has waited for the other run.
    let trace = home.path().join("other-trace");
    let mut login = home.kubekey_for(&provider);
    login.args(["login", "--token-storage=file"]);
    let other = Running::start(&mut strace(&login, &trace, &["-y", "-e", "trace=flock"]));
    let waits = |line: &str| line.contains(".state.lock") && line.contains("EAGAIN");
    wait_until(|| fs::read_to_string(&trace).is_ok_and(|trace| trace.lines().any(waits)));
    stopped.signal("CONT");
    assert_eq!(other.wait().code(), Some(0));
    assert_eq!(stopped.wait().code(), Some(3));

    home.edit_state(|state| {
        assert!(state["unanswered"].is_null(), "{state}");
        assert!(!state["absent"].is_null(), "{state}");
    });
    home.log_out(&provider);
}

fn wait_until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it does not come to that");
        std::thread::sleep(Duration::from_millis(5));
    }
}
