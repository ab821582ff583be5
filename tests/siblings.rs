//! Several runs for one credential at the same time.

use std::process::Command;

use crate::support::browser::Mode;
#[cfg(target_os = "linux")]
use crate::support::etc::{Etc, without_runtime_folders};
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::server::Answer;
use crate::support::run::{Finished, Running, by_a_command};

const SIBLINGS: usize = 8;

fn start(home: &Home, provider: &Provider, count: usize) -> Vec<Running> {
    (0..count).map(|_| Running::start(&mut home.kubekey_for(provider))).collect()
}

fn finish(running: Vec<Running>) -> Vec<Finished> {
    running.into_iter().map(Running::wait).collect()
}

#[test]
fn twelve_cold_runs_open_one_browser_and_all_succeed() {
    for home in [Home::with_keyring(Mode::Follow).store_in("auto"), Home::new(Mode::Follow).store_in("auto")] {
        let provider = Provider::start();
        let tokens: Vec<_> = finish(start(&home, &provider, 12)).iter().map(Finished::token).collect();
        assert!(tokens.iter().all(|token| *token == tokens[0]));
        assert_eq!((home.browser.urls().len(), provider.count("/token")), (1, 1));
        home.log_out(&provider);
    }
}

#[test]
fn eight_runs_with_an_expired_token_send_one_refresh() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    home.edit_saved(|set| set["expires_at"] = 1.into());
    provider.forget_requests();
    finish(start(&home, &provider, SIBLINGS)).iter().for_each(|finished| drop(finished.credential()));
    assert_eq!((home.browser.urls().len(), provider.count("/token")), (1, 1));
}

#[test]
fn those_who_wait_for_a_sign_in_that_fails_fail_with_it_and_open_nothing() {
    let home = Home::with_keyring(Mode::Note);
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.refusal = Some(("access_denied".into(), "not you".into())));
    let mut running = vec![Running::start(&mut home.kubekey_for(&provider))];
    let local = home.browser.wait_for_url();
    running.extend((1..SIBLINGS).map(|_| Running::start(&mut home.kubekey_for(&provider))));
    // All of them must be there before the first one fails.
    running[1..].iter().for_each(|waiting| drop(waiting.wait_for_stderr("waiting for another kubekey")));
    home.browser.open(&local).last();
    for finished in finish(running) {
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(3), ""), "{finished:#?}");
        assert!(finished.stderr.contains("not you (access_denied)"), "{finished:#?}");
    }
    assert_eq!(home.browser.urls().len(), 1);
}

#[test]
fn a_waiter_says_once_what_it_waits_for() {
    let home = Home::with_keyring(Mode::Note);
    let provider = Provider::start();
    let mut first = Running::start(&mut home.kubekey_for(&provider));
    let local = home.browser.wait_for_url();
    let second = Running::start(&mut home.kubekey_for(&provider));
    let line = second.wait_for_stderr("waiting for another kubekey that is signing in");
    let (process, url) = (format!("(process {} since ", first.id()), format!(", at {local})"));
    assert!(line.contains(&process) && line.contains(&url), "{line}");
    home.browser.open(&local).last();
    let (first, second) = (first.wait(), second.wait());
    assert_eq!(first.token(), second.token());
    assert_eq!(second.stderr.lines().count(), 1, "{second:#?}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_holder_that_does_nothing_to_name_is_waited_for_to_finish() {
    let (home, provider) = (Home::with_keyring(Mode::Follow), Provider::start());
    home.keyring().pause();
    let mut first = Running::start(home.kubekey_for(&provider).arg("logout"));
    first.wait_for_stderr("lock: taken after");
    first.signal("STOP");
    let second = Running::start(home.kubekey_for(&provider).arg("logout"));
    second.wait_for_stderr(&format!("waiting for another kubekey to finish (process {} since ", first.id()));
    home.keyring().resume();
    first.signal("CONT");
    // How the first ends depends on how long its keyring seemed to be silent.
    first.wait();
    assert_eq!(second.wait().code(), Some(0));
}

#[test]
#[cfg(unix)]
fn a_killed_holder_frees_the_lock() {
    let home = Home::with_keyring(Mode::Note);
    let provider = Provider::start();
    let first = Running::start(&mut home.kubekey_for(&provider));
    home.browser.wait_for_url();
    let second = Running::start(&mut home.kubekey_for(&provider));
    second.wait_for_stderr("waiting for another kubekey");
    first.signal("KILL");
    let local = home.browser.wait_for_urls(2).remove(1);
    home.browser.open(&local).last();
    second.wait().credential();
}

#[test]
fn a_waiter_gives_up_some_seconds_after_the_login_timeout() {
    let home = Home::with_keyring(Mode::Note);
    let provider = Provider::start();
    let first = Running::start(&mut home.kubekey_for(&provider));
    let local = home.browser.wait_for_url();
    let second = home.run(home.kubekey_for(&provider).args(["--login-timeout", "1"]));
    assert_eq!((second.code(), second.stdout.as_str()), (Some(3), ""));
    assert!(second.stderr.contains("another kubekey has been signing in for 11 s"), "{second:#?}");
    home.browser.open(&local).last();
    first.wait().credential();
}

/// Runs kubekey several times from one process, as kubectl does when its plugin fails.
fn command(home: &Home, provider: &Provider, runs: usize) -> Command {
    let mut command = by_a_command(&home.kubekey_for(provider), runs);
    command.env("KUBERNETES_EXEC_INFO", r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential"}"#);
    command
}

#[test]
fn a_command_that_runs_kubekey_again_after_a_failure_opens_no_further_browser() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.refusal = Some(("access_denied".into(), "not you".into())));
    let finished = home.run(&mut command(&home, &provider, 5));
    assert_eq!((finished.code(), home.browser.urls().len()), (Some(3), 1), "{finished:#?}");
    // The first prints the whole message, and the others leave it on the screen.
    assert_eq!(finished.stderr.matches("not you (access_denied)").count(), 1, "{finished:#?}");
    assert_eq!(finished.stderr.matches("hint: ").count(), 1, "{finished:#?}");
    assert!(finished.stderr.lines().rev().take(4).all(|line| line.starts_with("kubekey: as above: ")), "{finished:#?}");
}

