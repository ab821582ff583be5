//! The protocol with client-go.

use serde_json::{Value, json};

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;

fn exec_info(version: &str) -> String {
    json!({
        "kind": "ExecCredential",
        "apiVersion": format!("client.authentication.k8s.io/{version}"),
        "spec": { "interactive": false },
    })
    .to_string()
}

#[test]
fn the_answer_has_the_api_version_that_was_asked_for() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    for (asked, answered) in [(Some("v1"), "v1"), (Some("v1beta1"), "v1beta1"), (None, "v1")] {
        let mut kubekey = home.kubekey_for(&provider);
        if let Some(version) = asked {
            kubekey.env("KUBERNETES_EXEC_INFO", exec_info(version));
        }
        let credential = home.run(&mut kubekey).credential();
        assert_eq!(credential["apiVersion"], format!("client.authentication.k8s.io/{answered}"), "{asked:?}");
        assert_eq!(credential["kind"], "ExecCredential");
    }
}

/// What clients other than kubectl send; the first is the official .NET client.
#[test]
fn a_field_that_decides_nothing_may_be_missing_null_or_odd() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let group = "client.authentication.k8s.io";
    let spec =
        |spec: Value| json!({ "apiVersion": format!("{group}/v1beta1"), "kind": "ExecCredential", "spec": spec });
    let cluster = |cluster: Value| spec(json!({ "interactive": false, "cluster": cluster }));
    let server = "https://k8s.example.com";
    for (info, answered) in [
        (json!({ "kind": "ExecCredentials", "apiVersion": format!("{group}/v1beta1"), "spec": {} }), "v1beta1"),
        (json!({ "kind": null, "apiVersion": format!("{group}/v1beta1") }), "v1beta1"),
        (json!({ "kind": 7, "apiVersion": format!("{group}/v1beta1") }), "v1beta1"),
        (json!({ "apiVersion": format!("{group}/v1beta1") }), "v1beta1"),
        (json!({ "kind": "ExecCredential", "apiVersion": null }), "v1"),
        (json!({ "kind": "ExecCredential", "apiVersion": "" }), "v1"),
        (json!({ "kind": "ExecCredential" }), "v1"),
        (json!({}), "v1"),
        (json!(null), "v1"),
        (spec(json!(null)), "v1beta1"),
        (spec(json!(7)), "v1beta1"),
        (spec(json!([])), "v1beta1"),
        (spec(json!({ "interactive": null, "new": { "a": [] } })), "v1beta1"),
        (spec(json!({ "interactive": "no" })), "v1beta1"),
        (cluster(json!(null)), "v1beta1"),
        (cluster(json!("prod")), "v1beta1"),
        (cluster(json!([server])), "v1beta1"),
        (cluster(json!({ "server": server, "insecure-skip-tls-verify": null })), "v1beta1"),
        (cluster(json!({ "server": server, "insecure-skip-tls-verify": "false" })), "v1beta1"),
        (cluster(json!({ "server": null, "proxy-url": null, "config": null })), "v1beta1"),
        (cluster(json!({ "server": 7, "proxy-url": 7 })), "v1beta1"),
        (cluster(json!({ "server": server, "certificate-authority-data": null, "tls-server-name": 7 })), "v1beta1"),
        (cluster(json!({ "server": server, "disable-compression": null, "new": 1 })), "v1beta1"),
    ] {
        let mut kubekey = home.kubekey_for(&provider);
        let finished = home.run(kubekey.env("KUBERNETES_EXEC_INFO", info.to_string()));
        assert_eq!(finished.credential()["apiVersion"], format!("{group}/{answered}"), "{info}: {finished:#?}");
    }
    assert_eq!(home.browser.urls().len(), 1, "all are one user's");
}

#[test]
fn stdout_is_one_json_document_and_a_line_end() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let finished = home.run(&mut home.kubekey_for(&provider));
    let claims = finished.claims();
    let expiration = chrono::DateTime::from_timestamp(claims["exp"].as_i64().unwrap(), 0).unwrap();
    let expected = json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {
            "expirationTimestamp": expiration.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "token": finished.token(),
        },
    });
    assert_eq!(finished.stdout, format!("{expected}\n"));
}

#[test]
fn other_versions_and_texts_are_refused_and_named() {
    let home = Home::new(Mode::Absent);
    for (info, words) in [
        (exec_info("v1alpha1"), "client.authentication.k8s.io/v1alpha1"),
        (exec_info("v2"), "client.authentication.k8s.io/v2"),
        (r#"{"apiVersion":1}"#.to_owned(), "requests apiVersion '1'"),
        (r#"{"apiVersion":{}}"#.to_owned(), "requests apiVersion '{}'"),
        (r#"{"apiVersion":"v1"}"#.to_owned(), "requests apiVersion 'v1'"),
        ("{".to_owned(), "cannot be read"),
        ("{} {}".to_owned(), "cannot be read"),
        ("[]".to_owned(), "not a JSON object"),
        ("7".to_owned(), "not a JSON object"),
        ("\"v1\"".to_owned(), "not a JSON object"),
    ] {
        let finished = home.run(home.kubekey().env("KUBERNETES_EXEC_INFO", &info));
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(2), ""), "{finished:#?}");
        assert!(finished.stderr.contains(words) && finished.stderr.contains("hint: "), "{finished:#?}");
    }
}

#[test]
#[cfg(unix)]
fn a_closed_stdout_is_an_error_and_no_panic() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    let script = r#"exec "$0" >&-"#;
    let mut shell = home.kubekey_for(&provider);
    let kubekey = shell.get_program().to_owned();
    let variables: Vec<_> =
        shell.get_envs().map(|(name, value)| (name.to_owned(), value.unwrap().to_owned())).collect();
    shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", script]).arg(kubekey).env_clear().envs(variables);
    let finished = home.run(&mut shell);
    // /dev/null is opened in place of a closed stdout, so the document is lost, which is intended.
    assert_eq!((finished.code(), finished.stderr.as_str()), (Some(0), ""), "{finished:#?}");

    let mut full = home.kubekey_for(&provider);
    full.stdout(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let output = full.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:#?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write the ExecCredential"), "{output:#?}");
}
