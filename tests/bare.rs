//! `kubekey` alone: an introduction in a terminal, `get-token` everywhere else.

use std::fs;

use serde_json::json;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::policy::SERVER;
use crate::support::provider::Provider;
use crate::support::terminal::{Person, shown};

fn kubeconfig(home: &Home, current: &str) {
    let user = |args: &[&str]| json!({ "exec": { "command": "kubekey", "args": args } });
    let file = json!({
        "current-context": current,
        "clusters": [{ "name": "k8s", "cluster": { "server": SERVER } }],
        "contexts": [
            { "name": "my prod", "context": { "cluster": "k8s", "user": "me" } },
            { "name": "dev", "context": { "cluster": "k8s", "user": "other" } },
        ],
        "users": [
            { "name": "me", "user": user(&["--issuer-url=https://x.example", "--client-id=x"]) },
            { "name": "other", "user": { "exec": { "command": "aws" } } },
        ],
    });
    fs::create_dir_all(home.path().join(".kube")).unwrap();
    fs::write(home.path().join(".kube/config"), file.to_string()).unwrap();
}

#[test]
fn in_a_terminal_it_prints_no_token_but_what_it_serves_and_how_to_go_on() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    home.run(&mut home.kubekey_for(&provider)).credential();
    for (current, lines) in [
        (None, ["No context of the kubeconfig runs it yet.", "  kubekey setup "]),
        (
            Some("my prod"),
            ["It serves the current context 'my prod' (https://k8s.example.com:6443).", "  kubectl get pods "],
        ),
        (Some("dev"), ["The current context does not run it.", "  kubekey login --context \"my prod\" "]),
    ] {
        current.into_iter().for_each(|current| kubeconfig(&home, current));
        let mut person = Person::run(&shown(home.kubekey_for(&provider).env("KUBEKEY_LOG", "info")));
        person.wait_for("signs you in to Kubernetes with OpenID Connect");
        lines.iter().for_each(|line| person.wait_for(line));
        person.wait_for("kubekey --help");
        person.wait_for("exit code 0");
    }
    assert_eq!(home.browser.urls().len(), 1);
}

#[test]
fn with_a_word_or_for_kubectl_or_a_script_it_is_get_token() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    home.run(&mut home.kubekey_for(&provider)).credential();
    let info = r#"{"apiVersion":"client.authentication.k8s.io/v1"}"#;
    let [mut by_word, mut by_kubectl] = [(); 2].map(|()| home.kubekey_for(&provider));
    for kubekey in [by_word.arg("get-token"), by_kubectl.env("KUBERNETES_EXEC_INFO", info)] {
        let mut person = Person::run(&shown(kubekey.env("KUBEKEY_LOG", "info")));
        person.wait_for("ExecCredential");
        person.wait_for("exit code 0");
    }
}

#[test]
fn it_breaks_at_words_where_the_terminal_is_narrow() {
    let home = Home::new(Mode::Absent);
    kubeconfig(&home, "my prod");
    let mut person = Person::run_at(&shown(home.kubekey().env("KUBEKEY_LOG", "info")), 50);
    person.wait_for("\r\nOpenID Connect; kubectl runs it.\r\n");
    person.wait_for("(https://k8s.example.com:6443).\r\n");
    person.wait_for("kubekey --help    lists all commands and flags\r\n");
    let mut narrow = Person::run_at(&shown(home.kubekey().env("KUBEKEY_LOG", "info")), 44);
    narrow.wait_for("kubectl get pods  signs you in when it is\r\n                    needed\r\n");
}

/// They did not get kubekey to set up each context again.
#[test]
fn users_of_other_programs_are_shown_how_to_move() {
    let home = Home::new(Mode::Absent);
    let issuer = "https://login.example.com";
    let kubelogin = json!({ "exec": { "command": "kubectl", "args":
        ["oidc-login", "get-token", format!("--oidc-issuer-url={issuer}"), "--oidc-client-id=x"] } });
    let provider =
        json!({ "auth-provider": { "name": "oidc", "config": { "idp-issuer-url": issuer, "client-id": "x" } } });
    let env = json!([{ "name": "IDP_ISSUER_URL", "value": issuer }, { "name": "CLIENT_ID", "value": "x" }]);
    let original = json!({ "exec": { "command": "kubekey", "args": [], "env": env } });
    for (user, line) in [
        (&kubelogin, "  kubekey setup --from-kubelogin  moves the users of kubelogin to it"),
        (
            &provider,
            "  kubekey setup --from-auth-provider  moves the users of kubectl's old 'auth-provider: oidc' to it",
        ),
        (&original, "  kubekey setup --from-original  moves the users of the original kubekey to it"),
    ] {
        kubeconfig_of(&home, user);
        let mut person = Person::run(&shown(home.kubekey().env("KUBEKEY_LOG", "info")));
        person.wait_for(line);
        person.wait_for("exit code 0");
    }
    // One who cannot be moved is not offered it.
    kubeconfig_of(&home, &json!({ "exec": { "command": "kubectl", "args": ["oidc-login", "get-token"] } }));
    let mut person = Person::run(&shown(home.kubekey().env("KUBEKEY_LOG", "info")));
    person.wait_for("runs it.\r\nNo context of the kubeconfig runs it yet.\r\n\r\n  kubekey setup  ");
}

/// A kubeconfig with one context, of this user.
fn kubeconfig_of(home: &Home, user: &serde_json::Value) {
    let file = json!({
        "current-context": "prod",
        "clusters": [{ "name": "k8s", "cluster": { "server": SERVER } }],
        "contexts": [{ "name": "prod", "context": { "cluster": "k8s", "user": "me" } }],
        "users": [{ "name": "me", "user": user }],
    });
    fs::create_dir_all(home.path().join(".kube")).unwrap();
    fs::write(home.path().join(".kube/config"), file.to_string()).unwrap();
}

#[test]
fn a_broken_file_is_named_and_nothing_is_promised() {
    let home = Home::new(Mode::Absent);
    let shown = || Person::run(&shown(home.kubekey().env("KUBEKEY_LOG", "info")));
    kubeconfig(&home, "my prod");
    let folder = home.config().join("kubekey");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), "issuer_url = \n").unwrap();
    let mut person = shown();
    person.wait_for("It cannot serve you until this is corrected: ");
    person.wait_for("config.toml line 1");
    person.wait_for("\r\n  kubekey doctor ");
    fs::remove_file(folder.join("config.toml")).unwrap();
    fs::write(home.path().join(".kube/config"), "contexts: [\n").unwrap();
    let mut person = shown();
    person.wait_for("It cannot serve you until this is corrected: ");
    person.wait_for("cannot be read");
    person.wait_for("exit code 0");
    assert!(!person.screen().contains("kubekey setup"), "{}", person.screen());
}