#[test]
fn trouble_after_the_browser_has_opened_opens_no_further_one() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.code_answer = Some(Answer::html(500, "down")));
    let finished = home.run(&mut command(&home, &provider, 5));
    assert_eq!((finished.code(), home.browser.urls().len()), (Some(5), 1), "{finished:#?}");
}

#[test]
fn two_commands_that_retry_share_one_browser() {
    let home = Home::with_keyring(Mode::Note);
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.refusal = Some(("access_denied".into(), "not you".into())));
    let first = Running::start(&mut command(&home, &provider, 5));
    let local = home.browser.wait_for_url();
    let second = Running::start(&mut command(&home, &provider, 5));
    second.wait_for_stderr("waiting for another kubekey");
    home.browser.open(&local).last();
    for command in [first, second] {
        assert_eq!(command.wait().code(), Some(3));
    }
    assert_eq!(home.browser.urls().len(), 1);
}

#[test]
fn a_failure_without_a_browser_is_not_remembered() {
    let home = Home::with_keyring(Mode::Follow);
    let mut provider = Provider::start();
    provider.stop();
    assert_eq!(home.run(&mut home.kubekey_for(&provider)).code(), Some(5));
    provider.restart();
    home.run(&mut home.kubekey_for(&provider)).credential();
}

#[test]
fn the_next_command_does_not_inherit_the_failure() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.refusal = Some(("access_denied".into(), "not you".into())));
    assert_eq!(home.run(&mut command(&home, &provider, 1)).code(), Some(3));
    provider.configure(|behaviour| behaviour.refusal = None);
    home.run(&mut command(&home, &provider, 1)).credential();
}

#[test]
fn a_person_who_runs_it_again_signs_in_again_and_is_not_told_the_old_failure() {
    for exec_info in [None, Some("")] {
        let (home, provider) = (Home::with_keyring(Mode::Follow), Provider::start());
        provider.configure(|behaviour| behaviour.refusal = Some(("access_denied".into(), "not you".into())));
        let mut from_a_shell = by_a_command(&home.kubekey_for(&provider), 2);
        let finished = home.run(from_a_shell.envs(exec_info.map(|info| ("KUBERNETES_EXEC_INFO", info))));
        assert_eq!((finished.code(), home.browser.urls().len()), (Some(3), 2), "{finished:#?}");
        assert_eq!(finished.stderr.matches("not you (access_denied)").count(), 2, "{finished:#?}");
        assert!(!finished.stderr.contains("as another kubekey found"), "{finished:#?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn without_a_folder_for_locks_there_is_one_warning() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let mut kubekey = home.kubekey_for(&provider);
    // A file in place of the folder stops root, too.
    for variable in ["XDG_RUNTIME_DIR", "XDG_STATE_HOME"] {
        let file = home.path().join(format!("{variable}-is-a-file"));
        std::fs::write(&file, "").unwrap();
        kubekey.env(variable, file);
    }
    let no_home = Etc::new(&[]).with_users("root:x:0:0::/nowhere:/bin/sh\n");
    let finished = home.run(&mut without_runtime_folders(&no_home.over(&kubekey)));
    finished.credential();
    assert_eq!(finished.stderr.matches("warning: cannot create a lock").count(), 1, "{finished:#?}");
}

#[test]
#[cfg(target_os = "linux")]
fn without_a_runtime_folder_the_lock_is_in_the_state_folder_and_goes_when_it_is_freed() {
    let home = Home::with_keyring(Mode::Note);
    let provider = Provider::start();
    let mut kubekey = home.kubekey_for(&provider);
    let running = Running::start(&mut without_runtime_folders(kubekey.env_remove("XDG_RUNTIME_DIR")));
    let local = home.browser.wait_for_url();
    let locks = || {
        let is_of_run = |name: &str| name.ends_with(".lock") && !name.ends_with(".state.lock");
        let files = home.files().into_iter().filter(|file| is_of_run(&file.to_string_lossy()));
        files.map(|file| file.parent().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(locks(), [home.state().join("kubekey")]);
    home.browser.open(&local).last();
    running.wait().credential();
    assert_eq!(locks(), Vec::<std::path::PathBuf>::new());
}

#[test]
#[cfg(unix)]
fn a_waiter_says_that_the_holder_is_stopped_and_how_it_goes_on() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    home.edit_saved(|set| set["expires_at"] = 1.into());
    provider.configure(|behaviour| behaviour.hold = vec!["/token"]);
    let mut first = Running::start(&mut home.kubekey_for(&provider));
    provider.wait_for("/token", 2);
    first.signal("STOP");
    let second = Running::start(&mut home.kubekey_for(&provider));
    let line = second.wait_for_stderr("waiting for another kubekey that is refreshing a token");
    let hint = format!("which is stopped: 'kill -CONT {}' lets it continue", first.id());
    assert!(line.contains(&hint), "{line}");
    first.signal("CONT");
    provider.configure(|behaviour| behaviour.hold = vec![]);
    assert_eq!(first.wait().token(), second.wait().token());
    assert_eq!(provider.count("/token"), 2);
}
