//! `kubekey setup` with clusters that an administrator has described: which it writes, and which settings it leaves to
//! the files.

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::browser::Mode;
use crate::support::etc::Etc;
use crate::support::home::Home;
use crate::support::kubeconfig::{PLAIN, V1BETA1, entry, names, view};
use crate::support::provider::Provider;
use crate::support::tls::COMPANY;

const CHANGED: Option<i32> = Some(10);

const SETTINGS: &str = "issuer_url = 'https://login.example.com'\nclient_id = 'kubernetes'\n";

/// Two clusters, the second with every setting.
fn fleet(authority: &Path, data: &str) -> String {
    format!(
        "{SETTINGS}
        [profiles.staging]
        issuer_url = 'https://staging-login.example.com'
        [[clusters]]
        name = 'prod'
        server = 'https://k8s.example.com:6443'
        certificate_authority = '{}'
        [[clusters]]
        name = 'test'
        server = 'https://test.example.com:6443'
        certificate_authority_data = '{data}'
        profile = 'staging'
        namespace = 'team-a'
        context = 'try'",
        authority.display()
    )
}

fn cluster(name: &str, more: &str) -> String {
    format!("[[clusters]]\nname = '{name}'\nserver = 'https://{name}.example.com'\n{more}\n")
}

fn offline(home: &Home) -> Command {
    let mut command = home.kubekey();
    command.args(["setup", "--offline", "--detailed-exitcode"]);
    command
}

fn arguments(view: &Value, user: &str) -> Value {
    entry(view, "users", user).expect("a user")["user"]["exec"]["args"].clone()
}

#[test]
fn all_clusters_of_the_files_are_written_and_what_the_files_say_is_not() {
    let home = Home::new(Mode::Absent);
    let ca = home.path().join("ca.pem");
    fs::write(&ca, COMPANY.pem()).unwrap();
    let data = STANDARD.encode(COMPANY.pem());
    let etc = Etc::new(&[("config.toml", &fleet(&ca, &data))]);
    fs::create_dir(home.path().join(".kube")).unwrap();
    let file = home.path().join(".kube").join("config");
    fs::write(&file, PLAIN).unwrap();
    let finished = home.run(&mut etc.over(offline(&home).arg("--output=json")));
    assert_eq!(finished.code(), CHANGED, "{finished:#?}");
    let report: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(
        report["clusters"],
        json!([
            {"cluster": "prod", "user": "kubekey-prod", "context": "prod"},
            {"cluster": "test", "user": "kubekey-test", "context": "try"}
        ])
    );
    assert_eq!(report["files"][0]["actions"].as_array().unwrap().len(), 6);
    let after = view(&home, &file);
    assert_eq!(
        [
            &entry(&after, "clusters", "prod").unwrap()["cluster"],
            &entry(&after, "clusters", "test").unwrap()["cluster"]
        ],
        [
            &json!({"server": "https://k8s.example.com:6443", "certificate-authority": ca}),
            &json!({"server": "https://test.example.com:6443", "certificate-authority-data": data})
        ]
    );
    assert_eq!(
        [&entry(&after, "contexts", "prod").unwrap()["context"], &entry(&after, "contexts", "try").unwrap()["context"]],
        [
            &json!({"cluster": "prod", "user": "kubekey-prod"}),
            &json!({"cluster": "test", "user": "kubekey-test", "namespace": "team-a"})
        ]
    );
    assert_eq!(arguments(&after, "kubekey-prod"), json!([]), "the files are read in each run");
    assert_eq!(arguments(&after, "kubekey-test"), json!(["--profile=staging"]));
    assert_eq!(after["current-context"], "old");

    let again = home.run(&mut etc.over(&offline(&home)));
    assert_eq!(again.code(), Some(0), "{again:#?}");
    assert!(again.stderr.contains("contexts 'prod', 'try' are already set up"), "{again:#?}");
    assert_eq!(names(&home.path().join(".kube")), ["config", "config.kubekey-backup"]);
    let set = home.run(&mut etc.over(offline(&home).arg("--set-current")));
    assert_eq!((set.code(), &view(&home, &file)["current-context"]), (CHANGED, &json!("prod")), "the first of them");
}

