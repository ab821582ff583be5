//! A run whose output nobody will read: what it and the runs that wait for it do, in their own words.

use std::process::Command;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::run::Running;

/// The program, whose reader ends at once; its exit code is on standard error.
fn unread(kubekey: &Command) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", r#"{ "$0" "$@"; echo "exit code $?" >&2; } | :"#]).arg(kubekey.get_program());
    shell.args(kubekey.get_args()).env_clear().current_dir(kubekey.get_current_dir().unwrap());
    shell.envs(kubekey.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

#[test]
fn a_sign_in_whose_reader_has_ended_goes_on_for_those_who_follow() {
    for flow in ["browser", "device"] {
        let (home, provider) = (Home::with_keyring(Mode::Note), Provider::start());
        provider.configure(|behaviour| behaviour.offers_device = true);
        let first = Running::start(&mut unread(home.kubekey_for(&provider).arg(format!("--flow={flow}"))));
        first.wait_for_stderr("kubekey: debug: sign-in: the reader of the token has ended");
        match flow {
            "browser" => drop(home.browser.open(&home.browser.wait_for_url())),
            _ => provider.configure(|behaviour| behaviour.device_approved = true),
        }
        let finished = first.wait();
        assert!(finished.stdout.is_empty() && finished.stderr.contains("exit code "), "{finished:#?}");
        home.run(&mut home.kubekey_for(&provider)).credential();
        assert_eq!(home.browser.urls().len(), usize::from(flow == "browser"));
    }
}

#[test]
fn who_waits_for_another_run_without_a_reader_ends_at_once() {
    let (home, provider) = (Home::with_keyring(Mode::Note), Provider::start());
    let first = Running::start(&mut home.kubekey_for(&provider));
    let local = home.browser.wait_for_url();
    let second = home.run(&mut unread(&home.kubekey_for(&provider)));
    assert_eq!(second.stderr, "kubekey: the program that asked for a token has ended\nexit code 3\n");
    home.browser.open(&local).last();
    first.wait().credential();
}
