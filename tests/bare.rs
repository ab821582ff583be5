//! `kubekey` alone: an introduction in a terminal, `get-token` everywhere else.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::policy::SERVER;
use crate::support::provider::Provider;
use crate::support::terminal::Person;

/// The same command with a terminal as its standard output, too.
fn shown(kubekey: &Command) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", r#""$0" "$@" >/dev/tty; echo "exit code $?" >/dev/tty"#]).arg(kubekey.get_program());
    shell.args(kubekey.get_args()).env_clear();
    shell.envs(kubekey.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(kubekey.get_current_dir().expect("a folder"));
    shell
}

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
