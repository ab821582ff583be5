//! `kubekey setup --print`: documents that the real kubectl accepts, and the API server's as its documentation
//! describes it.

use std::fs;
use std::io::Write;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::support::browser::Mode;
use crate::support::home::{Home, program};
use crate::support::kubeconfig::kubectl;
use crate::support::process;
use crate::support::tls::COMPANY;

/// What `kubekey setup --print` prints.
fn printed(home: &Home, arguments: &[&str]) -> String {
    let mut command = home.kubekey();
    command.args(["setup", "--offline", "--print"]).args(arguments);
    if arguments[0] == "kube-apiserver" {
        command.args(["--issuer-url=https://login.example.com", "--client-id=kubernetes"]);
    }
    let finished = home.run(&mut command);
    assert_eq!((finished.code(), finished.stderr.as_str()), (Some(0), ""), "{finished:#?}");
    assert!(!home.path().join(".kube").exists());
    finished.stdout
}

fn kubectl_with_input(home: &Home, arguments: &[&str], input: &str) -> Output {
    let mut command = kubectl(home);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("kubectl, see tests/install");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("kubectl reads");
    child.wait_with_output().expect("a child")
}

/// The document as kubectl reads its YAML: an empty patch prints it as JSON, whatever its kind is.
fn meaning(home: &Home, yaml: &str) -> Value {
    let arguments = ["patch", "--local", "-f", "-", "--type=merge", "-p", "{}", "-o", "json"];
    let output = kubectl_with_input(home, &arguments, yaml);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The flags in the comment, as a shell reads them.
fn legacy_flags(yaml: &str) -> Vec<String> {
    let flags = yaml.lines().filter_map(|line| line.strip_prefix("#   ")).collect::<Vec<_>>().join(" ");
    shlex::split(&flags).expect("words")
}

/// Field names and rules: Kubernetes, "Authenticating", "Authentication configuration from a file".
#[test]
fn the_api_server_gets_the_issuer_the_client_and_the_mapping() {
    let home = Home::new(Mode::Absent);
    let rules = json!([
        {"expression": "!user.username.startsWith('system:')",
         "message": "user names that begin with 'system:' are reserved for Kubernetes"},
        {"expression": "user.groups.all(group, !group.startsWith('system:'))",
         "message": "groups that begin with 'system:' are reserved for Kubernetes"}
    ]);
    let yaml = printed(&home, &["kube-apiserver"]);
    let expected = json!({
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "jwt": [{
            "issuer": {"url": "https://login.example.com", "audiences": ["kubernetes"]},
            "claimMappings": {
                "username": {"claim": "sub", "prefix": "https://login.example.com#"},
                "groups": {"claim": "groups", "prefix": "oidc:"}
            },
            "userValidationRules": rules
        }]
    });
    assert_eq!(meaning(&home, &yaml), expected, "{yaml}");
    assert_eq!(
        legacy_flags(&yaml),
        [
            "--oidc-issuer-url=https://login.example.com",
            "--oidc-client-id=kubernetes",
            "--oidc-username-claim=sub",
            "--oidc-username-prefix=https://login.example.com#",
            "--oidc-groups-claim=groups",
            "--oidc-groups-prefix=oidc:"
        ]
    );
}

#[test]
fn the_mapping_and_the_certificate_authority_are_those_that_were_chosen() {
    let home = Home::new(Mode::Absent);
    let ca = home.path().join("ca.pem");
    fs::write(&ca, COMPANY.pem()).unwrap();
    let ca = format!("--issuer-certificate-authority={}", ca.display());
    let others = ["--username-claim=email", "--groups-claim=it's \"roles\": #é", "--groups-prefix=-"];
    let yaml =
        printed(&home, &[&["kube-apiserver", "--certificate-authority=/the/clusters.pem", &ca], &others[..]].concat());
    let jwt = &meaning(&home, &yaml)["jwt"][0];
    let without_ends = |text: &str| text.replace(['\r', '\n'], "");
    let written = jwt["issuer"]["certificateAuthority"].as_str().unwrap();
    assert_eq!(without_ends(written), without_ends(&COMPANY.pem()));
    assert!(
        written.ends_with("-----END CERTIFICATE-----\n") && written.lines().all(|line| line.len() <= 64),
        "{written}"
    );
    let expected = json!({
        "username": {"claim": "email", "prefix": ""}, "groups": {"claim": "it's \"roles\": #é", "prefix": ""}
    });
    assert_eq!(jwt["claimMappings"], expected);
    let flags = legacy_flags(&yaml);
    assert_eq!(
        flags[2..],
        [
            "--oidc-username-claim=email",
            "--oidc-username-prefix=-",
            "--oidc-groups-claim=it's \"roles\": #é",
            "--oidc-ca-file=/etc/kubernetes/pki/oidc-ca.pem"
        ]
    );
    let named = printed(&home, &["kube-apiserver", "--username-claim=name", "--username-prefix=sso/"]);
    let expected = json!({"claim": "name", "prefix": "sso/"});
    assert_eq!(meaning(&home, &named)["jwt"][0]["claimMappings"]["username"], expected);
}

#[test]
fn kubectl_takes_the_binding_of_a_group() {
    let home = Home::new(Mode::Absent);
    for (arguments, name, role, group) in [
        (&["--group=team-a"][..], "kubekey:view:oidc:team-a", "view", "oidc:team-a"),
        (&["--group=/a b%\"'", "--role=edit", "--groups-prefix=-"], "kubekey:edit:-a b-\"'", "edit", "/a b%\"'"),
    ] {
        let yaml = printed(&home, &[&["rbac"], arguments].concat());
        // Without a server, this command checks that it is a valid document of its kind.
        let arguments = ["set", "subject", "--local", "-f", "-", "--user=x", "-o", "json"];
        let output = kubectl_with_input(&home, &arguments, &yaml);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let binding: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&binding["kind"], &binding["metadata"]["name"]), (&json!("ClusterRoleBinding"), &json!(name)));
        assert_eq!(
            binding["roleRef"],
            json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role})
        );
        let subject = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group});
        assert_eq!(binding["subjects"][0], subject);
    }
}