#[test]
fn what_a_flag_or_a_variable_says_of_the_sign_in_is_written() {
    let home = Home::new(Mode::Absent);
    let etc = Etc::new(&[(
        "config.toml",
        &format!("{SETTINGS}[profiles.a]\nscope = 'a'\n[profiles.b]\n{}", cluster("prod", "profile = 'a'")),
    )]);
    let file = home.path().join(".kube").join("config");
    let args = |command: &mut Command| {
        let _ = fs::remove_dir_all(home.path().join(".kube"));
        let finished = home.run(&mut etc.over(command));
        assert_eq!(finished.code(), CHANGED, "{finished:#?}");
        arguments(&view(&home, &file), "kubekey-prod")
    };
    let mut from_variable = offline(&home);
    from_variable.env("KUBEKEY_ISSUER_URL", "https://other.example.com").env("KUBEKEY_SCOPE", "of-this-session");
    assert_eq!(args(&mut from_variable), json!(["--issuer-url=https://other.example.com", "--profile=a"]));
    assert_eq!(args(offline(&home).arg("--client-id=mine")), json!(["--client-id=mine", "--profile=a"]));
    assert_eq!(args(offline(&home).args(["--profile=b", "--scope=x"])), json!(["--profile=b", "--scope=x"]));
    assert_eq!(
        args(offline(&home).args(["--cluster=prod", "--context=c", "--user=kubekey-prod"])),
        json!(["--profile=a"])
    );
}

#[test]
fn one_cluster_is_chosen_by_its_name() {
    let home = Home::new(Mode::Absent);
    let files = format!("{SETTINGS}{}{}", cluster("production", ""), cluster("test", ""));
    let etc = Etc::new(&[("config.toml", &files)]);
    let run = |argument: &str| home.run(&mut etc.over(offline(&home).arg(argument)));
    for (argument, expected) in
        [("--cluster=prodution", "did you mean 'production'?"), ("--cluster=x", "known clusters: production, test")]
    {
        let finished = run(argument);
        assert_eq!(finished.code(), Some(2), "{argument}: {finished:#?}");
        assert!(finished.stderr.contains(expected), "{argument}: {finished:#?}");
        assert!(!home.path().join(".kube").exists(), "{argument}");
    }
    assert_eq!(run("--cluster=test").code(), CHANGED);
    let after = view(&home, &home.path().join(".kube").join("config"));
    assert!(entry(&after, "clusters", "test").is_some() && entry(&after, "clusters", "production").is_none());

    let mut described = offline(&home);
    described.args(["--cluster=mine", "--server=https://mine.example.com"]);
    assert_eq!(home.run(&mut etc.over(&described)).code(), CHANGED, "one that is in no file");
    let after = view(&home, &home.path().join(".kube").join("config"));
    assert!(entry(&after, "contexts", "mine").is_some() && entry(&after, "clusters", "production").is_none());
}

#[test]
fn what_does_not_fit_the_clusters_of_the_files_is_refused() {
    let pair = format!("{}{}", cluster("a", ""), cluster("b", ""));
    let same = format!("{}{}", cluster("a", ""), cluster("b", "context = 'a'"));
    for (files, arguments, expected) in [
        ("", &[][..], "no cluster is given, and no configuration file describes one"),
        (
            "",
            &["--cluster=a"],
            "no configuration file has a cluster 'a'\nhint: to add a new cluster, also give --server\n",
        ),
        ("", &["--server=https://a"], "--server needs a name"),
        (&pair, &["--context=c"], "--context is for one cluster"),
        (&pair, &["--user=c"], "--user is for one cluster"),
        (&pair, &["--namespace=c"], "--namespace is for one cluster"),
        (&pair, &["--certificate-authority=c"], "--certificate-authority is for one cluster"),
        (&same, &[], "clusters 'a' and 'b' have the same context"),
        (
            &cluster("a", "certificate_authority = '/nowhere'"),
            &[],
            "cluster 'a': certificate_authority '/nowhere' cannot be used: ",
        ),
        (&cluster("a", "profile = 'x'"), &[], "unknown profile 'x'"),
    ] {
        let home = Home::new(Mode::Absent);
        let etc = Etc::new(&[("config.toml", &format!("{SETTINGS}{files}"))]);
        let finished = home.run(&mut etc.over(offline(&home).args(arguments)));
        assert_eq!(finished.code(), Some(2), "{expected}: {finished:#?}");
        assert!(finished.stderr.contains(expected), "{expected}: {finished:#?}");
        assert!(finished.stderr.contains("hint: "), "{expected}: {finished:#?}");
        assert!(!home.path().join(".kube").exists(), "{expected}");
    }
}

