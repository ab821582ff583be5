//! A machine without what every program needs: certificates, or descriptors.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use crate::support::browser::Mode;
use crate::support::etc::Etc;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::run::Finished;
use crate::support::strace::strace;
use crate::support::tls::COMPANY;

#[track_caller]
fn assert_says(finished: &Finished, code: i32, message: &str, hint: &str) {
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(code), ""), "{finished:#?}");
    assert_eq!(finished.stderr, format!("kubekey: {message}\nhint: {hint}\n"));
}

#[test]
fn a_trust_store_without_certificates_is_to_be_filled() {
    let provider = Provider::start_at(Ipv4Addr::LOCALHOST.into(), Some(COMPANY.server("127.0.0.1", |_| ())));
    let hint = "install the system's certificates (package ca-certificates), or check SSL_CERT_FILE and SSL_CERT_DIR";
    let home = Home::new(Mode::Follow);
    let empty = home.path().join("certs");
    std::fs::create_dir(&empty).unwrap();
    let kubekey = || {
        let mut kubekey = home.kubekey_for(&provider);
        kubekey.env("SSL_CERT_DIR", &empty);
        kubekey
    };
    let message = "cannot set up HTTPS: No CA certificates were loaded from the system";
    assert_says(&home.run(&mut kubekey()), 1, message, hint);
    // A policy makes the variables have no effect.
    let policy = "locked_flags = ['certificate-authority']\n";
    let locked = home.run(&mut Etc::with_policy(policy).in_place(&kubekey()));
    assert_says(&locked, 1, "cannot set up HTTPS: the system's trust store is empty", hint);
    assert_eq!((provider.count_all(), home.browser.urls().len()), (0, 0));

    let filled = Etc::with_policy(policy).with_trusted(&COMPANY.pem());
    home.run(&mut filled.in_place(&kubekey())).credential();
}

/// A run that gets no event loop: it is out of descriptors.
fn without_descriptors(home: &Home, kubekey: &Command) -> Finished {
    let options = ["-f", "-e", "trace=epoll_create1", "-e", "inject=epoll_create1:error=EMFILE"];
    home.run(&mut strace(kubekey, Path::new("/dev/null"), &options))
}

#[test]
fn without_descriptors_the_limit_is_named_and_nothing_is_lost() {
    let provider = Provider::start();
    let home = Home::new(Mode::Follow).store_in("file");
    let token = home.run(&mut home.kubekey_for(&provider)).token();
    let finished = without_descriptors(&home, home.kubekey_for(&provider).arg("--force-refresh"));
    let message = "cannot start an event loop: Too many open files (os error 24)";
    let hint =
        "the system may be out of file descriptors: raise the limit ('ulimit -n' shows it), or close some programs";
    assert_says(&finished, 1, message, hint);
    assert_eq!(home.run(&mut home.kubekey_for(&provider)).token(), token);

    let home = Home::with_keyring(Mode::Follow);
    let token = home.run(&mut home.kubekey_for(&provider)).token();
    let finished = without_descriptors(&home, &home.kubekey_for(&provider));
    let message = "the saved sign-in is in the keyring, which is not available: no event loop for D-Bus: Too many open files (os error 24)";
    assert_eq!(finished.code(), Some(6), "{finished:#?}");
    assert!(finished.stderr.contains(message), "{finished:#?}");
    let after = home.run(&mut home.kubekey_for(&provider));
    assert_eq!((after.token(), home.browser.urls().len()), (token, 1));
}

#[test]
fn with_a_few_descriptors_each_run_ends_in_words() {
    let provider = Provider::start();
    for storage in ["file", "keyring"] {
        let home = Home::with_keyring(Mode::Absent).store_in(storage);
        let runs = (4..20).map(|most| {
            let mut limited = Command::new("/usr/bin/prlimit");
            let kubekey = home.kubekey_for(&provider);
            limited.arg(format!("--nofile={most}")).arg(kubekey.get_program()).arg("--login-timeout=1").env_clear();
            limited.envs(kubekey.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let finished = home.run(limited.current_dir(home.path()));
            let is_told = finished.code().is_some_and(|code| (1..=6).contains(&code));
            assert!(is_told && finished.stderr.contains("\nhint: "), "{storage}: {most}: {finished:#?}");
            // With it the sign-in would be gone.
            assert!(!finished.stderr.contains("remove it"), "{storage}: {most}: {finished:#?}");
            finished.stderr
        });
        assert!(runs.filter(|stderr| stderr.contains("event loop")).count() > 0, "{storage}");
    }
}
