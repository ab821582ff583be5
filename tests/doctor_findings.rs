//! What `kubekey doctor` finds in surroundings that are not as they should be, and what it says to do.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::support::api_server::{ApiServer, REVIEW, kubeconfig, status};
use crate::support::browser::Mode;
use crate::support::client::get;
use crate::support::etc::Etc;
use crate::support::home::{Home, program};
use crate::support::provider::Provider;
use crate::support::provider::server::Answer;
use crate::support::run::Finished;

#[track_caller]
fn assert_finds(finished: &Finished, verdict: &str, check: &str, words: [&str; 2]) {
    let line = format!("{verdict:8} {check:13} ");
    let found = finished.stdout.split_once(&line).unwrap_or_else(|| panic!("no {line}: {finished:#?}")).1;
    let (what, rest) = found.split_once('\n').unwrap();
    assert!(what.contains(words[0]), "{}: {finished:#?}", words[0]);
    let advice = rest.trim_start().strip_prefix("-> ").unwrap_or_default().lines().next().unwrap_or_default();
    assert!(advice.contains(words[1]), "{}: {finished:#?}", words[1]);
}

fn doctor(home: &Home, provider: &Provider) -> Command {
    let mut kubekey = home.kubekey_for(provider);
    kubekey.arg("doctor");
    kubekey
}

/// Writes the user's kubeconfig.
fn write(home: &Home, text: &str) {
    fs::create_dir_all(home.path().join(".kube")).unwrap();
    fs::write(home.path().join(".kube/config"), text).unwrap();
}

