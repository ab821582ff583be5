//! `kubekey doctor`: what it finds, what it says to do, and what it never does.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kubekey::shell::quoted;
use serde_json::{Value, json};

use crate::support::api_server::{ApiServer, kubeconfig, status};
use crate::support::browser::Mode;
#[cfg(target_os = "linux")]
use crate::support::etc::Etc;
use crate::support::home::{Home, program};
use crate::support::provider::Provider;
use crate::support::provider::behaviour::edit;
use crate::support::provider::server::Answer;
use crate::support::run::Finished;
#[cfg(target_os = "linux")]
use crate::support::terminal::{Person, shown};
use crate::support::tls::COMPANY;

/// A user who has set up everything, for an API server behind TLS.
struct Place {
    home: Home,
    provider: Provider,
    server: ApiServer,
}

impl Place {
    fn new(home: Home) -> Self {
        let server = ApiServer::start(Some(COMPANY.server("127.0.0.1", |_| ())));
        let place = Place { home, provider: Provider::start(), server };
        place.write(|_, _| ());
        place
    }

    fn signed_in() -> Self {
        let place = Self::new(Home::new(Mode::Follow).store_in("file"));
        place.home.run(&mut place.home.kubekey_for(&place.provider)).credential();
        place.provider.forget_requests();
        place
    }

    /// Writes the kubeconfig, with a changed cluster and `exec`.
    fn write(&self, change: impl FnOnce(&mut Value, &mut Value)) {
        let args =
            [format!("--issuer-url={}", self.provider.issuer()), format!("--client-id={}", self.provider.client_id())];
        let mut exec = json!({
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": program(),
            "args": args,
            "interactiveMode": "IfAvailable",
            "provideClusterInfo": true,
        });
        let data = STANDARD.encode(COMPANY.pem());
        let mut cluster = json!({ "server": self.server.url(), "certificate-authority-data": data });
        change(&mut cluster, &mut exec);
        fs::create_dir_all(self.home.path().join(".kube")).unwrap();
        fs::write(self.home.path().join(".kube/config"), kubeconfig(&cluster, &exec)).unwrap();
    }

    fn command(&self) -> Command {
        let mut kubekey = self.home.kubekey();
        kubekey.arg("doctor");
        kubekey
    }

    fn doctor(&self) -> Finished {
        let finished = self.home.run(&mut self.command());
        self.assert_untouched(&finished);
        finished
    }

    /// Nobody was signed in, and nothing was refreshed.
    fn assert_untouched(&self, finished: &Finished) {
        let requests = ["/token", "/authorize", "/device_authorization"].map(|path| self.provider.count(path));
        assert_eq!(requests, [0; 3], "{finished:#?}");
    }
}

/// The words of the line about `check`, without its verdict, and what to do.
#[track_caller]
fn line<'a>(finished: &'a Finished, verdict: &str, check: &str) -> &'a str {
    let start = format!("{verdict:8} {check:13} ");
    let at = finished.stdout.find(&start);
    let at = at.unwrap_or_else(|| panic!("no {verdict} about {check}: {}\n{}", finished.stdout, finished.stderr));
    let rest = &finished.stdout[at + start.len()..];
    let end = rest.match_indices('\n').find(|(end, _)| !rest[end + 1..].starts_with("        ")).map(|(end, _)| end);
    &rest[..end.unwrap_or(rest.len())]
}

#[test]
fn where_all_is_well_each_part_is_tried_and_nobody_is_signed_in() {
    let place = Place::signed_in();
    let opened = place.home.browser.urls().len();
    let finished = place.doctor();
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    let checks = [
        ("version", env!("CARGO_PKG_VERSION")),
        ("policy", "there is none"),
        ("configuration", "there are no files"),
        ("kubeconfig", "the context 'prod' for the cluster 'k8s' at https://127.0.0.1:"),
        ("user", "'me' runs "),
        ("kuberc", "there is none"),
        ("proxy", "none"),
        ("provider", &format!("{} has a discovery document", place.provider.issuer())),
        ("clock", "at most a minute from the provider's"),
        ("keys", "they can be used"),
        ("flow", "browser"),
        ("listener", "the redirect URI would be http://127.0.0.1:"),
        ("browser", ""),
        ("pages", "the built-in ones"),
        ("storage", "files in "),
        ("sign-in", "a token is saved, and valid until "),
        ("API server", "it takes you for 'oidc:jane', with 2 group(s)"),
    ];
    for (check, words) in checks {
        let found = line(&finished, "ok", check);
        assert!(found.starts_with(words), "{check}: {found:?} {finished:#?}");
    }
    assert_eq!(place.server.tokens().len(), 1, "the API server is asked once");
    assert_eq!(place.home.browser.urls().len(), opened, "no browser is opened");
    assert!(!finished.stdout.contains("error"), "{finished:#?}");

    let json = place.home.run(place.command().arg("--output=json"));
    let json: Value = serde_json::from_str(&json.stdout).unwrap_or_else(|error| panic!("{error}: {json:#?}"));
    let lines = json["lines"].as_array().unwrap();
    assert_eq!(
        (&json["errors"], &lines[0]["check"], &lines[0]["verdict"]),
        (&json!(0), &json!("version"), &json!("ok"))
    );
    // That on copies of kubekey on PATH is a warning here.
    assert_eq!(lines.len(), checks.len() + 1, "{json:#}");
}

