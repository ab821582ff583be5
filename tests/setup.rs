//! `kubekey setup`: what it writes to all kinds of kubeconfigs, checked by kubectl.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::browser::Mode;
use crate::support::home::{Home, program};
use crate::support::kubeconfig::{PLAIN, entry, names, plain, setup, setup_in, view, without_prod};
use crate::support::provider::Provider;
use crate::support::tls::COMPANY;

const CHANGED: Option<i32> = Some(10);

/// What users have in their kubeconfigs. Each line stays, except those that an entry must replace.
const KUBECONFIGS: [(&str, &str); 26] = [
    ("plain", PLAIN),
    ("empty", ""),
    ("only a comment", "# to do\n"),
    ("only a comment, not ended", "# to do"),
    ("only a marker", "---\n"),
    ("kind alone", "apiVersion: v1\nkind: Config\n"),
    (
        "what kubectl writes",
        "apiVersion: v1\nclusters: null\ncontexts: null\ncurrent-context: \"\"\nkind: Config\npreferences: {}\nusers: null\n",
    ),
    ("empty lists", "apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\n"),
    ("lists without a value", "clusters:\nusers:\ncontexts:\n"),
    (
        "indented lists",
        "clusters:\n  # first\n  - name: a   # a\n    cluster:\n      server: https://a\n\n  # second\n  - name: b\n    cluster: {server: https://b}\n\n# the end\n",
    ),
    (
        "wide indentation",
        "clusters:\n    -   name: a\n        cluster:\n            server: https://a\nusers:\n    -   name: u\n        user:\n            token: t\n",
    ),
    ("anchors", "clusters:\n- name: a\n  cluster: &a\n    server: https://a\n- name: b\n  cluster: *a\n"),
    (
        "merge keys",
        "x-base: &base\n  server: https://a\nclusters:\n- name: a\n  cluster:\n    <<: *base\n    tls-server-name: b\n",
    ),
    ("flow style", "{apiVersion: v1, clusters: [\n  {name: a, cluster: {server: 'https://a'}}, # a\n], users: []}\n"),
    (
        "JSON",
        "{\"kind\":\"Config\",\"clusters\":[{\"name\":\"a\",\"cluster\":{\"server\":\"https://a\"}}],\"users\":[]}\n",
    ),
    ("CRLF", "kind: Config\r\nclusters:\r\n- cluster:\r\n    server: https://a\r\n  name: a\r\n"),
    ("BOM", "\u{feff}kind: Config\nclusters:\n- cluster:\n    server: https://a\n  name: a\n"),
    ("no end of line", "clusters:\n- cluster:\n    server: https://a\n  name: a"),
    (
        "a marker, a directive and an end",
        "%YAML 1.1\n---\nkind: Config\nclusters:\n- cluster:\n    server: https://a\n  name: a\n...\n",
    ),
    (
        "texts of all kinds",
        "users:\n- name: \"a\\tb\"\n  user:\n    username: 'it''s'\n    password: |\n      two\n      lines\n- name: é\n  user:\n    token: >-\n      folded\n      text\n",
    ),
    (
        "unknown fields",
        "kind: Config\nx-mine: [1, 2]\nclusters:\n- name: a\n  x-note: keep\n  cluster: {server: https://a, x-tier: 1}\nextensions:\n- name: e\n  extension: {a: b}\n",
    ),
    (
        "a plain text over two lines",
        "users:\n- name: gke_a_b_c\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1beta1\n      command: plugin\n      installHint: Install it for use with kubectl by following\n        https://cloud.example.com/how-to\n      provideClusterInfo: true\n",
    ),
    ("quoted keys", "\"kind\": \"Config\"\n'clusters':\n- \"name\": 'a'\n  \"cluster\": {\"server\": \"https://a\"}\n"),
    (
        "comments everywhere",
        "# a\nclusters: # b\n# c\n- # d\n  name: a # e\n  # f\n  cluster: # g\n    # h\n    server: https://a # i\n  # j\n# k\nusers: [] # l\n# m\n",
    ),
    ("CRLF and blocks", "users:\r\n- name: u\r\n  user:\r\n    password: |-\r\n      a\r\n      b\r\n\r\n# end\r\n"),
    (
        "lists in lists",
        "users:\n- name: u\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: c\n      args: [a,\n        b, 'c d']\n      env:\n      - {name: A, value: 'b: c'}\n",
    ),
];