#[test]
fn with_the_kuberc_kubectl_runs_kubekey_and_nothing_else() {
    let home = Home::new(Mode::Absent);
    let (kuberc, file) = (home.path().join("kuberc"), home.path().join(".kube").join("config"));
    fs::write(&kuberc, printed(&home, &["kuberc"])).unwrap();
    let mut command = home.kubekey();
    command.args(["setup", "--offline", "--cluster=prod", "--server=https://127.0.0.1:1", "--client-id=kubernetes"]);
    // Nothing listens there, and kubekey says so.
    assert_eq!(home.run(command.arg("--issuer-url=http://127.0.0.1:1")).code(), Some(0));
    let run = || {
        let output = process::output(kubectl(&home).args(["get", "--raw", "/"]).env("KUBERC", &kuberc)).unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let allowed = run();
    assert!(allowed.contains("kubekey: ") && !allowed.contains("allowlist"), "{allowed}");
    let text = fs::read_to_string(&file).unwrap().replace(program().to_str().unwrap(), "/bin/true");
    fs::write(&file, text).unwrap();
    let refused = run();
    assert!(refused.contains("allowlist"), "{refused}");
    assert!(printed_name(&home).contains("- command: \"kubekey\"\n"));
}

fn printed_name(home: &Home) -> String {
    let finished = home.run(home.kubekey().args(["setup", "--print=kuberc", "--command-name"]));
    assert_eq!(finished.code(), Some(0), "no provider is needed for it: {finished:#?}");
    finished.stdout
}

#[test]
fn what_nobody_could_use_is_not_printed() {
    let home = Home::new(Mode::Absent);
    for (arguments, expected) in [
        (&["--print=rbac"][..], "needs a group"),
        (&["--print=rbac", "--group=a\nb"], "--group"),
        (&["--print=rbac", "--group=a", "--groups-prefix=\u{1}"], "control characters"),
        (&["--print=rbac", "--group=a", "--role="], "--role"),
        (&["--print=dex"], "kube-apiserver, rbac, kuberc, onboarding"),
        (&["--group=a"], "--print is missing"),
        (&["--print=kuberc", "--answers=a"], "--system is missing"),
        (&["--print=kube-apiserver"], "no issuer URL is set"),
        (&["--print=kube-apiserver", "--issuer-url=http://127.0.0.1:1", "--client-id=k"], "it requires https"),
        (
            &["--print=kube-apiserver", "--issuer-url=https://a", "--client-id=k", "--username-claim="],
            "--username-claim",
        ),
    ] {
        let finished = home.run(home.kubekey().arg("setup").args(arguments));
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(2), ""), "{expected}: {finished:#?}");
        assert!(finished.stderr.contains(expected), "{expected}: {finished:#?}");
    }
    let mut unknown = home.kubekey();
    unknown.args(["setup", "--print=kube-apiserver", "--issuer-url=https://127.0.0.1:1", "--client-id=k"]);
    let finished = home.run(&mut unknown);
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(5), ""), "the provider is asked: {finished:#?}");
}