#[test]
fn a_misspelt_field_of_a_cluster_is_named() {
    let home = Home::new(Mode::Absent);
    let etc = Etc::new(&[("config.toml", &format!("{SETTINGS}{}", cluster("a", "certificate_autority = '/ca.pem'")))]);
    let finished = home.run(&mut etc.over(&offline(&home)));
    assert_eq!(finished.code(), CHANGED, "{finished:#?}");
    assert!(finished.stderr.contains("did you mean 'certificate_authority'?"), "{finished:#?}");
}

#[test]
fn each_provider_is_asked_once_before_anything_is_written() {
    let home = Home::new(Mode::Absent);
    let (provider, mut other) = (Provider::start(), Provider::start());
    let files = format!(
        "issuer_url = '{}'\nclient_id = 'kubernetes'\n[profiles.other]\nissuer_url = '{}'\n{}{}{}{}",
        provider.issuer(),
        other.issuer(),
        cluster("a", ""),
        cluster("b", ""),
        cluster("c", "profile = 'other'"),
        cluster("d", "profile = 'other'"),
    );
    let etc = Etc::new(&[("config.toml", &files)]);
    let run = || home.run(&mut etc.over(home.kubekey().arg("setup")));
    assert_eq!(run().code(), Some(0));
    let asked = |provider: &Provider| provider.count("/.well-known/openid-configuration");
    assert_eq!((asked(&provider), asked(&other)), (1, 1));
    fs::remove_dir_all(home.path().join(".kube")).unwrap();
    other.stop();
    let down = run();
    assert_eq!(down.code(), Some(5), "{down:#?}");
    assert!(!home.path().join(".kube").exists());
}

#[test]
fn a_cluster_that_the_policy_does_not_allow_is_refused_by_its_name() {
    let home = Home::new(Mode::Absent);
    let files = format!("{SETTINGS}{}{}", cluster("good", ""), cluster("bad", ""));
    let etc = Etc::new(&[("config.toml", &files), ("policy.toml", "allowed_servers = ['https://good.example.com']")]);
    let refused = home.run(&mut etc.over(&offline(&home)));
    assert_eq!(refused.code(), Some(4), "{refused:#?}");
    for part in ["cluster 'bad': ", "https://bad.example.com", "/etc/kubekey/policy.toml", "hint: "] {
        assert!(refused.stderr.contains(part), "{part}: {refused:#?}");
    }
    assert!(!home.path().join(".kube").exists());
    assert_eq!(home.run(&mut etc.over(offline(&home).arg("--cluster=good"))).code(), CHANGED);
}