#[test]
fn what_is_wrong_is_named_with_what_to_do() {
    let place = Place::signed_in();
    let failed = |verdict: &str, check: &str, words: [&str; 2]| {
        let finished = place.doctor();
        assert_eq!(finished.code(), Some(i32::from(verdict == "error")), "{check}: {finished:#?}");
        let found = line(&finished, verdict, check);
        let (what, to_do) = found.split_once("-> ").unwrap_or_else(|| panic!("{check}: {found}"));
        assert!(what.contains(words[0]) && to_do.contains(words[1]), "{words:?}: {found}");
    };
    let best = "set 'interactiveMode: IfAvailable'";
    let users: [(&str, Value, &str, [&str; 2]); 6] = [
        (
            "command",
            json!("/nowhere/kubekey"),
            "error",
            ["runs /nowhere/kubekey, which does not exist", "install kubekey there"],
        ),
        (
            "apiVersion",
            json!("client.authentication.k8s.io/v1alpha1"),
            "error",
            ["v1alpha1', which kubekey does not support", "set 'apiVersion: "],
        ),
        ("interactiveMode", json!(null), "error", ["which v1 requires", best]),
        ("interactiveMode", json!("Never"), "warning", ["nothing can be typed", best]),
        ("interactiveMode", json!("Always"), "warning", ["without a terminal", best]),
        (
            "provideClusterInfo",
            json!(false),
            "warning",
            ["does not say which cluster it is for", "set 'provideClusterInfo: true'"],
        ),
    ];
    for (field, value, verdict, words) in users {
        place.write(|_, exec| exec[field] = value);
        failed(verdict, "user", words);
    }
    place.write(|cluster, _| cluster["certificate-authority-data"] = json!(""));
    failed("error", "API server", ["the certificate of 127.0.0.1", "kubectl --context prod get --raw /version"]);
    place.write(|_, _| ());

    let config = place.home.config().join("kubekey/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(&config, "login_tmeout = '9s'\n").unwrap();
    failed(
        "error",
        "configuration",
        ["unknown setting 'login_tmeout' (did you mean 'login_timeout'?)", "fix or remove it"],
    );
    fs::remove_file(&config).unwrap();

    let kuberc = place.home.path().join(".kube/kuberc");
    fs::write(
        &kuberc,
        "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\ncredentialPluginPolicy: DenyAll\n",
    )
    .unwrap();
    failed("error", "kuberc", ["does not let kubectl run ", "kubekey setup --print kuberc"]);
    fs::remove_file(&kuberc).unwrap();
    let finished = place.doctor();
    assert_eq!(finished.code(), Some(0), "all was put back: {finished:#?}");
}

#[test]
fn what_the_settings_name_is_tried() {
    let place = Place::signed_in();
    let failed = |arguments: &[String], code: i32, verdict: &str, check: &str, words: [&str; 2]| {
        let finished = place.home.run(place.command().arg("--context=prod").args(arguments));
        place.assert_untouched(&finished);
        assert_eq!(finished.code(), Some(code), "{check}: {finished:#?}");
        let found = line(&finished, verdict, check);
        assert!(found.contains(words[0]) && found.contains(words[1]), "{words:?}: {found}");
    };
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("--listen-address={}", taken.local_addr().unwrap());
    failed(&[address], 1, "error", "listener", ["cannot listen for the browser's response", "stop the program"]);

    let templates = place.home.path().join("templates");
    fs::create_dir(&templates).unwrap();
    fs::write(templates.join("signed_in.html"), "<p>\n{{ nmae }}").unwrap();
    let template_dir = format!("--template-dir={}", templates.display());
    failed(&[template_dir], 1, "error", "pages", ["signed_in.html line 2: ", "docs/pages.md"]);
    let nowhere = format!("--template-dir={}", place.home.path().join("nowhere").display());
    failed(&[nowhere], 1, "error", "pages", ["is not a folder", "--template-dir"]);
    let no_program = "--browser-command=/nowhere/browser".to_owned();
    failed(
        &[no_program],
        0,
        "warning",
        "browser",
        ["none of these programs exists: /nowhere/browser", "--browser-command"],
    );
    let none = ["--skip-open-browser=true".to_owned()];
    failed(&none, 0, "warning", "browser", ["none is opened: --skip-open-browser is set", "open the URL"]);
    failed(
        &["--token-storage=none".to_owned()],
        0,
        "warning",
        "storage",
        ["each run signs in", "--token-storage=auto"],
    );
    failed(&["--login-timeout=never".to_owned()], 1, "error", "settings", ["--login-timeout", "->"]);
    let missing = place.home.run(place.command().arg("--context=dev"));
    assert_eq!(missing.code(), Some(1), "{missing:#?}");
    assert!(line(&missing, "error", "kubeconfig").starts_with("the context 'dev' does not exist"));
}

#[test]
fn a_provider_that_is_gone_or_has_another_time_or_no_keys_is_told_and_the_rest_is_checked() {
    let mut place = Place::signed_in();
    let issuer = place.provider.issuer();
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
    });
    let late = Answer::json(200, &document).with_header("date", "Wed, 01 Jan 2020 00:00:00 GMT");
    place.provider.configure(|behaviour| behaviour.discovery_answer = Some(late));
    let finished = place.doctor();
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    assert!(line(&finished, "warning", "clock").contains(" s ahead of the provider's"), "{finished:#?}");
    place.provider.configure(|behaviour| {
        behaviour.discovery_answer = None;
        behaviour.jwks = edit(|jwks| jwks["keys"] = json!("none"));
    });
    let finished = place.doctor();
    assert_eq!(finished.code(), Some(1), "{finished:#?}");
    assert!(line(&finished, "error", "keys").contains("cannot be used"), "{finished:#?}");
    place.provider.stop();
    let finished = place.doctor();
    assert_eq!(finished.code(), Some(1), "{finished:#?}");
    assert!(line(&finished, "error", "provider").contains("cannot be reached"), "{finished:#?}");
    assert!(line(&finished, "warning", "flow").starts_with("it depends on the provider"), "{finished:#?}");
    line(&finished, "ok", "storage");
    line(&finished, "ok", "API server");
}

