//! Flags, environment variables, and messages about missing or invalid ones.

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;

#[test]
fn the_originals_environment_works_unchanged() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.client_secret = Some("s3cret".into()));
    let mut kubekey = home.kubekey();
    kubekey
        .env("IDP_ISSUER_URL", provider.issuer())
        .env("CLIENT_ID", provider.client_id())
        .env("CLIENT_SECRET", "s3cret");
    assert_eq!(home.run(&mut kubekey).claims()["aud"], provider.client_id());
}

#[test]
fn flags_say_the_same_as_variables_and_win() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let mut kubekey = home.kubekey();
    kubekey
        .args(["get-token", "--issuer-url", &provider.issuer(), "--client-id", &provider.client_id()])
        .args(["--scope", "groups"])
        .env("KUBEKEY_ISSUER_URL", "https://unused.example")
        .env("KUBEKEY_SCOPE", "unused");
    home.run(&mut kubekey).credential();
    let request = provider.requests("/authorize").remove(0);
    assert_eq!(request.param("scope"), Some("openid groups"));
}

#[test]
fn kubelogins_flags_are_understood() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let mut kubekey = home.kubekey();
    kubekey.arg("get-token").arg(format!("--oidc-issuer-url={}", provider.issuer()));
    kubekey.arg(format!("--oidc-client-id={}", provider.client_id())).arg("--oidc-extra-scope=email");
    home.run(&mut kubekey).credential();
    assert_eq!(provider.requests("/authorize")[0].param("scope"), Some("openid email"));
}

#[test]
fn a_bare_client_id_belongs_to_another_tool() {
    let home = Home::new(Mode::Absent);
    let mut kubekey = home.kubekey();
    kubekey.env("KUBEKEY_ISSUER_URL", "https://login.example.com").env("CLIENT_ID", "other");
    let finished = home.run(&mut kubekey);
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(2), ""));
    assert_eq!(finished.stderr.lines().next(), Some("kubekey: no client ID is set"));
    assert!(finished.stderr.contains("--client-id, KUBEKEY_CLIENT_ID"), "{finished:#?}");
}

#[test]
fn a_missing_issuer_is_one_clear_message() {
    let home = Home::new(Mode::Absent);
    let finished = home.run(&mut home.kubekey());
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(2), ""));
    let lines: Vec<_> = finished.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0], "kubekey: no issuer URL is set");
    assert!(lines[1].contains("--issuer-url") && lines[1].contains("IDP_ISSUER_URL"), "{lines:?}");
}

#[test]
fn a_setting_that_cannot_be_used_is_named() {
    let home = Home::new(Mode::Absent);
    for (flag, value) in [
        ("--issuer-url", "http://login.example.com"),
        ("--client-id", "a\nb"),
        ("--scope", "a\"b"),
        ("--listen-address", "8000"),
        ("--redirect-url", "http://example.com/callback"),
        ("--login-timeout", "soon"),
        ("--template-dir", "templates"),
    ] {
        let mut kubekey = home.kubekey();
        kubekey
            .env("KUBEKEY_ISSUER_URL", "https://login.example.com")
            .env("KUBEKEY_CLIENT_ID", "x")
            .args([flag, value]);
        let finished = home.run(&mut kubekey);
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(2), ""), "{finished:#?}");
        assert!(finished.stderr.starts_with(&format!("kubekey: {flag} '")), "{finished:#?}");
    }
}

#[test]
fn a_password_in_an_issuer_url_is_not_repeated() {
    let home = Home::new(Mode::Absent);
    for url in ["https://jane:canary@x.example", "jane:canary@x.example", "https://jane:canary@x.example:port"] {
        let finished = home.run(home.kubekey().args(["--issuer-url", url, "--client-id", "x"]));
        assert_eq!((finished.code(), finished.stderr.contains("canary")), (Some(2), false), "{finished:#?}");
    }
}

#[test]
fn v_prints_the_version() {
    let home = Home::new(Mode::Absent);
    for flag in ["-v", "-V", "--version"] {
        let finished = home.run(home.kubekey().arg(flag));
        let expected = (Some(0), concat!("kubekey v", env!("CARGO_PKG_VERSION"), "\n"));
        assert_eq!((finished.code(), finished.stdout.as_str()), expected);
    }
}

#[test]
#[cfg(unix)]
fn a_time_zone_or_a_trust_store_that_would_be_waited_for_is_not() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let fifo = home.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    home.run(home.kubekey_for(&provider).arg("login").env("TZ", &fifo));
    assert!(home.saved().is_some(), "a sign-in in spite of it");
    let finished = home.run(home.kubekey_for(&provider).arg("login").env("SSL_CERT_FILE", &fifo));
    assert_eq!(finished.code(), Some(2), "{finished:#?}");
    assert!(finished.stderr.contains("SSL_CERT_FILE names") && finished.stderr.contains("hint: "), "{finished:#?}");
}