#[test]
fn straight_after_a_setup_the_api_servers_document_is_for_the_current_context() {
    let home = Home::new(Mode::Absent);
    fs::write(home.path().join("ca.pem"), COMPANY.pem()).unwrap();
    let mut setup = home.kubekey();
    setup.args(["setup", "--offline", "--cluster=prod", "--server=https://k8s.example.com:6443"]);
    setup.args(["--issuer-certificate-authority=ca.pem", "--certificate-authority=ca.pem"]);
    setup.args(["--issuer-url=https://login.example.com", "--client-id=kubernetes"]);
    assert_eq!(home.run(&mut setup).code(), Some(0));
    let print = |arguments: &[&str]| {
        let mut command = home.kubekey();
        home.run(command.args(["setup", "--offline", "--print", "kube-apiserver"]).args(arguments))
    };
    let said = "kubekey: using the settings of context 'prod'\n";
    let printed = print(&["--username-claim=email", "--certificate-authority=/the/clusters.pem"]);
    assert_eq!((printed.code(), printed.stderr.as_str()), (Some(0), said), "{printed:#?}");
    let jwt = &meaning(&home, &printed.stdout)["jwt"][0];
    assert_eq!(jwt["issuer"]["url"], "https://login.example.com");
    assert_eq!(jwt["issuer"]["audiences"], json!(["kubernetes"]));
    assert_eq!(jwt["claimMappings"]["username"]["claim"], "email");
    assert!(jwt["issuer"]["certificateAuthority"].as_str().unwrap().contains("BEGIN CERTIFICATE"), "{jwt}");

    // Who names another provider, or what is for none, gets what was asked for.
    let own = print(&["--issuer-url=https://own.example", "--client-id=own"]);
    assert_eq!((own.code(), own.stderr.as_str()), (Some(0), ""), "{own:#?}");
    assert!(own.stdout.contains("https://own.example") && !own.stdout.contains("certificateAuthority"), "{own:#?}");
    let named = print(&["--context=prod", "--issuer-url=https://own.example"]);
    assert!(named.stdout.contains("https://own.example") && named.stdout.contains("kubernetes"), "{named:#?}");
    let moved = home.path().join("moved");
    fs::copy(home.path().join(".kube").join("config"), &moved).unwrap();
    let elsewhere = print(&["--context=prod", "--kubeconfig", moved.to_str().unwrap()]);
    assert!(elsewhere.stdout.contains("https://login.example.com"), "{elsewhere:#?}");
    for (arguments, words) in [
        (
            &["--context=gone"][..],
            "no context 'gone'\nhint: use the context that runs kubekey:\n  kubekey setup --print kube-apiserver --context prod\n",
        ),
        (&["--context=prod", "--cluster=prod"], "--cluster and --context both name the provider"),
    ] {
        let refused = print(arguments);
        assert!(refused.code() == Some(2) && refused.stderr.contains(words), "{arguments:?}: {refused:#?}");
    }
    let useless = home.run(home.kubekey().args(["setup", "--print", "kuberc", "--kubeconfig=x"]));
    assert!(useless.stderr.contains("--kubeconfig has no effect on this document"), "{useless:#?}");
    let cluster = print(&["--cluster=prod"]);
    assert!(cluster.code() == Some(2) && !cluster.stderr.contains("using the settings"), "{cluster:#?}");
    let rbac = home.run(home.kubekey().args(["setup", "--print", "rbac", "--group=a"]));
    assert_eq!((rbac.code(), rbac.stderr.as_str()), (Some(0), ""), "{rbac:#?}");
    fs::write(home.path().join(".kube").join("config"), "current-context: gone\n").unwrap();
    let gone = print(&[]);
    assert!(gone.code() == Some(2) && gone.stderr.contains("no issuer URL is set"), "{gone:#?}");
    fs::write(home.path().join(".kube").join("config"), "contexts: [\n").unwrap();
    let broken = print(&[]);
    assert!(broken.stderr.starts_with("kubekey: warning: ") && broken.stderr.contains("cannot be read"), "{broken:#?}");
}

#[test]
fn what_no_editor_shows_is_escaped_in_the_flags_as_well() {
    let home = Home::new(Mode::Absent);
    let issuer = "--issuer-url=https://x.example/\u{202e}";
    let arguments = ["setup", "--print=kube-apiserver", issuer, "--client-id=c", "--offline"];
    let printed = home.run(home.kubekey().args(arguments));
    assert_eq!(printed.code(), Some(0), "{printed:#?}");
    assert!(!printed.stdout.contains('\u{202e}'), "{printed:#?}");
    assert!(printed.stdout.contains("\"--oidc-issuer-url=https://x.example/\\u202e\""), "{printed:#?}");
}
