//! `kubekey setup` on existing entries: which of their fields stay, and which belong to another server.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::kubeconfig::{V1BETA1, entry, plain, setup_in, view};
use crate::support::run::Finished;
use crate::support::tls::{COMPANY, OTHER};

const CHANGED: Option<i32> = Some(10);
const V1: &str = "client.authentication.k8s.io/v1";

/// A kubeconfig with a user `kubekey-prod` of this `exec`.
fn with_exec(exec: &str) -> String {
    format!("kind: Config\nusers:\n- name: kubekey-prod\n  user:\n    exec: {exec}\n")
}

/// The version of a kubeconfig's user that `setup` results in, with these arguments.
fn version_after(text: &str, arguments: &[&str]) -> (Value, Finished) {
    let home = Home::new(Mode::Absent);
    let file = plain(&home);
    fs::write(&file, text).unwrap();
    let finished = home.run(setup_in(&home, &file).args(arguments).arg("--detailed-exitcode"));
    let after = view(&home, &file);
    let version = entry(&after, "users", "kubekey-prod")
        .map(|user| user["user"]["exec"]["apiVersion"].clone())
        .unwrap_or_default();
    (version, finished)
}

#[test]
fn the_version_that_an_entry_asks_for_stays() {
    for (exec, expected) in [
        (format!("{{apiVersion: {V1BETA1}, command: kubekey}}"), V1BETA1),
        (format!("{{apiVersion: \"{V1BETA1}\", command: kubectl, args: [oidc-login, get-token]}}"), V1BETA1),
        (format!("{{\"apiVersion\": '{V1}'}}"), V1),
        ("{apiVersion: client.authentication.k8s.io/v1alpha1}".to_owned(), V1),
        ("{apiVersion: [v1]}".to_owned(), V1),
        ("{apiVersion: null, command: kubekey}".to_owned(), V1),
        ("{command: kubekey}".to_owned(), V1),
        ("{}".to_owned(), V1),
    ] {
        // kubectl itself cannot read all of these.
        let home = Home::new(Mode::Absent);
        let file = plain(&home);
        fs::write(&file, with_exec(&exec)).unwrap();
        let finished = home.run(setup_in(&home, &file).arg("--detailed-exitcode"));
        assert_eq!(finished.code(), CHANGED, "{exec}: {finished:#?}");
        let exec_after = entry(&view(&home, &file), "users", "kubekey-prod").unwrap()["user"]["exec"].clone();
        assert_eq!(exec_after["apiVersion"], expected, "{exec}");
        let again = home.run(setup_in(&home, &file).arg("--detailed-exitcode"));
        assert_eq!(again.code(), Some(0), "{exec}: {again:#?}");
    }
}