/// Those of other projects: each with its name and content.
fn kubeconfigs_of_the_wild() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kubeconfigs");
    let files = names(&folder).into_iter().filter(|name| name != "README.md");
    files.map(|name| (name.clone(), fs::read_to_string(folder.join(name)).unwrap())).collect()
}

/// Which project each is from, and which licence allows it to be here.
#[test]
fn each_kubeconfig_of_others_says_whose_it_is() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kubeconfigs/README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let listed: Vec<_> = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let mut there: Vec<_> = kubeconfigs_of_the_wild().into_iter().map(|(name, _)| name).collect();
    there.sort_by_key(|name| listed.iter().position(|other| other == name));
    assert_eq!(listed, there);
}

#[test]
fn every_kubeconfig_gets_the_entries_and_nothing_else() {
    let made = KUBECONFIGS.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let found = kubeconfigs_of_the_wild().into_iter().filter(|(name, _)| !name.starts_with("refused-"));
    let all: Vec<_> = made.into_iter().chain(found).collect();
    assert!(all.len() > 40, "{}", all.len());
    for (name, text) in &all {
        let home = Home::new(Mode::Absent);
        let file = home.path().join("kubeconfig");
        fs::write(&file, text).unwrap();
        let before = view(&home, &file);
        let finished = home.run(setup_in(&home, &file).arg("--detailed-exitcode"));
        assert_eq!(finished.code(), CHANGED, "{name}: {finished:#?}");
        let (written, after) = (fs::read_to_string(&file).unwrap(), view(&home, &file));
        assert_eq!(without_prod(after.clone()), without_prod(before.clone()), "{name}: {written}");
        assert_is_prod(&after);
        let was_current = before["current-context"].as_str().unwrap();
        assert_eq!(after["current-context"], if was_current.is_empty() { "prod" } else { was_current }, "{name}");
        assert_lines_stay(name, text, &written);

        let again = home.run(setup_in(&home, &file).arg("--detailed-exitcode"));
        assert_eq!((again.code(), fs::read_to_string(&file).unwrap()), (Some(0), written), "{name}: {again:#?}");
        assert_eq!(fs::read_to_string(home.path().join("kubeconfig.kubekey-backup")).unwrap(), *text, "{name}");
    }
}

/// kubectl reads them like an empty file.
#[test]
fn a_kubeconfig_of_null_alone_is_an_empty_one() {
    for text in ["null\n", "~\n", "~", "# mine\nNULL\n# the end\n", "---\nnull\n"] {
        let home = Home::new(Mode::Absent);
        let file = home.path().join("kubeconfig");
        fs::write(&file, text).unwrap();
        let finished = home.run(&mut setup_in(&home, &file));
        assert_eq!(finished.code(), Some(0), "{text:?}: {finished:#?}");
        assert_is_prod(&view(&home, &file));
        let after = fs::read_to_string(&file).unwrap();
        assert!(text.lines().filter(|line| line.starts_with('#')).all(|line| after.contains(line)), "{after}");
    }
}

fn assert_is_prod(view: &Value) {
    let cluster = json!({"server": "https://k8s.example.com:6443"});
    assert_eq!(entry(view, "clusters", "prod").unwrap()["cluster"], cluster);
    assert_eq!(entry(view, "contexts", "prod").unwrap()["context"], json!({"cluster": "prod", "user": "kubekey-prod"}));
    let exec = &entry(view, "users", "kubekey-prod").unwrap()["user"]["exec"];
    assert_eq!(exec["apiVersion"], "client.authentication.k8s.io/v1");
    assert_eq!(exec["interactiveMode"], "IfAvailable");
    assert_eq!(exec["provideClusterInfo"], true);
    assert_eq!(exec["command"], program().to_str().unwrap());
    assert_eq!(exec["args"], json!(["--issuer-url=https://login.example.com", "--client-id=kubernetes"]));
    assert!(exec["installHint"].as_str().unwrap().contains("kubekey"));
}

