//! `kubekey token`: a way out for a token, for scripts.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::browser::Mode;
#[cfg(target_os = "linux")]
use crate::support::etc::Etc;
use crate::support::home::Home;
use crate::support::policy::SERVER;
#[cfg(target_os = "linux")]
use crate::support::policy::assert_refused;
use crate::support::process;
use crate::support::provider::Provider;

/// A kubeconfig with a current context `prod`, whose user runs kubekey with this provider.
fn kubeconfig(home: &Home, provider: &Provider, provides_cluster_info: bool) {
    let args = [format!("--issuer-url={}", provider.issuer()), format!("--client-id={}", provider.client_id())];
    let exec = json!({ "command": "kubekey", "args": args, "provideClusterInfo": provides_cluster_info });
    let file = json!({
        "current-context": "prod",
        "clusters": [{ "name": "k8s", "cluster": { "server": SERVER } }],
        "contexts": [{ "name": "prod", "context": { "cluster": "k8s", "user": "me" } }],
        "users": [{ "name": "me", "user": { "exec": exec } }],
    });
    fs::create_dir_all(home.path().join(".kube")).unwrap();
    fs::write(home.path().join(".kube/config"), file.to_string()).unwrap();
}

/// Runs it to its end without the search for secrets: what it prints is the token, and its nonce with `--decode`.
fn token(command: &mut Command) -> (Option<i32>, String, String) {
    let output = process::output(command.env("KUBEKEY_LOG", "info")).expect("kubekey");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_script_gets_the_token_of_the_context_that_kubectl_gets() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    kubeconfig(&home, &provider, true);
    let of_kubectl = home.run(&mut home.kubekey_for(&provider)).token();
    for arguments in [&["token"][..], &["token", "--context=prod"], &["token", "--cluster", "k8s"]] {
        let said = "kubekey: using the settings of context 'prod'\n".to_owned();
        assert_eq!(token(home.kubekey().args(arguments)), (Some(0), format!("{of_kubectl}\n"), said));
    }
    assert_eq!(home.browser.urls().len(), 1);
    let own = token(home.kubekey_for(&provider).arg("token"));
    assert_eq!(own, (Some(0), format!("{of_kubectl}\n"), String::new()), "own settings need no context");
}

#[test]
fn decoded_the_token_shows_its_claims_and_times_and_not_its_signature() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    let of_kubectl = home.run(&mut home.kubekey_for(&provider));
    let mut kubekey = home.kubekey_for(&provider);
    let (code, decoded, stderr) = token(kubekey.env("TZ", "XYZ-02").args(["token", "--decode"]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let lines: Vec<_> = decoded.lines().collect();
    assert_eq!(lines[0], "header", "{decoded:#?}");
    for (name, words) in [("alg", "RS256"), ("iss", &provider.issuer()), ("aud", &provider.client_id())] {
        let is_it = |line: &&str| line.trim_start().starts_with(name) && line.ends_with(words);
        assert!(lines.iter().any(is_it), "{name} {words}: {decoded:#?}");
    }
    let exp = lines.iter().find(|line| line.trim_start().starts_with("exp ")).expect("the claim");
    // Windows knows no such variable.
    let offset = if cfg!(windows) { " (in " } else { " +02:00 (in " };
    assert!(exp.contains(offset) && exp.ends_with(" min)"), "{exp}");
    let signature = of_kubectl.token().rsplit_once('.').unwrap().1.to_owned();
    assert!(!decoded.contains(&signature) && !decoded.contains(&signature[..20]), "{decoded:#?}");
    let columns: Vec<_> =
        lines.iter().skip_while(|line| **line != "claims").skip(1).map(|line| value_at(line)).collect();
    assert!(columns.len() > 4 && columns.iter().all(|column| *column == columns[0]), "{columns:?} {decoded:#?}");
    let claims: Value = of_kubectl.claims();
    assert_eq!(columns.len(), claims.as_object().unwrap().len(), "each claim has a line");
}

/// The column of a line's second word.
fn value_at(line: &str) -> usize {
    let name = line.trim_start().split(' ').next().unwrap();
    let rest = &line[line.find(name).unwrap() + name.len()..];
    line.len() - rest.trim_start().len()
}

#[test]
#[cfg(target_os = "linux")]
fn the_token_leaves_only_for_a_cluster_that_the_policy_allows() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    kubeconfig(&home, &provider, true);
    let allowed = Etc::with_policy(&format!("allowed_servers = ['{SERVER}']"));
    let (code, stdout, stderr) = token(&mut allowed.over(home.kubekey().arg("token")));
    assert!(code == Some(0) && stdout.starts_with("ey"), "{stderr}");
    let no_context = home.run(&mut allowed.over(home.kubekey_for(&provider).arg("token")));
    assert_refused(&no_context, "a token for an unnamed cluster is not allowed");
    assert_refused(&no_context, "instead of your own: 'kubekey token --context ");
    let other = Etc::with_policy("allowed_servers = ['https://other.example']");
    let required = Etc::with_policy("require_cluster_info = true");
    for arguments in [&["token"][..], &["token", "--decode"]] {
        let refused = home.run(&mut other.over(home.kubekey().args(arguments)));
        assert_refused(&refused, &format!("a token for {SERVER} is not allowed"));
        let refused = home.run(&mut required.over(home.kubekey_for(&provider).args(arguments)));
        assert_refused(&refused, "a token for an unnamed cluster is not allowed");
    }
    kubeconfig(&home, &provider, false);
    let unnamed = home.run(&mut allowed.over(home.kubekey().arg("token")));
    assert_refused(&unnamed, "hint: set 'provideClusterInfo: true' in the kubeconfig's exec section of the user 'me'");
}

#[test]
fn the_version_is_a_command_too() {
    let home = Home::new(Mode::Absent);
    let by_flag = home.run(home.kubekey().arg("--version"));
    let version = home.run(home.kubekey().arg("version"));
    assert_eq!((version.code(), version.stdout), (Some(0), by_flag.stdout));
    assert_eq!(version.stderr, "");
}