#[test]
fn without_a_token_the_api_server_is_not_asked_and_a_refusal_is_explained() {
    let place = Place::new(Home::new(Mode::Absent).store_in("file"));
    let finished = place.doctor();
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    assert!(line(&finished, "ok", "sign-in").starts_with("no valid token is saved"), "{finished:#?}");
    assert!(place.server.requests().is_empty() && !finished.stdout.contains("API server"), "{finished:#?}");

    let mut place = Place::signed_in();
    place.server = ApiServer::answering(Some(COMPANY.server("127.0.0.1", |_| ())), |_| status(401, "Unauthorized"));
    place.write(|_, _| ());
    let finished = place.doctor();
    assert_eq!(finished.code(), Some(1), "{finished:#?}");
    let found = line(&finished, "error", "API server");
    let issuer = format!("whose iss is '{}', its aud '{}'", place.provider.issuer(), place.provider.client_id());
    assert!(found.contains(&issuer) && found.contains("kubekey setup --print kube-apiserver"), "{found}");
}

#[test]
#[cfg(target_os = "linux")]
fn the_keyring_is_tried_with_a_large_value_which_is_gone_afterwards() {
    let mut place = Place::new(Home::with_keyring(Mode::Absent));
    let finished = place.doctor();
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    assert_eq!(line(&finished, "ok", "keyring"), "a large value was saved, read and removed");
    assert!(place.home.keyring().secrets().is_empty(), "nothing is left");
    place.home.keyring_mut().lock();
    let locked = place.doctor();
    assert_eq!(locked.code(), Some(1), "{locked:#?}");
    assert!(line(&locked, "error", "keyring").contains("locked"), "{locked:#?}");
    assert!(place.home.keyring().secrets().is_empty(), "nothing is left");
}