/// Byte for byte, line endings and comments included, and in order. A line with brackets may have grown.
fn assert_lines_stay(name: &str, old: &str, new: &str) {
    let is_replaced =
        |line: &str| line.contains("[]") || line.contains("null") || line.contains("current-context: \"\"");
    let mut lines = new.split_inclusive('\n');
    for line in old.split_inclusive('\n').filter(|line| !is_replaced(line) && !line.starts_with('{')) {
        let kept = line.trim_end_matches(['\r', '\n']);
        let has_more = |new: &str| name.starts_with("brackets-") && (new.starts_with(kept) || new.ends_with(line));
        let stays = |new: &str| new == line || new.trim_end_matches(['\r', '\n']) == line || has_more(new);
        assert!(lines.any(stays), "{name}: {line:?} is gone from: {new}");
    }
    let ends = |text: &str| (text.matches('\n').count(), text.matches("\r\n").count());
    if ends(old).1 > 0 {
        assert_eq!(ends(new).0, ends(new).1, "{name}: line ends of both kinds");
    }
    assert_eq!(old.starts_with('\u{feff}'), new.starts_with('\u{feff}'), "{name}");
}

#[test]
fn what_cannot_be_changed_safely_is_refused_in_one_message() {
    let bomb =
        (1..30).fold("a0: &a0 [1, 2]\n".to_owned(), |text, i| format!("{text}a{i}: &a{i} [*a{0}, *a{0}]\n", i - 1));
    let bomb = format!("{bomb}kind: Config\n");
    let cluster = "- {name: prod, cluster: {server: https://a}}\n";
    let cases: [(&str, String, &str); 29] = [
        ("a tab", "clusters:\n-\tname: a\n\tcluster: {}\n".into(), "line 3 is indented with a tab"),
        ("two documents", format!("{PLAIN}---\n{PLAIN}"), "2 documents"),
        ("a tag", "kind: Config\nusers: !!seq\n- {name: !!str 1, user: {}}\n".into(), "a kubeconfig cannot have"),
        ("a user twice", "users:\n- {name: u, user: {}}\n- {name: u, user: {}}\n".into(), "more than one user 'u'"),
        (
            "a tab in a list",
            "clusters:\n- name: a\n  cluster:\n  \tserver: https://a\n".into(),
            "line 4 is indented with a tab",
        ),
        ("a name twice", format!("clusters:\n{cluster}{cluster}"), "more than one cluster 'prod'"),
        ("a key twice", "kind: Config\nusers: []\nusers: []\n".into(), "users"),
        ("another kind", "apiVersion: v1\nkind: Secret\n".into(), "not a kubeconfig"),
        ("another version", "apiVersion: v2\nkind: Config\n".into(), "not a kubeconfig"),
        ("another file", "services:\n  web: {image: nginx}\n".into(), "not a kubeconfig"),
        ("a list", "- a\n".into(), "not a kubeconfig"),
        ("a word", "hello\n".into(), "not a kubeconfig"),
        ("clusters that are no list", "clusters: {a: b}\n".into(), "'clusters' is not a list"),
        ("an entry without a name", "clusters:\n- cluster: {}\n".into(), "a cluster without a name"),
        (
            "a user whose name is a number",
            "users: [{name: 5}]\n".into(),
            "it has a user whose name is not a string: 5\n",
        ),
        (
            "a cluster whose name is a switch",
            "clusters: [{name: true}]\n".into(),
            "it has a cluster whose name is not a string: true\n",
        ),
        (
            "a context whose name is a list",
            "contexts:\n- name: [a]\n".into(),
            "it has a context whose name is not a string: [\"a\"]\n",
        ),
        ("null after a marker", "--- null\n".into(), "it has no entries, only 'null' or markers: empty the file\n"),
        ("half a file", "clusters: [{name: a\n".into(), "line 2"),
        (
            "an alias in the way",
            format!(
                "x: &x {{server: https://b}}\nusers: [{{name: kubekey-prod}}]\nclusters:\n{}",
                cluster.replace("{server: https://a}", "*x")
            ),
            "anchors",
        ),
        (
            "an alias that would change, too",
            format!(
                "users: [{{name: kubekey-prod}}]\nclusters:\n{}- {{name: b, cluster: *a}}\n",
                cluster.replace("{server", "&a {server")
            ),
            "anchors",
        ),
        ("aliases of aliases", bomb, "its aliases expand to too many values"),
        (
            "another way to sign in",
            "users:\n- name: kubekey-prod\n  user: {token: abc}\n".into(),
            "user 'kubekey-prod' has token",
        ),
        (
            "somebody else's cluster",
            "clusters:\n- {name: prod, cluster: {server: https://old.example.com}}\n".into(),
            "it has another cluster 'prod', at https://old.example.com",
        ),
        (
            "an open end of a text",
            "users:\n- name: a\n  user:\n    token: |\n      abc".into(),
            "its last line has no line break",
        ),
        (
            "comments after the last comma",
            "users: [\n  {name: a}, # a\n  # b\n  ]\n".into(),
            "a style that this change would lose",
        ),
        (
            "a tab in a block beside brackets",
            "users: [\n\t{name: a, user: {}}\n]\nclusters:\n- name: a\n\tcluster: {}\n".into(),
            "line 6 is indented with a tab",
        ),
        (
            "a block that is not indented beside brackets",
            "users: [\n]\nclusters:\n- name: a\n  cluster:\n  server: https://a\n - b\n".into(),
            "line",
        ),
        ("nothing but depth", format!("clusters: {}", "[".repeat(100_000)), "nested too deeply"),
    ];
    let found = kubeconfigs_of_the_wild().into_iter().filter(|(name, _)| name.starts_with("refused-"));
    let found: Vec<_> = found.collect();
    let found = found.iter().map(|(name, text)| (name.as_str(), text.clone(), "cannot be changed: "));
    for (name, text, expected) in cases.into_iter().chain(found) {
        let home = Home::new(Mode::Absent);
        fs::create_dir(home.path().join("kube")).unwrap();
        let file = home.path().join("kube").join("config");
        fs::write(&file, &text).unwrap();
        let finished = home.run(&mut setup_in(&home, &file));
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(1), ""), "{name}: {finished:#?}");
        assert!(finished.stderr.contains(expected), "{name}: {finished:#?}");
        assert_eq!(finished.stderr.lines().count(), 2, "{name}: {finished:#?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text, "{name}");
        assert_eq!(names(&home.path().join("kube")), ["config"], "{name}");
    }
}