/// kubectl reads YAML 1.1, in which these are not strings.
#[test]
fn a_name_that_looks_like_something_else_stays_one() {
    let home = Home::new(Mode::Absent);
    let file = home.path().join(".kube").join("config");
    for name in [
        "n",
        "Y",
        "no",
        "true",
        "~",
        "null",
        "1_000",
        "0777",
        "0x1f",
        "1e3",
        "2026-01-31",
        "12:30:45",
        ".5",
        ".inf",
        "+1",
        "=",
        "<<",
        "- a",
        "a: b",
        "a #b",
        "{a}",
        "*a",
        "é",
        "\"a\"",
        "'a'",
        "a'b",
    ] {
        let mut command = offline(&home);
        command.args([
            "--server=https://k8s.example.com",
            "--issuer-url=https://login.example.com",
            "--client-id=1_000",
        ]);
        command.args(["cluster", "user", "context", "namespace"].map(|flag| format!("--{flag}={name}")));
        for code in [CHANGED, Some(0)] {
            let finished = home.run(&mut command);
            assert_eq!(finished.code(), code, "{name}: {finished:#?}");
        }
        let context =
            entry(&view(&home, &file), "contexts", name).unwrap_or_else(|| panic!("{name}"))["context"].clone();
        assert_eq!(context, json!({"cluster": name, "user": name, "namespace": name}));
    }
}

#[test]
fn each_flag_of_setup_is_a_variable_too() {
    let home = Home::new(Mode::Absent);
    let ca = home.path().join("ca.pem");
    fs::write(&ca, COMPANY.pem()).unwrap();
    let file = home.path().join("elsewhere");
    let mut command = home.kubekey();
    command
        .arg("setup")
        .env("KUBEKEY_ISSUER_URL", "https://login.example.com")
        .env("KUBEKEY_CLIENT_ID", "kubernetes")
        .env("KUBEKEY_CLUSTER", "prod")
        .env("KUBEKEY_SERVER", "https://k8s.example.com")
        .env("KUBEKEY_ISSUER_CERTIFICATE_AUTHORITY", &ca)
        .env("KUBEKEY_CONTEXT", "c")
        .env("KUBEKEY_USER", "u")
        .env("KUBEKEY_NAMESPACE", "n")
        .env("KUBEKEY_SET_CURRENT", "yes")
        .env("KUBEKEY_KUBECONFIG", &file)
        .env("KUBEKEY_COMMAND_NAME", "1")
        .env("KUBEKEY_EXEC_API_VERSION", "v1beta1")
        .env("KUBEKEY_OFFLINE", "true")
        .env("KUBEKEY_DRY_RUN", "off")
        .env("KUBEKEY_OUTPUT", "json")
        .env("KUBEKEY_DETAILED_EXITCODE", "on");
    fs::write(&file, PLAIN).unwrap();
    let finished = home.run(&mut command);
    assert_eq!(finished.code(), CHANGED, "{finished:#?}");
    let report: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(report["clusters"], json!([{"cluster": "prod", "user": "u", "context": "c"}]));
    let after = view(&home, &file);
    assert_eq!(after["current-context"], "c");
    assert_eq!(entry(&after, "contexts", "c").unwrap()["context"]["namespace"], "n");
    let exec = &entry(&after, "users", "u").unwrap()["user"]["exec"];
    assert_eq!((&exec["command"], &exec["apiVersion"]), (&json!("kubekey"), &json!(V1BETA1)));
    assert_eq!(arguments(&after, "u")[2], format!("--certificate-authority={}", ca.display()));

    command.env("KUBEKEY_CONTEXT", "").env("KUBEKEY_OUTPUT", "").env("KUBEKEY_DRY_RUN", "1").arg("--user=flag");
    let finished = home.run(&mut command);
    assert!(finished.stdout.starts_with("--- "), "a dry run, with a diff: {finished:#?}");
    assert!(
        finished.stdout.contains("+  name: prod\n") && finished.stdout.contains("+    user: flag\n"),
        "{finished:#?}"
    );
    let wrong = home.run(command.env("KUBEKEY_DRY_RUN", "ture"));
    assert_eq!(wrong.code(), Some(2), "{wrong:#?}");
    assert!(wrong.stderr.contains("ture") && wrong.stderr.contains("--dry-run"), "{wrong:#?}");
}

#[test]
fn the_plugin_does_not_look_at_the_variables_of_setup() {
    let home = Home::new(Mode::Follow);
    let provider = Provider::start();
    home.run(home.kubekey_for(&provider).env("KUBEKEY_DRY_RUN", "ture").env("KUBEKEY_CLUSTER", "x")).credential();
}