#[test]
#[cfg(target_os = "linux")]
fn the_kernels_keys_are_tried_where_they_are_used() {
    let place = Place::new(Home::new(Mode::Absent).store_in("kernel"));
    let finished = place.doctor();
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    assert_eq!(line(&finished, "ok", "kernel keys"), "a value was saved, read and removed");
    assert_eq!(line(&finished, "ok", "storage"), "kernel, as it is set");
    assert!(!finished.stdout.contains("keyring"), "{finished:#?}");
}

#[test]
#[cfg(unix)]
fn several_copies_on_path_are_named() {
    let place = Place::new(Home::new(Mode::Absent).store_in("file"));
    let folders = ["a", "b", "c"].map(|name| place.home.path().join(name));
    for folder in &folders {
        fs::create_dir(folder).unwrap();
    }
    std::os::unix::fs::symlink(program(), folders[0].join("kubekey")).unwrap();
    std::os::unix::fs::symlink(folders[0].join("kubekey"), folders[1].join("kubekey")).unwrap();
    let with_path = |folders: &[std::path::PathBuf]| {
        let path = std::env::join_paths(folders).unwrap();
        place.home.run(place.command().env("PATH", path))
    };
    let one = with_path(&folders);
    assert!(line(&one, "ok", "copies").ends_with("/a/kubekey is the only one on PATH"), "{one:#?}");
    fs::write(folders[2].join("kubekey"), "another").unwrap();
    let two = with_path(&folders);
    let found = line(&two, "warning", "copies");
    assert!(found.starts_with("2 copies are on PATH: ") && found.contains("/c/kubekey"), "{found}");
    let none = with_path(&[]);
    assert!(line(&none, "warning", "copies").starts_with("no kubekey is on PATH"), "{none:#?}");
}