#[test]
fn an_entry_that_is_there_keeps_what_setup_does_not_know() {
    let home = Home::new(Mode::Absent);
    let file = plain(&home);
    home.run(&mut setup_in(&home, &file));
    let text = fs::read_to_string(&file).unwrap();
    let text = text.replace(
        "    server: https://k8s.example.com:6443\n",
        "    server: https://moved # moved\n    proxy-url: http://proxy # gone\n",
    );
    let text = text.replace(
        "      interactiveMode: IfAvailable\n",
        "      interactiveMode: Never\n      env: [{name: A, value: b}]\n",
    );
    fs::write(&file, &text).unwrap();
    let finished = home.run(setup_in(&home, &file).args(["--output=json", "--namespace=team-a", "--set-current"]));
    let report: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(
        report["files"][0]["actions"],
        json!([
            "cluster 'prod' moved from https://moved to https://k8s.example.com:6443",
            "user 'kubekey-prod' changed",
            "context 'prod' changed",
            "current context is 'prod'"
        ])
    );
    let after = view(&home, &file);
    assert_eq!(
        entry(&after, "clusters", "prod").unwrap()["cluster"],
        json!({"server": "https://k8s.example.com:6443"})
    );
    assert_eq!(entry(&after, "contexts", "prod").unwrap()["context"]["namespace"], "team-a");
    let exec = &entry(&after, "users", "kubekey-prod").unwrap()["user"]["exec"];
    assert_eq!(
        (&exec["interactiveMode"], &exec["env"]),
        (&json!("IfAvailable"), &json!([{"name": "A", "value": "b"}]))
    );
    assert_eq!(after["current-context"], "prod");
    assert!(fs::read_to_string(&file).unwrap().contains("# moved\n"));
    assert_eq!(
        report["files"][0]["warnings"],
        json!(["cluster 'prod': removed proxy-url, which belonged to https://moved"])
    );
}

