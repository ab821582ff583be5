//! After a sign-in that the user did not complete.

use chrono::Utc;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::run::{Finished, Running, by_a_command};

fn unanswered(home: &Home, provider: &Provider, seconds: &str) -> Finished {
    let finished = home.run(home.kubekey_for(provider).args(["--login-timeout", seconds]));
    assert!(finished.stderr.contains(&format!("the sign-in timed out after {seconds} s")), "{finished:#?}");
    assert_eq!(finished.code(), Some(3));
    finished
}

fn is_refused(finished: &Finished) -> bool {
    finished.code() == Some(3) && finished.stderr.contains("the last sign-in timed out, so the next one can start in")
}

/// Each run is a new command: a failure that a command shares with its last run is something else.
fn run(home: &Home, provider: &Provider) -> Finished {
    home.run(&mut by_a_command(home.kubekey_for(provider).args(["--login-timeout", "1"]), 1))
}

#[test]
fn further_runs_fail_at_once_with_the_seconds_left_and_open_nothing() {
    let home = Home::with_keyring(Mode::Note);
    let provider = Provider::start();
    run(&home, &provider);
    let finished = run(&home, &provider);
    assert!(is_refused(&finished), "{finished:#?}");
    assert!(finished.stderr.contains("hint: run 'kubekey login'"), "{finished:#?}");
    assert_eq!(home.browser.urls().len(), 1);

    for (times, longest) in [(1, 60), (2, 120), (3, 300), (4, 300)] {
        home.edit_state(|state| {
            state["unanswered"]["times"] = times.into();
            state["unanswered"]["at"] = (Utc::now().timestamp() - longest + 5).into();
        });
        assert!(is_refused(&run(&home, &provider)), "{times}");
        home.edit_state(|state| state["unanswered"]["at"] = (Utc::now().timestamp() - longest).into());
        assert!(!is_refused(&run(&home, &provider)), "{times}");
        home.edit_state(|state| assert_eq!(state["unanswered"]["times"], times + 1));
    }
}

#[test]
#[cfg(unix)]
fn a_login_and_a_successful_sign_in_end_it() {
    let home = Home::with_keyring(Mode::Note);
    let provider = Provider::start();
    unanswered(&home, &provider, "1");
    let login = Running::start(home.kubekey_for(&provider).arg("login"));
    let local = home.browser.wait_for_urls(2).remove(1);
    home.browser.open(&local).last();
    let login = login.wait();
    assert!(login.stderr.contains("signed in as Jane Doe"), "{login:#?}");
    home.edit_state(|state| assert!(state["unanswered"].is_null(), "{state}"));
}

#[test]
#[cfg(unix)]
fn a_new_desktop_session_ends_it_and_a_session_over_ssh_does_not() {
    let home = Home::with_keyring(Mode::Note);
    let provider = Provider::start();
    let in_session = |id: &str, screen: &[(&str, &str)]| {
        let mut kubekey = home.kubekey_for(&provider);
        kubekey.args(["--login-timeout", "1", "--browser-command=xdg-open"]).env_remove("DISPLAY");
        kubekey.env("XDG_SESSION_ID", id).envs(screen.iter().copied());
        let finished = Running::start(&mut kubekey);
        finished.wait()
    };
    let screen = [("WAYLAND_DISPLAY", "wayland-0")];
    in_session("2", &screen);
    // Not the failure that one command shares: according to its file, that is ten seconds old by now.
    std::fs::remove_dir_all(home.runtime().join("kubekey")).unwrap();
    assert!(is_refused(&in_session("2", &screen)));
    std::fs::remove_dir_all(home.runtime().join("kubekey")).unwrap();
    assert!(is_refused(&in_session("7", &[])), "over SSH");
    std::fs::remove_dir_all(home.runtime().join("kubekey")).unwrap();
    assert!(!is_refused(&in_session("3", &screen)), "a new desktop session");
    home.edit_state(|state| assert_eq!(state["unanswered"]["times"], 1, "and it counts from one again"));
}

#[test]
#[cfg(unix)]
fn a_launcher_that_failed_a_refusal_and_an_interrupt_do_not_start_it() {
    for mode in [Mode::Fail, Mode::Absent] {
        let home = Home::with_keyring(mode);
        let provider = Provider::start();
        // Every launcher that a desktop may have is tried, and each may take its time to fail.
        unanswered(&home, &provider, "4");
        assert!(
            home.files()
                .iter()
                .all(|file| !std::fs::read_to_string(file).unwrap_or_default().contains("unanswered\":{"))
        );
    }
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.refusal = Some(("access_denied".into(), "not you".into())));
    run(&home, &provider);
    provider.configure(|behaviour| behaviour.refusal = None);
    run(&home, &provider).credential();

    let home = Home::with_keyring(Mode::Note);
    let interrupted = Running::start(&mut home.kubekey_for(&provider));
    home.browser.wait_for_url();
    interrupted.signal("INT");
    interrupted.wait();
    let second = Running::start(&mut home.kubekey_for(&provider));
    let local = home.browser.wait_for_urls(2).remove(1);
    home.browser.open(&local).last();
    second.wait().credential();
}