/// Everything that a reader of a ticket must not learn, in errors as well as where all is well.
#[test]
fn a_shared_report_names_nobody_and_nothing() {
    let place = Place::signed_in();
    let subject = "subject-of-jane";
    place.provider.configure(|behaviour| {
        behaviour.claims = edit(move |claims| {
            claims.insert("sub".into(), json!(subject));
            claims.insert("email".into(), json!("jane.doe@corp.example"));
            claims.insert("groups".into(), json!(["team-rocket"]));
        });
    });
    place.home.run(place.home.kubekey_for(&place.provider).arg("logout"));
    place.home.run(&mut place.home.kubekey_for(&place.provider)).credential();
    place.provider.forget_requests();
    let (client, home) = (place.provider.client_id(), place.home.path().display().to_string());
    let secret = "canary-secret-of-the-client";
    let forbidden = format!("User \"oidc:{subject}\" of api.corp.example (10.11.12.13) cannot");
    let refusing = ApiServer::answering(Some(COMPANY.server("127.0.0.1", |_| ())), move |_| status(403, &forbidden));
    for is_broken in [false, true] {
        if is_broken {
            place.write(|cluster, entry| {
                cluster["server"] = json!(refusing.url());
                entry["command"] = json!(place.home.path().join("bin/kubekey"));
            });
        }
        let text = fs::read_to_string(place.home.path().join(".kube/config")).unwrap();
        let named = text.replace("\"prod\"", "\"secret-context\"").replace("\"k8s\"", "\"secret-cluster\"");
        fs::write(place.home.path().join(".kube/config"), named.replace("\"me\"", "\"secret-user\"")).unwrap();
        let mut others = vec![client.as_str(), &home, subject, "jane.doe", "corp.example", "team-rocket", secret];
        others.extend(["secret-context", "secret-cluster", "secret-user", "10.11.12.13", "login-name"]);
        let issuer = place.provider.issuer();
        others.push(&issuer);
        for output in ["text", "json"] {
            let mut command = place.command();
            command
                .args(["--share", "--output", output])
                .env("KUBEKEY_CLIENT_SECRET", secret)
                .env("USER", "login-name");
            let finished = place.home.run(&mut command);
            assert_eq!(finished.code(), Some(i32::from(is_broken)), "{finished:#?}");
            let open = place.home.run(place.command().args(["--output", output]));
            assert!(["secret-context", &client].iter().any(|name| open.stdout.contains(name)), "{open:#?}");
            for name in &others {
                assert!(!finished.stdout.contains(name), "{name}: {}", finished.stdout);
                assert!(!finished.stderr.contains(name), "{name}: {}", finished.stderr);
            }
            assert!(finished.stdout.contains("would be http://127.0.0.1:"), "{finished:#?}");
            assert!(finished.stdout.contains("CONTEXT") && finished.stdout.contains("ISSUER"), "{finished:#?}");
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_policy_is_asked_before_the_token_leaves() {
    let place = Place::signed_in();
    let url = place.server.url();
    let allowed = format!("allowed_servers = ['{url}']");
    let not_allowed = format!("a token for {url} is not allowed");
    let unverified = "without certificate verification is not allowed";
    let unnamed = "a token for an unnamed cluster is not allowed";
    let other = "is not allowed by the policy";
    for (policy, is_insecure, provides, refused) in [
        (&*allowed, false, true, None),
        (&allowed, false, false, Some(("API server", unnamed))),
        (&allowed, true, true, Some(("API server", unverified))),
        ("allowed_servers = ['https://other.example']", false, true, Some(("API server", &*not_allowed))),
        ("require_cluster_info = true", false, true, None),
        ("require_cluster_info = true", false, false, Some(("API server", unnamed))),
        ("allow_insecure_tls = false", true, true, Some(("API server", unverified))),
        ("allow_insecure_tls = false", false, true, None),
        ("max_session = '12h'", true, true, Some(("API server", unverified))),
        ("allowed_issuers = ['https://other.example']", false, true, Some(("settings", other))),
        ("allowed_client_ids = ['other']", false, true, Some(("settings", other))),
        ("no_such_key = 1", false, true, Some(("policy", "no_such_key"))),
    ] {
        place.write(|cluster, exec| {
            cluster["insecure-skip-tls-verify"] = json!(is_insecure);
            exec["provideClusterInfo"] = json!(provides);
        });
        let before = place.server.requests().len();
        let finished = place.home.run(&mut Etc::with_policy(policy).over(&place.command()));
        let sent = place.server.requests().len() - before;
        assert_eq!(sent, usize::from(refused.is_none()), "{policy}: {finished:#?}");
        match refused {
            Some((check, words)) => {
                assert_eq!(finished.code(), Some(1), "{policy}: {finished:#?}");
                assert!(line(&finished, "error", check).contains(words), "{policy}: {finished:#?}");
            }
            None => assert_eq!(finished.code(), Some(0), "{policy}: {finished:#?}"),
        }
    }
    let own =
        place.home.run(&mut Etc::with_policy(&allowed).over(place.home.kubekey_for(&place.provider).arg("doctor")));
    assert!(!own.stdout.contains("API server"), "without a context no server is asked: {own:#?}");
}

#[test]
fn a_pause_after_a_sign_in_that_nobody_answered_is_named_with_what_ends_it() {
    let place = Place::signed_in();
    let now = chrono::Utc::now().timestamp();
    let unanswered = json!({ "times": 2, "at": now, "desktop": {} });
    place.home.edit_state(|state| state["unanswered"] = unanswered);
    let finished = place.home.run(place.command().args(["--context=prod", "--share"]));
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    let named = line(&finished, "warning", "cool-down");
    assert!(named.starts_with("the last sign-in timed out, so the next one can start in 1"), "{named}");
    let named = place.home.run(place.command().args(["--context=prod", "--output=json"]));
    let ends = "run 'kubekey login --context prod' to sign in now";
    assert!(named.stdout.contains(&format!("\"what_to_do\": \"{ends}\"")), "{named:#?}");
    // A program that signs in without a person has none.
    let program = place.home.run(place.command().arg("--skip-open-browser"));
    assert!(!program.stdout.contains("cool-down"), "{program:#?}");
}

#[test]
#[cfg(target_os = "linux")] // The person at a terminal is for Linux.
fn in_a_terminal_it_breaks_at_words_and_its_commands_do_not() {
    let place = Place::signed_in();
    place.write(|cluster, _| cluster["server"] = json!("https://127.0.0.1:9"));
    let mut person = Person::run_at(&shown(place.command().env("KUBEKEY_LOG", "info")), 60);
    person.wait_for("exit code 1");
    let screen = person.screen().replace('\r', "");
    let lines: Vec<_> = screen.lines().collect();
    let command = "                          kubectl --context prod get --raw /version";
    assert!(lines.contains(&command), "{screen}");
    let others = lines.iter().filter(|line| **line != command && !line.contains('/'));
    assert!(others.clone().all(|line| line.chars().count() <= 60), "{screen}");
    assert!(others.filter(|line| line.starts_with(&" ".repeat(23))).count() > 2, "{screen}");
}

#[test]
fn a_user_of_another_program_is_shown_how_to_move() {
    let place = Place::new(Home::new(Mode::Absent));
    place.write(|_, exec| {
        let [issuer, client] = ["--oidc-issuer-url=https://login.example.com", "--oidc-client-id=x"];
        *exec = json!({ "command": "kubelogin", "args": ["get-token", issuer, client] });
    });
    let file = place.home.path().join(".kube/config");
    let finished = place.home.run(place.command().arg("--kubeconfig").arg(&file));
    let named = line(&finished, "warning", "kubeconfig");
    assert!(named.starts_with("the user of the context 'prod' signs in with kubelogin\n"), "{named}");
    let command = format!("kubekey setup --from-kubelogin --kubeconfig {}", quoted(file.to_str().unwrap()));
    assert!(named.ends_with(&format!("\n{:26}{command}", "")), "{named}");
}

#[test]
fn of_a_context_that_is_not_there_the_others_are_named_and_without_a_kubeconfig_it_comes_first() {
    let place = Place::new(Home::new(Mode::Absent));
    let gone = place.home.run(place.command().arg("--context=gone"));
    let named = line(&gone, "error", "kubeconfig");
    let expected = format!(
        "the context 'gone' does not exist\n{0:23}-> check one that runs kubekey:\n{0:26}kubekey doctor --context prod",
        ""
    );
    assert_eq!(named, expected);
    fs::write(place.home.path().join(".kube/config"), "contexts: [\n").unwrap();
    let broken = place.doctor();
    let named = line(&broken, "error", "settings");
    assert!(named.ends_with("-> fix the kubeconfig first"), "{named}");
}

#[test]
fn a_context_that_cannot_be_chosen_or_used_is_one_of_its_lines_and_a_shared_report_has_no_name_of_it() {
    let place = Place::new(Home::new(Mode::Absent));
    let check = |arguments: &[&str]| {
        let found = place.home.run(place.command().args(arguments));
        assert_eq!(found.code(), Some(1), "{found:#?}");
        assert!(found.stdout.contains("policy") && found.stdout.contains("kuberc"), "the rest is checked: {found:#?}");
        found
    };
    let nowhere = check(&["--cluster=nope"]);
    let named = line(&nowhere, "error", "kubeconfig");
    assert!(named.starts_with("no context for the cluster 'nope' runs kubekey\n"), "{named}");
    assert!(named.ends_with("\n                          kubekey doctor --context prod"), "{named}");
    place.write(|_, exec| exec["args"] = json!(["--issuer-url=https://login.example.com", "--no-such-flag"]));
    let unusable = check(&[]);
    let named = line(&unusable, "error", "kubeconfig");
    assert!(
        named.starts_with("the args of context 'prod' cannot be used: unexpected argument '--no-such-flag'"),
        "{named}"
    );
    for shared in [check(&["--share", "--cluster=nope"]), check(&["--share", "--context=prod"])] {
        let said = format!("{}{}", shared.stdout, shared.stderr);
        assert!(!said.contains("prod") && !said.contains("nope"), "{said}");
    }
}

#[test]
fn a_shared_report_repeats_no_word_of_arguments_that_cannot_be_used() {
    let place = Place::new(Home::new(Mode::Absent));
    for (args, why) in [
        (json!(["--issuer-url=https://x.example", "acmeclient"]), "unexpected argument '...' found"),
        (json!(["--scope", "openid", "acme-groups"]), "unexpected argument '...' found"),
        (json!(["--acmeflag=acme's 'own'"]), "unexpected argument '...' found"),
        (json!(["--client-secret=ab", "acmeSECRET"]), "unexpected argument '...' found"),
        (json!(["--client-secret", "-hacmeSECRET"]), "unexpected argument '...' found"),
        (json!(["--client-secret"]), "a value is required for '--client-secret <SECRET>'"),
        (json!(["-vacme"]), "'...' cannot be used: -v takes a number"),
        (json!(["--oidc-pkce-method=acme"]), "--oidc-pkce-method '...' cannot be used: it must be"),
    ] {
        place.write(|_, exec| exec["args"] = args.clone());
        let shared = place.home.run(place.command().arg("--share"));
        assert!(shared.stdout.contains(&format!("cannot be used: {why}")), "{args}: {shared:#?}");
        assert!(!format!("{}{}", shared.stdout, shared.stderr).contains("acme"), "{args}: {shared:#?}");
    }
}