#[test]
fn a_dry_run_shows_the_change_and_writes_nothing() {
    let home = Home::new(Mode::Absent);
    let file = plain(&home);
    let finished = home.run(setup_in(&home, &file).args(["--dry-run", "--detailed-exitcode"]));
    assert_eq!((finished.code(), fs::read_to_string(&file).unwrap().as_str()), (CHANGED, PLAIN));
    let path = file.display();
    assert!(
        finished.stdout.starts_with(&format!("--- {path}\n+++ {path}\n@@ -5,13 +5,31 @@\n")),
        "{}",
        finished.stdout
    );
    let added = finished.stdout.lines().filter(|line| line.starts_with('+') && !line.starts_with("+++")).count();
    let json = home.run(setup_in(&home, &file).args(["--dry-run", "--output=json"]));
    let report: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&report["changed"], &report["dryRun"]), (&json!(true), &json!(true)));
    assert_eq!(report["files"][0]["diff"], finished.stdout.as_str());
    assert_eq!(fs::read_to_string(&file).unwrap(), PLAIN);
    home.run(&mut setup_in(&home, &file));
    let written = fs::read_to_string(&file).unwrap();
    assert_eq!(written.lines().count(), PLAIN.lines().count() + added);
}

#[test]
fn the_provider_is_asked_before_anything_is_written() {
    let home = Home::new(Mode::Absent);
    let mut provider = Provider::start();
    let run = |extra: &[&str]| {
        let mut command = home.kubekey_for(&provider);
        home.run(command.args(["setup", "--cluster=prod", "--server=https://k8s.example.com:6443"]).args(extra))
    };
    assert_eq!(run(&[]).code(), Some(0));
    assert_eq!(run(&[]).code(), Some(0));
    assert_eq!(provider.count("/.well-known/openid-configuration"), 2, "the cache is no answer");
    let file = home.path().join(".kube").join("config");
    let exec = entry(&view(&home, &file), "users", "kubekey-prod").unwrap()["user"]["exec"].clone();
    let issuer = format!("--issuer-url={}", provider.issuer());
    assert_eq!(exec["args"], json!([issuer, format!("--client-id={}", provider.client_id())]), "from variables");
    fs::remove_dir_all(home.path().join(".kube")).unwrap();
    provider.stop();
    let mut command = home.kubekey_for(&provider);
    let down = home.run(command.args(["setup", "--cluster=prod", "--server=https://k8s.example.com:6443"]));
    assert_eq!(down.code(), Some(5), "{down:#?}");
    assert!(down.stderr.contains("--offline"), "{down:#?}");
    assert!(!home.path().join(".kube").exists());
}

#[test]
fn what_is_missing_is_to_be_given_to_setup() {
    let home = Home::new(Mode::Absent);
    for (flags, hint) in [
        (&[][..], "hint: give --issuer-url URL and --client-id ID, or set"),
        (&["--issuer-url=https://login.example.com"], "hint: give --client-id ID, or set"),
    ] {
        let mut command = home.kubekey();
        let lacking =
            home.run(command.args(["setup", "--cluster=dev", "--server=https://k8s.example.com"]).args(flags));
        assert!(lacking.code() == Some(2) && lacking.stderr.contains(hint), "{lacking:#?}");
    }
}