#[test]
fn a_context_that_cannot_be_used_is_named() {
    let (home, provider) = (Home::new(Mode::Absent), Provider::start());
    let exec =
        json!({ "apiVersion": "client.authentication.k8s.io/v1", "command": program(), "interactiveMode": "Perhaps" });
    let good = kubeconfig(&json!({ "server": "https://k8s.example.com" }), &exec);
    let current = r#""current-context":"prod""#;
    for (text, verdict, words) in [
        (
            good.replace(current, r#""a":1"#),
            "warning",
            ["it has no current context", "run 'kubekey setup', which writes one"],
        ),
        (
            good.replace(current, r#""current-context":"dev""#),
            "error",
            ["the context 'dev' does not exist", "check one that runs kubekey:"],
        ),
        (
            good.replace(r#""cluster":"k8s""#, r#""cluster":"b""#),
            "error",
            ["which is not in the kubeconfig", "add it, or run 'kubekey setup'"],
        ),
        (
            good.replace(program().to_str().unwrap(), "aws"),
            "warning",
            ["does not run kubekey", "give --context NAME; 'kubekey setup' writes"],
        ),
    ] {
        write(&home, &text);
        assert_finds(&home.run(&mut doctor(&home, &provider)), verdict, "kubeconfig", words);
    }
    write(&home, &good);
    let finished = home.run(&mut doctor(&home, &provider));
    assert_finds(
        &finished,
        "error",
        "user",
        ["has interactiveMode 'Perhaps', which does not exist", "set 'interactiveMode: IfAvailable'"],
    );
    let finished = home.run(doctor(&home, &provider).env("KUBERC", "kuberc"));
    assert_finds(
        &finished,
        "warning",
        "kuberc",
        ["KUBERC is 'kuberc', a relative path, which kubekey does not read", "fix it"],
    );
}

#[test]
fn storage_that_does_not_work_is_named_with_another() {
    let provider = Provider::start();
    let home = Home::new(Mode::Absent).store_in("auto");
    let finished = home.run(&mut doctor(&home, &provider));
    assert_finds(
        &finished,
        "warning",
        "keyring",
        ["", "unlock or start it; until then --token-storage=auto does without it"],
    );
    let home = Home::new(Mode::Absent).store_in("keyring");
    let finished = home.run(&mut doctor(&home, &provider));
    assert_finds(&finished, "error", "keyring", ["", "unlock or start it, or give another --token-storage"]);
}

#[test]
fn another_copy_on_the_path_is_named() {
    let (home, provider) = (Home::new(Mode::Absent), Provider::start());
    let folder = home.path().join("bin");
    fs::create_dir(&folder).unwrap();
    assert!(Command::new("cp").arg(program()).arg(&folder).status().unwrap().success());
    let finished = home.run(doctor(&home, &provider).env("PATH", &folder));
    let words =
        ["is on PATH, and another copy is running", "compare 'kubekey version' of both, and remove one of them"];
    assert_finds(&finished, "warning", "copies", words);
}

#[test]
fn a_token_that_an_api_server_does_not_see_is_a_matter_of_a_proxy() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    home.run(&mut home.kubekey_for(&provider)).credential();
    let anonymous = json!({ "username": "system:anonymous", "groups": ["system:unauthenticated"] });
    let review = json!({ "kind": "SelfSubjectReview", "status": { "userInfo": anonymous } });
    let server = ApiServer::answering(None, move |request| match request.path.as_str() {
        REVIEW => Answer::json(201, &review),
        _ => status(404, "none"),
    });
    let args = [format!("--issuer-url={}", provider.issuer()), format!("--client-id={}", provider.client_id())];
    let exec = json!({ "apiVersion": "client.authentication.k8s.io/v1", "command": "kubekey", "args": args, "interactiveMode": "IfAvailable" });
    write(&home, &kubeconfig(&json!({ "server": server.url() }), &exec));
    let finished = home.run(home.kubekey().arg("doctor"));
    assert_finds(
        &finished,
        "error",
        "API server",
        ["it did not see the token, and takes you for nobody", "a proxy in front of it"],
    );
}

#[test]
fn a_provider_whose_certificate_is_not_verified_is_an_error_or_a_warning() {
    use crate::support::tls::COMPANY;
    let home = Home::new(Mode::Absent);
    let provider = Provider::start_at("127.0.0.1".parse().unwrap(), Some(COMPANY.server("127.0.0.1", |_| ())));
    let finished = home.run(doctor(&home, &provider).arg("--insecure-skip-tls-verify"));
    assert_finds(
        &finished,
        "warning",
        "provider",
        ["its certificate is not verified: anyone can intercept", "remove insecure-skip-tls-verify"],
    );
    let ca = home.path().join("ca.pem");
    fs::write(&ca, COMPANY.pem()).unwrap();
    let finished = home.run(doctor(&home, &provider).arg("--certificate-authority").arg(&ca));
    assert_finds(&finished, "ok", "provider", ["and its certificate is verified", ""]);
}

#[test]
fn what_a_policy_takes_away_is_named() {
    let (home, provider) = (Home::new(Mode::Absent), Provider::start());
    let etc = Etc::with_policy("allowed_flows = ['device']\nlocked_flags = ['post-login-url']\n");
    let mut kubekey = doctor(&home, &provider);
    kubekey.env("BROWSER", "firefox");
    let finished = home.run(&mut etc.over(&kubekey));
    let advice = "ask your administrator for another flow ('allowed_flows')";
    assert_finds(&finished, "error", "flow", ["the policy does not allow every flow", advice]);
    let etc = Etc::with_policy("");
    let finished = home.run(&mut etc.over(&kubekey));
    assert_finds(
        &finished,
        "warning",
        "configuration",
        ["the variable BROWSER is ignored: the policy locks", "unset it, or ask your administrator"],
    );
}

/// A user whose kubeconfig has this cluster, with a sign-in whose token lasts this long.
fn signed_in(cluster: &serde_json::Value, arguments: &[&str], lifetime: i64) -> (Home, Provider) {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    provider.configure(|behaviour| behaviour.lifetime = lifetime);
    home.run(home.kubekey_for(&provider).args(arguments)).credential();
    let own = [format!("--issuer-url={}", provider.issuer()), format!("--client-id={}", provider.client_id())];
    let args: Vec<_> = own.into_iter().chain(arguments.iter().map(|&argument| argument.to_owned())).collect();
    let exec = json!({ "apiVersion": "client.authentication.k8s.io/v1", "command": program(), "args": args, "interactiveMode": "IfAvailable" });
    write(&home, &kubeconfig(cluster, &exec));
    (home, provider)
}

#[test]
fn what_the_api_server_does_not_take_is_named() {
    for (code, arguments, words) in [
        (418, &[][..], ["it returned HTTP 418", "tell the cluster's administrator"]),
        (401, &["--use-access-token"], ["HTTP 401), which is an opaque access token", "leave --use-access-token out"]),
    ] {
        let server = ApiServer::answering(None, move |_| status(code, "a word"));
        let (home, _provider) = signed_in(&json!({ "server": server.url() }), arguments, 3600);
        assert_finds(&home.run(home.kubekey().arg("doctor")), "error", "API server", words);
    }
    let (home, _provider) = signed_in(&json!({}), &[], 3600);
    assert_finds(&home.run(home.kubekey().arg("doctor")), "error", "API server", ["it has no server", "fix it"]);
    let cluster = json!({ "server": "https://127.0.0.1:9", "tls-server-name": "a b" });
    let (home, _provider) = signed_in(&cluster, &[], 3600);
    let words =
        ["its 'tls-server-name' is not a host name", "fix it in the kubeconfig, with 'kubectl config set-cluster k8s'"];
    assert_finds(&home.run(home.kubekey().arg("doctor")), "error", "API server", words);
}

#[test]
fn a_token_that_has_expired_needs_nothing() {
    let (home, _provider) = signed_in(&json!({ "server": "https://127.0.0.1:9" }), &[], 3);
    let words = ["the saved token has expired; the next run of kubectl refreshes it", ""];
    assert_finds(&home.run(home.kubekey().arg("doctor")), "ok", "sign-in", words);
}

#[test]
fn the_flow_is_told_with_its_reason() {
    let (home, provider) = (Home::new(Mode::Absent), Provider::start());
    for (variables, words) in [
        (&[("CODESPACES", "true")][..], "this is a codespace"),
        (&[("CODESPACES", "true"), ("BROWSER", "/bin/true")], "in a codespace the browser may not reach this machine"),
        (&[("VSCODE_IPC_HOOK_CLI", "/s"), ("BROWSER", "/bin/true")], "VS Code opens the browser on the user's machine"),
    ] {
        let finished = home.run(doctor(&home, &provider).envs(variables.iter().copied()));
        assert!(finished.stdout.contains(words), "{words}: {finished:#?}");
    }
    provider.configure(|behaviour| behaviour.offers_device = true);
    let finished = home.run(&mut doctor(&home, &provider));
    assert!(
        finished.stdout.contains("sign in with the code that kubekey prints, in a browser anywhere"),
        "{finished:#?}"
    );
}

#[test]
fn a_cluster_of_a_file_without_its_server_is_named_with_the_command_that_checks() {
    let (home, provider) = (Home::new(Mode::Absent), Provider::start());
    let file = home.config().join("kubekey/config.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "[[clusters]]\nname = 'a'\n").unwrap();
    let words = ["the cluster has no server", "'kubekey config check' checks all files"];
    assert_finds(&home.run(&mut doctor(&home, &provider)), "error", "configuration", words);
}

#[test]
fn a_provider_that_does_not_tell_its_time_is_no_problem() {
    let (home, provider) = (Home::new(Mode::Absent), Provider::start());
    let document = get(&format!("{}/.well-known/openid-configuration", provider.issuer())).body;
    let answer = Answer::new(200, "application/json", document).with_header("date", "soon");
    provider.configure(|behaviour| behaviour.discovery_answer = Some(answer));
    let finished = home.run(&mut doctor(&home, &provider));
    let line = format!("{:8} {:13} the provider does not tell its time\n", "ok", "clock");
    assert!(finished.stdout.contains(&line), "{finished:#?}");
}