#[test]
fn a_user_of_another_plugin_is_left_alone() {
    for exec in [
        format!("{{apiVersion: {V1BETA1}, command: aws, args: [eks, get-token]}}"),
        format!("{{apiVersion: {V1}, command: /usr/bin/gke-gcloud-auth-plugin}}"),
        format!("{{apiVersion: {V1}, command: kubelogin, args: [get-token, --environment, cloud]}}"),
        format!("{{apiVersion: {V1}, command: kubectl, args: [another-plugin]}}"),
    ] {
        let home = Home::new(Mode::Absent);
        let file = plain(&home);
        let before = with_exec(&exec);
        fs::write(&file, &before).unwrap();
        let finished = home.run(&mut setup_in(&home, &file));
        assert_eq!(finished.code(), Some(1), "{exec}: {finished:#?}");
        assert!(finished.stderr.contains("its user 'kubekey-prod' signs in with '"), "{finished:#?}");
        assert!(finished.stderr.contains("': give another name with --user"), "{finished:#?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), before);
        home.run(setup_in(&home, &file).arg("--user=me")).code().filter(|code| *code == 0).expect("another user");
    }
}

#[test]
fn the_version_is_the_one_that_was_asked_for() {
    let old = with_exec(&format!("{{apiVersion: {V1BETA1}, command: kubekey}}"));
    for (text, argument, expected) in [
        ("", "--exec-api-version=v1beta1", V1BETA1),
        ("", "--exec-api-version=client.authentication.k8s.io/v1beta1", V1BETA1),
        ("", "--exec-api-version=v1", V1),
        (&old, "--exec-api-version=v1", V1),
        (&old, "--exec-api-version=v1beta1", V1BETA1),
    ] {
        let (version, finished) = version_after(text, &[argument]);
        assert_eq!((version, finished.code()), (json!(expected), CHANGED), "{argument}");
    }
    for wrong in ["v1alpha1", "v2", "client.authentication.k8s.io/", "V1", "''"] {
        let (version, finished) = version_after("", &[&format!("--exec-api-version={wrong}")]);
        assert_eq!((version, finished.code()), (Value::Null, Some(2)), "{finished:#?}");
        assert!(finished.stderr.contains("hint: give v1, or v1beta1"), "{finished:#?}");
    }
}

const NEW: &str = "https://k8s.example.com:6443";

/// A kubeconfig in which `prod` is ours, with this server and these other fields.
fn with_cluster(server: &str, fields: &Value) -> Value {
    let mut cluster = json!({"server": server, "extensions": [{"name": "mine", "extension": {"a": "b"}}]});
    cluster.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({
        "kind": "Config",
        "clusters": [{"name": "other", "cluster": cluster}, {"name": "prod", "cluster": cluster}],
        "users": [{"name": "kubekey-prod", "user": {"exec": {"apiVersion": V1, "command": "kubekey"}}}],
        "contexts": [{"name": "prod", "context": {"cluster": "prod", "user": "kubekey-prod"}}],
    })
}

/// The cluster's other fields after `setup`, and its output.
fn fields_after(before: &Value, arguments: &[&str]) -> (Value, Finished) {
    let home = Home::new(Mode::Absent);
    let file = plain(&home);
    fs::write(&file, before.to_string()).unwrap();
    fs::write(home.path().join("new.pem"), OTHER.pem()).unwrap();
    let finished = home.run(setup_in(&home, &file).args(arguments));
    let after = view(&home, &file);
    assert_eq!(entry(&after, "clusters", "other").unwrap(), &before["clusters"][0], "{finished:#?}");
    let mut cluster = entry(&after, "clusters", "prod").unwrap()["cluster"].clone();
    let fields = cluster.as_object_mut().unwrap();
    assert!(fields.remove("extensions").is_some(), "{finished:#?}");
    if finished.code() == Some(0) {
        assert_eq!(fields.remove("server"), Some(json!(NEW)), "{finished:#?}");
    }
    (cluster, finished)
}

#[test]
fn what_belonged_to_another_server_is_dropped_and_named() {
    let data = STANDARD.encode(COMPANY.pem());
    let all = json!({"certificate-authority": "/old.pem", "tls-server-name": "old", "proxy-url": "http://proxy"});
    for (fields, named) in [
        (json!({"certificate-authority": "/old.pem"}), "certificate-authority"),
        (json!({"certificate-authority-data": data}), "certificate-authority-data"),
        (json!({"tls-server-name": "old"}), "tls-server-name"),
        (json!({"insecure-skip-tls-verify": true}), "insecure-skip-tls-verify"),
        (json!({"proxy-url": "http://proxy"}), "proxy-url"),
        (all, "certificate-authority, tls-server-name, proxy-url"),
    ] {
        for old in ["https://old.example.com", "https://k8s.example.com", "http://127.0.0.1:8080", "k8s"] {
            let (after, finished) = fields_after(&with_cluster(old, &fields), &[]);
            assert_eq!(after, json!({}), "{fields} {finished:#?}");
            let said = format!("warning: cluster 'prod': removed {named}, which belonged to {old}\n");
            assert!(finished.stderr.contains(&said), "{finished:#?}");
            assert!(finished.stderr.contains(&format!("cluster 'prod' moved from {old} to {NEW}")), "{finished:#?}");
        }
    }
    let before = with_cluster("https://old.example.com", &json!({"proxy-url": "http://proxy"}));
    let (after, finished) = fields_after(&before, &["--dry-run", "--detailed-exitcode"]);
    assert_eq!((finished.code(), &after["server"]), (Some(10), &json!("https://old.example.com")), "{finished:#?}");
    let planned = "warning: cluster 'prod' would lose proxy-url, which belongs to https://old.example.com\n";
    assert!(finished.stderr.contains(planned) && finished.stderr.contains(": would write "), "{finished:#?}");
    let (_, finished) = fields_after(&with_cluster("https://old.example.com", &json!({})), &[]);
    assert!(!finished.stderr.contains("warning"), "{finished:#?}");
}

#[test]
fn a_new_authority_takes_the_place_of_the_other_servers() {
    let data = STANDARD.encode(COMPANY.pem());
    for old in [
        json!({"certificate-authority": "/old.pem"}),
        json!({"certificate-authority-data": data}),
        json!({"insecure-skip-tls-verify": true}),
    ] {
        let before = with_cluster("https://old.example.com", &old);
        let (after, finished) = fields_after(&before, &["--certificate-authority=new.pem"]);
        let path = after["certificate-authority"].as_str().unwrap_or_default();
        assert!(after.as_object().unwrap().len() == 1 && path.ends_with("new.pem"), "{after} {finished:#?}");
        let is_lost = old.get("insecure-skip-tls-verify").is_some();
        assert_eq!(finished.stderr.contains("which belonged to"), is_lost, "{finished:#?}");
    }
}

#[test]
fn the_same_server_keeps_what_is_there() {
    let fields = json!({"certificate-authority": "/old.pem", "tls-server-name": "old", "proxy-url": "http://proxy"});
    for same in [NEW, "https://k8s.example.com:6443/", "HTTPS://K8S.EXAMPLE.COM:6443"] {
        let (after, finished) = fields_after(&with_cluster(same, &fields), &[]);
        assert_eq!(after, fields, "{finished:#?}");
        assert!(!finished.stderr.contains("moved from") && !finished.stderr.contains("warning"), "{finished:#?}");
    }
    // Behind one gateway: the same server responds.
    let (after, finished) = fields_after(&with_cluster(&format!("{NEW}/k8s/clusters/c-1"), &fields), &[]);
    assert_eq!(after, fields);
    assert!(finished.stderr.contains("moved from") && !finished.stderr.contains("warning"), "{finished:#?}");
    let skips = with_cluster(NEW, &json!({"insecure-skip-tls-verify": true}));
    let (after, finished) = fields_after(&skips, &["--certificate-authority=new.pem"]);
    assert_eq!((finished.code(), &after["insecure-skip-tls-verify"]), (Some(1), &json!(true)), "{finished:#?}");
}

#[test]
fn contexts_with_other_users_are_named_when_their_cluster_moves() {
    let mut before = with_cluster("https://old.example.com", &json!({}));
    let admin = json!({"name": "admin", "context": {"cluster": "prod", "user": "root"}});
    before["contexts"].as_array_mut().unwrap().push(admin);
    let (_, finished) = fields_after(&before, &[]);
    let said = "warning: cluster 'prod' is also used by context 'admin', with another user\n";
    assert!(finished.stderr.contains(said), "{finished:#?}");
}

#[test]
fn what_is_dropped_is_taken_out_of_every_style() {
    let exec = "users:\n- name: kubekey-prod\n  user: {exec: {command: kubekey}}\n";
    for (clusters, expected) in [
        (
            "clusters:\n- cluster:\n    # a\n    server: https://a # b\n    # c\n    certificate-authority: /a # d\n    x: 1\n  name: prod\n",
            "clusters:\n- cluster:\n    # a\n    server: NEW # b\n    # c\n    x: 1\n  name: prod\n",
        ),
        (
            "clusters:\n- name: prod\n  cluster:\n    certificate-authority: /a\n    proxy-url: http://p\n    server: https://a\n# end\n",
            "clusters:\n- name: prod\n  cluster:\n    server: NEW\n# end\n",
        ),
        (
            "clusters:\n- name: prod\n  cluster:\n    server: https://a\n    certificate-authority-data: |\n      AA\n      BB\n",
            "clusters:\n- name: prod\n  cluster:\n    server: NEW\n",
        ),
        (
            "clusters:\n- {name: prod, cluster: {certificate-authority: /a, server: 'https://a', proxy-url: x}}\n",
            "clusters:\n- {name: prod, cluster: {server: NEW}}\n",
        ),
        (
            "clusters:\r\n- name: prod\r\n  cluster:\r\n    server: https://a\r\n    tls-server-name: b\r\n",
            "clusters:\r\n- name: prod\r\n  cluster:\r\n    server: NEW\r\n",
        ),
    ] {
        let home = Home::new(Mode::Absent);
        let file = plain(&home);
        fs::write(&file, format!("{clusters}{exec}")).unwrap();
        let finished = home.run(&mut setup_in(&home, &file));
        let text = fs::read_to_string(&file).unwrap();
        let start = text.split("users:").next().unwrap();
        assert_eq!(start, expected.replace("NEW", NEW), "{finished:#?}");
    }
    // An entry from which others inherit cannot be removed here.
    let shared = "x: &c {server: https://a, proxy-url: http://p}\nclusters:\n- {name: prod, cluster: *c}\n";
    let home = Home::new(Mode::Absent);
    let file = plain(&home);
    fs::write(&file, format!("{shared}{exec}")).unwrap();
    let finished = home.run(&mut setup_in(&home, &file));
    assert_eq!((finished.code(), fs::read_to_string(&file).unwrap()), (Some(1), format!("{shared}{exec}")));
}

/// A context `prod` that is for another cluster and user, each of which the kubeconfig may name or not.
fn with_context(cluster: Option<&str>, user: Option<&str>) -> Value {
    let mut file = with_cluster(NEW, &json!({}));
    file["contexts"] = json!([{"name": "prod", "context": {"cluster": cluster, "user": user, "namespace": "a"}}]);
    file
}

#[test]
fn a_context_that_was_for_something_else_is_named_with_what_it_was_for() {
    for (cluster, user, used) in [
        (Some("old"), Some("x"), "cluster 'old' and user 'x'"),
        (Some("prod"), Some("x"), "cluster 'prod' and user 'x'"),
        (Some("old"), Some("kubekey-prod"), "cluster 'old' and user 'kubekey-prod'"),
        (Some("old"), None, "cluster 'old'"),
        (None, Some("x"), "user 'x'"),
    ] {
        let (_, finished) = fields_after(&with_context(cluster, user), &[]);
        assert_eq!(finished.code(), Some(0), "{finished:#?}");
        let said = format!("warning: context 'prod' used {used} before\n");
        assert!(finished.stderr.contains(&said), "{finished:#?}");
    }
    let (_, finished) = fields_after(&with_context(Some("old"), Some("x")), &["--dry-run", "--detailed-exitcode"]);
    let planned = "warning: would change context 'prod', which uses cluster 'old' and user 'x'\n";
    assert!(finished.stderr.contains(planned), "{finished:#?}");
    let (_, finished) = fields_after(&with_context(Some("old"), Some("x")), &["--output=json"]);
    let report: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(
        report["files"][0]["warnings"],
        json!(["context 'prod' used cluster 'old' and user 'x' before"]),
        "{finished:#?}"
    );
    for (cluster, user) in [(Some("prod"), Some("kubekey-prod")), (None, None), (Some(""), Some(""))] {
        let (_, finished) = fields_after(&with_context(cluster, user), &[]);
        assert!(!finished.stderr.contains("warning: "), "{finished:#?}");
    }
}