#[test]
#[cfg(not(windows))] // wine finds the revocation of an unknown CA's certificate unknown, before it looks at the CA.
fn the_check_of_an_untrusted_provider_is_not_to_be_skipped() {
    let home = Home::new(Mode::Absent);
    let provider = Provider::start_at(std::net::Ipv4Addr::LOCALHOST.into(), Some(COMPANY.server("127.0.0.1", |_| ())));
    let mut command = home.kubekey_for(&provider);
    let untrusted = home.run(command.args(["setup", "--cluster=prod", "--server=https://k8s.example.com:6443"]));
    assert_eq!(untrusted.code(), Some(5), "{untrusted:#?}");
    assert!(untrusted.stderr.contains("--issuer-certificate-authority FILE"), "{untrusted:#?}");
    assert!(!untrusted.stderr.contains("--offline"), "{untrusted:#?}");
}

#[test]
fn what_was_given_is_checked_before_anything_is_written() {
    let home = Home::new(Mode::Absent);
    let ca = home.path().join("ca.pem");
    fs::write(&ca, COMPANY.pem()).unwrap();
    fs::write(home.path().join("not.pem"), "hello").unwrap();
    let not_pem = format!("--certificate-authority={}", home.path().join("not.pem").display());
    for (argument, expected) in [
        ("--server=http://k8s.example.com", "over http"),
        ("--certificate-authority=/nowhere/ca.pem", "there is no such file"),
        (not_pem.as_str(), "no PEM certificate"),
        ("--issuer-url=http://login.example.com", "only for this machine; use https"),
        ("--client-secret=s3cret-of-the-client", "--include-client-secret"),
        ("--context= ", "--context ' ' cannot be used: it begins or ends with a space\nhint: give a name"),
        ("--user=a\nb", "--user 'a<U+000A>b' cannot be used: it contains a control character\nhint: give a name"),
        ("--namespace=\ta", "--namespace '<U+0009>a' cannot be used: it contains a control character\nhint: "),
        ("--namespace=a ", "--namespace 'a ' cannot be used: it begins or ends with a space\nhint: "),
        ("--role=edit", "--role is for a printed document, and --print is missing\nhint: give --print, too"),
        ("--role=view", "--role is for a printed document, and --print is missing\nhint: give --print, too"),
        ("--group=a", "--group is for a printed document, and --print is missing\nhint: give --print, too"),
        ("--username-claim=a", "--username-claim is for a printed document"),
        ("--username-prefix=a", "--username-prefix is for a printed document"),
        ("--groups-claim=a", "--groups-claim is for a printed document"),
        ("--groups-prefix=a", "--groups-prefix is for a printed document"),
        (
            "--answers=a",
            "--answers is for the settings of all users, and --system is missing\nhint: give --system, too",
        ),
        ("--output=yaml", "give text or json"),
    ] {
        let mut command = home.kubekey();
        command.args(["setup", "--cluster=prod", "--offline", "--client-id=kubernetes", argument]);
        for other in ["--server=https://k8s.example.com", "--issuer-url=https://login.example.com"] {
            if argument.split('=').next() != other.split('=').next() {
                command.arg(other);
            }
        }
        let finished = home.run(&mut command);
        assert_eq!(finished.code(), Some(2), "{argument}: {finished:#?}");
        assert!(finished.stderr.contains(expected), "{argument}: {finished:#?}");
        assert!(!home.path().join(".kube").exists(), "{argument}");
    }
}

#[test]
fn the_providers_ca_is_called_by_the_flags_of_setup() {
    let home = Home::new(Mode::Absent);
    let ca = home.path().join("ca.pem");
    fs::write(&ca, COMPANY.pem()).unwrap();
    let nowhere = home.path().join("nowhere.pem").display().to_string();
    let missing = format!(" '{nowhere}' cannot be used: there is no such file");
    for (flag, value, why) in
        [("--issuer-certificate-authority", &*nowhere, &*missing), ("--certificate-authority-data", "aGVsbG8=", "")]
    {
        let mut command = home.kubekey();
        command.args(["setup", "--cluster=prod", "--server=https://k8s.example.com", "--client-id=kubernetes"]);
        command.args(["--issuer-url=https://127.0.0.1:1", flag, value, "--certificate-authority"]).arg(&ca);
        let finished = home.run(&mut command);
        let message = format!("kubekey: {flag}{why}");
        assert!(finished.code() == Some(2) && finished.stderr.starts_with(&message), "{finished:#?}");
    }
}

#[test]
fn what_was_given_as_a_flag_is_in_the_kubeconfig() {
    let home = Home::new(Mode::Absent);
    let ca = home.path().join("ca.pem");
    fs::write(&ca, COMPANY.pem()).unwrap();
    let mut command = setup(&home);
    command
        .env("KUBEKEY_BROWSER_COMMAND", "of-this-session")
        .env("KUBEKEY_CERTIFICATE_AUTHORITY", home.path().join("not-the-clusters.pem"));
    // With a relative path, as users type it.
    command.args(["--certificate-authority=ca.pem", "--scope=groups", "--scope=email", "--skip-open-browser"]);
    command.args(["--client-secret=s3cret-of-the-client", "--include-client-secret", "--command-name"]);
    assert_eq!(home.run(&mut command).code(), Some(0));
    let file = home.path().join(".kube").join("config");
    let after = view(&home, &file);
    assert_eq!(
        entry(&after, "clusters", "prod").unwrap()["cluster"]["certificate-authority"],
        ca.display().to_string()
    );
    let exec = &entry(&after, "users", "kubekey-prod").unwrap()["user"]["exec"];
    assert_eq!(exec["command"], "kubekey");
    let args = exec["args"].as_array().unwrap()[2..].to_vec();
    assert_eq!(
        json!(args),
        json!(["--client-secret=s3cret-of-the-client", "--scope=groups", "--scope=email", "--skip-open-browser=true"])
    );
    let data =
        fs::read_to_string(&file).unwrap().replace("    certificate-authority:", "    certificate-authority-data:");
    fs::write(&file, &data).unwrap();
    let contradicts = home.run(setup(&home).arg("--certificate-authority=ca.pem"));
    assert_eq!(contradicts.code(), Some(1), "{contradicts:#?}");
    assert!(contradicts.stderr.contains("certificate-authority-data"), "{contradicts:#?}");
}

/// A script's variable that is not set.
#[test]
fn an_empty_value_is_refused_with_the_name_of_its_flag() {
    let home = Home::new(Mode::Absent);
    for flag in [
        "cluster",
        "server",
        "context",
        "user",
        "namespace",
        "kubeconfig",
        "certificate-authority",
        "issuer-certificate-authority",
        "exec-api-version",
        "output",
    ] {
        let mut command = home.kubekey();
        command.args(["setup", "--offline", "--issuer-url=https://login.example.com", "--client-id=kubernetes"]);
        let cluster = ["--cluster=prod", "--server=https://k8s.example.com:6443"];
        command.args(cluster.iter().filter(|other| !other.starts_with(&format!("--{flag}="))));
        let refused = home.run(command.args([&format!("--{flag}"), ""]));
        assert_eq!((refused.code(), refused.stdout.as_str()), (Some(2), ""), "{refused:#?}");
        let message = format!("kubekey: a value is required for '--{flag} <");
        assert!(refused.stderr.starts_with(&message), "{refused:#?}");
        assert!(!home.path().join(".kube").exists(), "{flag}");
    }
    for (command, flag) in [("login", "context"), ("login", "kubeconfig"), ("logout", "context")] {
        let refused = home.run(home.kubekey().args([command, &format!("--{flag}"), ""]));
        let message = format!("kubekey: a value is required for '--{flag} <");
        assert!(refused.code() == Some(2) && refused.stderr.starts_with(&message), "{refused:#?}");
    }
    // A setting, or a variable, that is empty is not given, as everywhere.
    let mut command = setup(&home);
    command.env("KUBEKEY_CONTEXT", "").env("KUBEKEY_KUBECONFIG", "").args(["--profile", ""]);
    assert_eq!(home.run(&mut command).code(), Some(0));
}
