//! `kubekey setup --system`: the settings for all users of a machine, as packages and fleets write them.

use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::browser::Mode;
use crate::support::etc::Etc;
use crate::support::home::{Home, without_rights};
use crate::support::kubeconfig::{PLAIN, entry, names, view};
use crate::support::provider::Provider;
use crate::support::run::{Finished, Running};
use crate::support::strace::{places_to_kill, strace};
use crate::support::tls::COMPANY;

const CHANGED: Option<i32> = Some(10);
const SIGKILL: i32 = 9;

/// A machine and one of its users.
struct Machine {
    etc: Etc,
    home: Home,
}

impl Machine {
    fn new(files: &[(&str, &str)]) -> Self {
        Machine { etc: Etc::new(files), home: Home::new(Mode::Follow) }
    }

    /// `kubekey` without a setting in its environment.
    fn kubekey(&self, arguments: &[&str]) -> Command {
        let mut kubekey = self.home.kubekey();
        kubekey.env_remove("KUBEKEY_TOKEN_STORAGE").args(arguments);
        kubekey
    }

    fn setup(&self, arguments: &[&str]) -> Command {
        let mut kubekey = self.kubekey(&["setup", "--system"]);
        kubekey.args(arguments);
        kubekey
    }

    fn run(&self, command: &Command) -> Finished {
        self.home.run(&mut self.etc.in_place(command))
    }

    /// The same for a run that must succeed.
    fn done(&self, command: &Command) -> Finished {
        let finished = self.run(command);
        assert_eq!(finished.code(), Some(0), "{finished:#?}");
        finished
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.etc.path(name)).expect("a file in /etc/kubekey")
    }

    fn names(&self) -> Vec<String> {
        names(&self.etc.path(""))
    }

    fn metadata(&self, name: &str) -> Metadata {
        fs::metadata(self.etc.path(name)).expect("a file in /etc/kubekey")
    }

    /// The value that applies to a user.
    fn shown(&self) -> Value {
        let finished = self.done(&self.kubekey(&["config", "show", "--output=json"]));
        serde_json::from_str(&finished.stdout).expect("JSON")
    }

    fn value(&self, key: &str) -> Value {
        self.shown()["settings"][key]["value"].clone()
    }
}

const ISSUER: &str = "--issuer-url=https://login.example.com";
const CLIENT: &str = "--client-id=kubernetes";

#[test]
fn without_answers_there_is_a_commented_file_and_one_line_that_says_what_to_do_next() {
    let machine = Machine::new(&[]);
    fs::remove_dir(machine.etc.path("")).unwrap();
    let mut strict = Command::new("/bin/sh");
    let kubekey = machine.setup(&[]);
    strict.args(["-c", r#"umask 077; exec "$@""#, "sh"]).arg(kubekey.get_program()).args(kubekey.get_args());
    let finished = machine.done(&strict);
    assert_eq!((finished.stdout.as_str(), finished.stderr.lines().count()), ("", 1), "{finished:#?}");
    assert!(finished.stderr.contains("kubekey setup --system --issuer-url URL --client-id ID"), "{finished:#?}");
    let mode = |name| machine.metadata(name).mode() & 0o7777;
    assert_eq!((mode(""), mode("config.toml")), (0o755, 0o644));
    let text = machine.text("config.toml");
    assert!(text.lines().all(|line| line.is_empty() || line.starts_with('#')), "{text}");
    let checked = machine.done(&machine.kubekey(&["config", "check"]));
    assert_eq!((checked.stdout.as_str(), checked.stderr.as_str()), ("/etc/kubekey/config.toml: ok\n", ""));
}

#[test]
fn flags_win_over_variables_and_variables_over_answers() {
    const FILE: &str = "issuer_url = 'https://answers.example.com'\nclient_id = 'answers'\nscope = ['a']\n\
        login_timeout = 90\n[profiles.two]\nclient_id = 'two'\n\
        [[clusters]]\nname = 'prod'\nserver = 'https://a'\nprofile = 'two'\n\
        [[clusters]]\nname = 'test'\nserver = 'https://t'\n";
    let machine = Machine::new(&[("answers.toml", FILE)]);
    let mut command = machine.setup(&["--answers=/etc/kubekey/answers.toml", ISSUER, "--output=json"]);
    command.args(["--cluster=prod", "--server=https://b", "--context=c"]).env("KUBEKEY_NAMESPACE", "team");
    command.env("KUBEKEY_ISSUER_URL", "https://variable.example.com").env("KUBEKEY_CLIENT_ID", "variable");
    command.env("KUBEKEY_SCOPE", "email groups").env("IDP_ISSUER_URL", "https://x.example").env("CLIENT_SECRET", "x");
    let finished = machine.done(&command);
    let report: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(report["clusters"], json!([{"cluster": "prod"}, {"cluster": "test"}]));
    for (key, value) in [
        ("issuer_url", json!("https://login.example.com")),
        ("client_id", json!("variable")),
        ("scope", json!(["email", "groups"])),
        ("login_timeout", json!("90")),
        ("client_secret", json!(null)),
    ] {
        assert_eq!(machine.value(key), value, "{key}");
    }
    let profile = machine.done(&machine.kubekey(&["--profile=two", "config", "show"]));
    assert!(profile.stdout.contains("client_id = \"two\""), "{profile:#?}");
    let text = machine.text("config.toml");
    let prod = "[[clusters]]\nname = \"prod\"\nserver = \"https://b\"\nnamespace = \"team\"\ncontext = \"c\"\n";
    assert!(text.contains(prod) && !text.contains("https://a"), "{text}");
}

#[test]
fn answers_come_from_standard_input_too() {
    let machine = Machine::new(&[("answers.toml", "client_id = 'piped'\nisuer_url = 'https://a'\n")]);
    let kubekey = machine.setup(&["--answers=-"]);
    let mut piped = Command::new("/bin/sh");
    piped.args(["-c", r#"exec "$@" </etc/kubekey/answers.toml"#, "sh"]).arg(kubekey.get_program());
    let finished = machine.done(piped.args(kubekey.get_args()));
    assert_eq!(machine.value("client_id"), "piped");
    let warning = "the answers line 2: unknown setting 'isuer_url' (did you mean 'issuer_url'?)";
    assert!(finished.stderr.contains(warning), "{finished:#?}");
    assert!(!machine.text("config.toml").contains("isuer"), "{finished:#?}");
}

#[test]
fn nothing_is_asked_at_a_terminal() {
    let machine = Machine::new(&[]);
    let kubekey = machine.setup(&["--answers=-"]);
    let words: Vec<_> = kubekey.get_args().map(|word| word.to_string_lossy()).collect();
    let mut script = Command::new("/usr/bin/script");
    script.args(["-qec", &format!("{} {}", kubekey.get_program().display(), words.join(" ")), "/dev/null"]);
    let finished = machine.run(&script);
    assert_eq!(finished.code(), Some(2), "{finished:#?}");
    assert!(finished.stdout.contains("it is a terminal"), "{finished:#?}");
    assert_eq!(machine.names(), Vec::<String>::new());
}

#[test]
fn a_second_run_leaves_the_file_untouched() {
    let machine = Machine::new(&[]);
    let run = || machine.run(&machine.setup(&[ISSUER, CLIENT, "--detailed-exitcode"]));
    assert_eq!(run().code(), CHANGED);
    let before = machine.metadata("config.toml");
    let finished = run();
    let after = machine.metadata("config.toml");
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    assert_eq!((after.ino(), after.mtime_nsec()), (before.ino(), before.mtime_nsec()));
    assert_eq!(machine.names(), ["config.toml"]);
}

#[test]
fn a_file_that_nobody_changed_is_replaced_with_the_mode_that_it_has() {
    let machine = Machine::new(&[]);
    machine.done(&machine.setup(&[ISSUER, CLIENT]));
    machine.etc.set_mode("config.toml", 0o640);
    machine.done(&machine.setup(&["--issuer-url=https://new.example.com"]));
    assert_eq!(
        (machine.value("issuer_url"), machine.value("client_id")),
        (json!("https://new.example.com"), json!("kubernetes"))
    );
    assert_eq!((machine.metadata("config.toml").mode() & 0o777, machine.names()), (0o640, vec!["config.toml".into()]));
}

#[test]
fn a_run_without_answers_changes_no_file_that_is_there() {
    for text in ["", "client_id = 'mine'\n", "not even TOML"] {
        let machine = Machine::new(&[("config.toml", text)]);
        let finished = machine.run(&machine.setup(&["--detailed-exitcode"]));
        assert_eq!((machine.text("config.toml").as_str(), machine.names()), (text, vec!["config.toml".to_owned()]));
        assert_ne!(finished.code(), CHANGED, "{finished:#?}");
    }
    let machine = Machine::new(&[]);
    machine.done(&machine.setup(&[ISSUER, CLIENT]));
    machine.done(&machine.setup(&[]));
    assert_eq!(machine.value("client_id"), "kubernetes");
}

#[test]
fn a_changed_file_is_kept_and_the_new_one_is_put_beside_it_once() {
    let machine = Machine::new(&[]);
    let run = |client: &str| machine.run(&machine.setup(&[ISSUER, client, "--detailed-exitcode"]));
    run(CLIENT);
    let changed = machine.text("config.toml").replace("\"kubernetes\"", "\"mine\"");
    fs::write(machine.etc.path("config.toml"), &changed).unwrap();
    let finished = run(CLIENT);
    assert_eq!((finished.code(), machine.names()), (Some(0), vec!["config.toml".to_owned()]), "nothing is new");
    assert!(finished.stderr.contains("was edited and is not overwritten"), "{finished:#?}");

    let finished = run("--client-id=new");
    assert_eq!(finished.code(), CHANGED, "{finished:#?}");
    assert!(finished.stderr.contains("wrote /etc/kubekey/config.toml.new: "), "{finished:#?}");
    assert_eq!((machine.text("config.toml"), machine.value("client_id")), (changed.clone(), json!("mine")));
    let new = machine.text("config.toml.new");
    assert!(new.contains("client_id = \"new\""), "{new}");
    let finished = run("--client-id=new");
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    assert!(finished.stderr.contains("the generated settings are in /etc/kubekey/config.toml.new"), "{finished:#?}");

    // The administrator has reviewed it, and made its first line their own.
    let (first, (_, rest)) = (new.lines().next().unwrap(), changed.split_once('\n').unwrap());
    fs::write(machine.etc.path("config.toml"), format!("{first}\n{rest}")).unwrap();
    fs::remove_file(machine.etc.path("config.toml.new")).unwrap();
    assert_eq!((run("--client-id=new").code(), machine.names()), (Some(0), vec!["config.toml".to_owned()]));
}

#[test]
fn a_link_stays() {
    let machine = Machine::new(&[]);
    machine.done(&machine.setup(&[ISSUER]));
    fs::rename(machine.etc.path("config.toml"), machine.etc.path("real")).unwrap();
    symlink("real", machine.etc.path("config.toml")).unwrap();
    let before = machine.text("real");
    machine.done(&machine.setup(&[ISSUER, CLIENT]));
    assert_eq!(fs::read_link(machine.etc.path("config.toml")).unwrap(), Path::new("real"));
    assert_eq!((machine.text("real"), machine.names().len()), (before, 3));
    assert!(machine.text("config.toml.new").contains("kubernetes"));
}

#[test]
fn wrong_answers_are_named_and_write_nothing() {
    for (text, arguments, words) in [
        ("login_timeout = true", &[][..], &["answers.toml line 1, column 17", "login_timeout = true", "seconds"][..]),
        ("a = ", &[], &["answers.toml line 1, column 5"]),
        (
            "\nissuer_url = 'http://login.example.com'",
            &[],
            &["answers.toml line 2", "http is allowed only for this machine"],
        ),
        (
            "[profiles.a]\ntoken_storage = 'cloud'",
            &[],
            &["answers.toml line 2", "it must be auto, keyring, kernel, file or none"],
        ),
        ("[[clusters]]\nname = 'a'", &[], &["answers.toml line 1", "the cluster has no server"]),
        ("[[clusters]]\nname = 'a'\nserver = 'http://a'", &[], &["line 3, column 10", "over http anyone"]),
        ("[[clusters]]\nname = 'a'\nserver = 'https://a'\nprofile = 'b'", &[], &["unknown profile 'b'"]),
        ("", &["--issuer-url=login.example.com"], &["--issuer-url 'login.example.com'"]),
        ("", &["--skip-open-browser=maybe"], &["--skip-open-browser 'maybe'"]),
        ("", &["--server=https://a"], &["--cluster"]),
        ("", &["--print=rbac"], &["--system", "--print"]),
        ("", &["--certificate-authority=/ca.pem"], &["--issuer-certificate-authority"]),
        ("", &["--cluster=a", "--server=a"], &["--server 'a'"]),
        ("", &["--cluster=a", "--server=https://a", "--certificate-authority=/none"], &["/none", "no such file"]),
        ("", &["--kubeconfig=/etc/kubekey/kubeconfig"], &["there is no cluster to write"]),
        ("", &["--answers=/none"], &["--answers '/none'", "no such file"]),
    ] {
        let machine = Machine::new(&[("answers.toml", text)]);
        let answers: &[&str] = if text.is_empty() { &[] } else { &["--answers=/etc/kubekey/answers.toml"] };
        let finished = machine.run(machine.setup(answers).args(arguments));
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(2), ""), "{text}: {finished:#?}");
        assert_eq!(finished.stderr.lines().filter(|line| line.starts_with("kubekey: ")).count(), 1, "{finished:#?}");
        for word in words {
            assert!(finished.stderr.contains(word), "{word}: {finished:#?}");
        }
        assert_eq!(machine.names(), ["answers.toml"], "{text}");
    }
}

#[test]
fn what_the_policy_forbids_is_not_written() {
    let machine = Machine::new(&[("policy.toml", "allowed_issuers = ['https://login.example.com']")]);
    let finished = machine.run(&machine.setup(&["--issuer-url=https://evil.example", CLIENT]));
    assert_eq!(finished.code(), Some(4), "{finished:#?}");
    assert_eq!(machine.names(), ["policy.toml"]);
    // The administrator may set what the policy locks for others, such as this.
    machine.done(&machine.setup(&[ISSUER, CLIENT, "--browser-command=firefox"]));
    assert_eq!(machine.value("browser_command"), "firefox");
}

#[test]
fn a_client_secret_is_left_out_unless_it_is_asked_for_and_no_diff_shows_it() {
    const SECRET: &str = "s3cr3t-of-the-client";
    let answers = format!("client_secret = '{SECRET}'\n[profiles.a]\nclient_secret = '{SECRET}'\n");
    let machine = Machine::new(&[("answers.toml", &answers)]);
    let run = |arguments: &[&str]| {
        let finished = machine.done(machine.setup(&["--answers=/etc/kubekey/answers.toml"]).args(arguments));
        assert!(!format!("{finished:?}").contains(SECRET), "{finished:#?}");
        finished
    };
    let finished = run(&[]);
    assert!(finished.stderr.contains("warning: the client secret is left out"), "{finished:#?}");
    assert!(finished.stderr.contains("config.toml: profiles: 1\n"), "{finished:#?}");
    assert!(!machine.text("config.toml").contains(SECRET));
    let nothing = Machine::new(&[]);
    let nothing = nothing.done(&nothing.setup(&[&format!("--client-secret={SECRET}")]));
    assert!(nothing.stderr.contains("config.toml: nothing is set in it\n"), "{nothing:#?}");
    let asked = run(&["--include-client-secret", "--dry-run"]);
    assert!(asked.stdout.contains("+client_secret = ***\n") && !asked.stderr.contains("warning"), "{asked:#?}");
    run(&["--include-client-secret"]);
    assert_eq!(machine.text("config.toml").matches(SECRET).count(), 2);
}

#[test]
fn without_root_there_is_one_clear_error() {
    let home = Home::new(Mode::Follow);
    let mut command = home.kubekey();
    command.args(["setup", "--system", ISSUER]).current_dir("/");
    let (mut command, _program) = without_rights(&command);
    let finished = home.run(&mut command);
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(1), ""), "{finished:#?}");
    assert!(finished.stderr.starts_with("kubekey: only root can write the settings"), "{finished:#?}");
    assert_eq!(finished.stderr.lines().count(), 2, "{finished:#?}");
    let finished = home.run(command.arg("--dry-run"));
    assert_eq!(finished.code(), Some(0), "who only looks need not be root: {finished:#?}");
    assert!(finished.stdout.contains("+issuer_url = \"https://login.example.com\""), "{finished:#?}");
}

#[test]
fn a_dry_run_shows_all_and_writes_nothing() {
    let machine = Machine::new(&[]);
    let mut command = machine.setup(&[ISSUER, "--cluster=a", "--server=https://a", "--dry-run", "--detailed-exitcode"]);
    command.arg("--kubeconfig=/etc/kubekey/new/kubeconfig");
    let finished = machine.run(&command);
    assert_eq!((finished.code(), machine.names().len()), (CHANGED, 0), "{finished:#?}");
    for line in ["+++ /etc/kubekey/config.toml", "+name = \"a\"", "+++ /etc/kubekey/new/kubeconfig", "+  name: a"] {
        assert!(finished.stdout.lines().any(|other| other == line), "{line}: {finished:#?}");
    }
    let finished = machine.run(command.arg("--output=json"));
    let report: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!((&report["dryRun"], &report["changed"], &report["kept"]), (&json!(true), &json!(true), &json!(false)));
    assert_eq!((&report["files"][0]["created"], report["files"][1]["diff"].is_string()), (&json!(true), true));
    assert_eq!((finished.stderr.as_str(), machine.names().len()), ("", 0));
}

#[test]
fn a_kubeconfig_for_all_users_has_the_clusters_and_keeps_what_else_is_in_it() {
    let authority = STANDARD.encode(COMPANY.pem());
    let answers = "[profiles.two]\nclient_id = 'two'\n[[clusters]]\nname = 'prod'\nserver = 'https://p'\n\
        certificate_authority_data = 'CA'\ncontext = 'main'\n[[clusters]]\nname = 'test'\nserver = 'https://t'\n\
        profile = 'two'\nnamespace = 'n'\n";
    let machine = Machine::new(&[("answers.toml", &answers.replace("'CA'", &format!("'{authority}'")))]);
    let run = |name: &str| {
        let finished = machine.run(&machine.setup(&[
            "--answers=/etc/kubekey/answers.toml",
            "--detailed-exitcode",
            &format!("--kubeconfig=/etc/kubekey/{name}"),
        ]));
        (finished.code(), machine.etc.path(name))
    };
    let (code, file) = run("shared/kubeconfig");
    let modes = [&file, file.parent().unwrap()].map(|path| fs::metadata(path).unwrap().mode() & 0o777);
    assert_eq!((code, modes), (CHANGED, [0o644, 0o755]));
    let all = view(&machine.home, &file);
    let cluster = |name| entry(&all, "clusters", name).unwrap()["cluster"].clone();
    let context = |name| entry(&all, "contexts", name).unwrap()["context"].clone();
    let arguments = |name| entry(&all, "users", name).unwrap()["user"]["exec"]["args"].clone();
    assert_eq!(cluster("prod"), json!({"server": "https://p", "certificate-authority-data": authority}));
    assert_eq!(context("test"), json!({"cluster": "test", "user": "kubekey-test", "namespace": "n"}));
    assert_eq!((arguments("kubekey-prod"), arguments("kubekey-test")), (json!([]), json!(["--profile=two"])));
    assert_eq!(all["current-context"], "", "that is each user's own");
    assert_eq!(run("shared/kubeconfig").0, Some(0), "a second run has nothing to do");

    fs::write(machine.etc.path("old"), PLAIN).unwrap();
    fs::set_permissions(machine.etc.path("old"), fs::Permissions::from_mode(0o600)).unwrap();
    let (_, file) = run("old");
    let all = view(&machine.home, &file);
    assert_eq!((all["current-context"].as_str(), entry(&all, "users", "me").is_some()), (Some("old"), true));
    assert!(entry(&all, "contexts", "main").is_some() && fs::metadata(&file).unwrap().mode() & 0o777 == 0o600);

    // Later, the clusters come from the existing settings.
    let finished = machine.done(&machine.setup(&["--kubeconfig=/etc/kubekey/later"]));
    let later = view(&machine.home, &machine.etc.path("later"));
    assert!(entry(&later, "contexts", "test").is_some(), "{finished:#?}");
}

#[test]
fn a_cluster_gets_the_whole_path_of_its_certificate_authority() {
    let machine = Machine::new(&[]);
    fs::write(machine.etc.path("ca.pem"), COMPANY.pem()).unwrap();
    let mut command = machine.setup(&["--cluster=a", "--server=https://a", "--certificate-authority=ca.pem"]);
    command.arg("--issuer-certificate-authority=/etc/kubekey/ca.pem");
    let mut inside = Command::new("/bin/sh");
    inside.args(["-c", r#"cd /etc/kubekey && exec "$@""#, "sh"]).arg(command.get_program()).args(command.get_args());
    machine.done(&inside);
    let text = machine.text("config.toml");
    assert!(text.contains("\ncertificate_authority = \"/etc/kubekey/ca.pem\"\n"), "{text}");
    assert!(text.contains("\ncertificate_authority = [\"/etc/kubekey/ca.pem\"]\n"), "{text}");
}

#[test]
fn who_has_nothing_but_what_it_wrote_can_sign_in() {
    let machine = Machine::new(&[]);
    let provider = Provider::start();
    let issuer = format!("--issuer-url={}", provider.issuer());
    machine.done(&machine.setup(&[&issuer, &format!("--client-id={}", provider.client_id()), "--token-storage=none"]));
    assert_eq!(provider.count_all(), 0, "the network is not asked");
    let finished = machine.home.run(&mut machine.etc.over(&machine.kubekey(&[])));
    finished.credential();
}

/// The words between quotes in the line that says what comes next.
fn next_command(finished: &Finished) -> Vec<String> {
    let lines: Vec<_> = finished.stderr.lines().filter(|line| line.contains("next: ")).collect();
    assert_eq!(lines.len(), 1, "{finished:#?}");
    let command = lines[0].split('\'').nth(1).unwrap();
    command.split(' ').skip(1).map(str::to_owned).collect()
}

#[test]
fn the_next_step_that_is_told_works() {
    let (machine, provider) = (Machine::new(&[]), Provider::start());
    let client = format!("--client-id={}", provider.client_id());
    let first = machine.done(&machine.setup(&[&format!("--issuer-url={}", provider.issuer())]));
    assert!(first.stderr.starts_with("kubekey: wrote /etc/kubekey/config.toml: settings: 1\n"), "{first:#?}");
    let command = next_command(&first);
    assert_eq!(command, ["setup", "--system", "--client-id", "ID"], "the client is missing");
    let without = machine.done(&machine.setup(&[&client]));
    assert!(without.stderr.contains("next: each user runs 'kubekey setup', which asks for a cluster"), "{without:#?}");
    let with = machine.done(&machine.setup(&["--cluster=prod", "--server=https://127.0.0.1:1"]));
    assert!(with.stderr.contains("config.toml: settings: 2, clusters: 1\n"), "{with:#?}");
    assert!(with.stderr.contains("once, and then kubectl"), "{with:#?}");
    let words = next_command(&with);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let done = machine.home.run(&mut machine.etc.over(&machine.kubekey(&words)));
    assert_eq!(done.code(), Some(0), "{done:#?}");
    let kubeconfig = view(&machine.home, &machine.home.path().join(".kube/config"));
    assert_eq!(kubeconfig["current-context"], "prod", "kubectl needs no flag: {kubeconfig}");

    let again = machine.done(&machine.setup(&["--cluster=prod", "--server=https://127.0.0.1:1"]));
    assert!(!again.stderr.contains("next: "), "nothing was written: {again:#?}");
    let planned = machine.done(&machine.setup(&["--cluster=b", "--server=https://b", "--dry-run"]));
    assert!(!planned.stderr.contains("next: "), "{planned:#?}");
    let shared = machine.setup(&["--cluster=a b", "--server=https://a", "--kubeconfig=/etc/kubekey/all"]);
    let shared = machine.done(&shared);
    let told = "try it: kubectl --context prod --kubeconfig /etc/kubekey/all get pods\n";
    assert!(shared.stderr.contains(told), "{shared:#?}");
    let other = Machine::new(&[]);
    let other = other.done(&other.setup(&["--browser-command=firefox"]));
    assert!(!other.stderr.contains("next: "), "another file may name the provider: {other:#?}");
}

#[test]
fn a_file_of_the_providers_ca_that_is_missing_is_one_warning() {
    let machine = Machine::new(&[("there.pem", &COMPANY.pem())]);
    let files = ["there", "gone"].map(|name| format!("--issuer-certificate-authority=/etc/kubekey/{name}.pem"));
    let finished = machine.done(&machine.setup(&[ISSUER, CLIENT, &files[0], &files[1]]));
    assert_eq!(warnings(&finished), ["the provider's CA: /etc/kubekey/gone.pem does not exist yet"], "{finished:#?}");
    assert!(machine.text("config.toml").contains("gone.pem\"]"), "it is written all the same");
}

fn warnings(finished: &Finished) -> Vec<&str> {
    finished.stderr.lines().filter_map(|line| line.strip_prefix("kubekey: warning: ")).collect()
}

#[test]
fn a_ca_that_is_there_and_cannot_be_used_is_one_error_and_nothing_is_written() {
    const CLUSTER: &str = "[[clusters]]\nname = 'a'\nserver = 'https://a'\n";
    let no_pem = STANDARD.encode("words");
    let of_cluster = |authority: &str| format!("{CLUSTER}{authority}\n");
    for (answers, flag, words) in [
        (
            "#",
            "--issuer-certificate-authority=/etc/kubekey/words",
            "--issuer-certificate-authority '/etc/kubekey/words'",
        ),
        ("#", "--issuer-certificate-authority=/etc/kubekey/key.pem", "cannot be used: it contains no PEM certificate"),
        ("#", "--issuer-certificate-authority=/etc", "'/etc' cannot be used: it is not a file"),
        ("#", "--issuer-certificate-authority=/etc/kubekey/words/ca.pem", "Not a directory"),
        ("certificate_authority = ['/etc/kubekey/words']", CLIENT, "answers.toml line 1: certificate_authority"),
        ("certificate_authority = ['/gone:/etc/kubekey/words']", CLIENT, "'/etc/kubekey/words' cannot be used"),
        (&format!("certificate_authority_data = ['{no_pem}']"), CLIENT, "line 1: certificate_authority_data"),
        ("[profiles.a]\ncertificate_authority = ['/etc/kubekey/words']", CLIENT, "line 2: certificate_authority"),
        (
            &of_cluster("certificate_authority = '/etc/kubekey/words'"),
            CLIENT,
            "cluster 'a': certificate_authority '/etc",
        ),
        (&of_cluster(&format!("certificate_authority_data = '{no_pem}'")), CLIENT, "certificate_authority_data"),
    ] {
        let files =
            [("words", "words\n"), ("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")];
        let machine = Machine::new(&[files[0], files[1], ("answers.toml", answers)]);
        let finished = machine.run(&machine.setup(&[ISSUER, "--answers=/etc/kubekey/answers.toml", flag]));
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(2), ""), "{answers} {flag}: {finished:#?}");
        assert_eq!(finished.stderr.lines().filter(|line| line.starts_with("kubekey: ")).count(), 1, "{finished:#?}");
        assert!(finished.stderr.contains(words) && finished.stderr.contains("\nhint: "), "{words}: {finished:#?}");
        assert_eq!(machine.names(), ["answers.toml", "key.pem", "words"], "{answers} {flag}");
    }
}

#[test]
fn a_ca_that_some_users_cannot_read_is_a_warning() {
    let pem = COMPANY.pem();
    let answers = "[[clusters]]\nname = 'a'\nserver = 'https://a'\ncertificate_authority = '/etc/kubekey/of/all.pem'\n";
    let machine = Machine::new(&[("root.pem", &pem), ("all.pem", &pem), ("answers.toml", answers)]);
    machine.etc.set_mode("root.pem", 0o600);
    fs::create_dir(machine.etc.path("of")).unwrap();
    fs::copy(machine.etc.path("all.pem"), machine.etc.path("of/all.pem")).unwrap();
    machine.etc.set_mode("of", 0o700);
    let files = ["root", "all"].map(|name| format!("--issuer-certificate-authority=/etc/kubekey/{name}.pem"));
    let given = [ISSUER, CLIENT, &files[0], &files[1], "--answers=/etc/kubekey/answers.toml"];
    let finished = machine.done(&machine.setup(&given));
    let why = "change its permissions, or put it into another folder";
    let expected = [
        format!("the provider's CA: not all users can read /etc/kubekey/root.pem: {why}"),
        format!("cluster 'a': not all users can read /etc/kubekey/of/all.pem: {why}"),
    ];
    assert_eq!(warnings(&finished), expected, "{finished:#?}");
    machine.etc.set_mode("of", 0o711);
    machine.etc.set_mode("root.pem", 0o644);
    assert_eq!(warnings(&machine.done(&machine.setup(&given))), [""; 0]);
}

#[test]
fn each_file_of_a_variable_is_looked_for_by_itself() {
    let pem = COMPANY.pem();
    let machine = Machine::new(&[("ca.pem", &pem), ("other.pem", &pem)]);
    let run = |files: &str| {
        let mut command = machine.setup(&[ISSUER, CLIENT]);
        machine.done(command.env("KUBEKEY_CERTIFICATE_AUTHORITY", files))
    };
    assert_eq!(warnings(&run("/etc/kubekey/ca.pem:/etc/kubekey/other.pem:")), [""; 0]);
    let expected = ["the provider's CA: /etc/kubekey/gone.pem does not exist yet"];
    assert_eq!(warnings(&run("/etc/kubekey/ca.pem:/etc/kubekey/gone.pem")), expected);
}

#[test]
fn what_comes_next_is_what_all_files_of_the_administrator_say() {
    const CLUSTER: &str = "[[clusters]]\nname = 'a'\nserver = 'https://a'\n";
    const PROVIDER: &str = "issuer_url = 'https://a.test'\nclient_id = 'k'\n";
    const ONCE: &str = "next: each user runs 'kubekey setup' once, and then kubectl";
    const ASKS: &str = "next: each user runs 'kubekey setup', which asks for a cluster";
    const ISSUER_TOO: &str = "next: set issuer_url, too, in this or another file, such as with \
        'kubekey setup --system --issuer-url URL'";
    let profile = format!("[profiles.a]\n{PROVIDER}");
    let half = "client_id = 'k'\n[profiles.a]\nissuer_url = 'https://a.test'\n".to_owned();
    for (answers, other, next) in [
        (format!("{half}{CLUSTER}"), "", ISSUER_TOO),
        (format!("{half}{CLUSTER}profile = 'a'\n"), "", ONCE),
        (format!("{half}{CLUSTER}profile = 'a'\n[[clusters]]\nname = 'b'\nserver = 'https://b'\n"), "", ISSUER_TOO),
        (format!("{profile}{CLUSTER}profile = 'a'\n"), "", ONCE),
        (format!("{profile}{CLUSTER}"), "", ""),
        (profile.clone(), "", ""),
        (half.clone(), "", ""),
        (format!("profile = 'a'\n{profile}"), "", ASKS),
        (PROVIDER.to_owned(), "", ASKS),
        (PROVIDER.to_owned(), CLUSTER, ONCE),
        ("client_id = 'k'\n".to_owned(), "issuer_url = 'https://a.test'\n", ASKS),
        (format!("client_id = 'k'\n{CLUSTER}"), "issuer_url = 'https://a.test'\n", ONCE),
        (CLUSTER.to_owned(), PROVIDER, ONCE),
        (PROVIDER.to_owned(), "no TOML", ""),
    ] {
        let machine = Machine::new(&[("answers.toml", &answers)]);
        fs::create_dir(machine.etc.path("config.d")).unwrap();
        machine.etc.set_mode("config.d", 0o755);
        fs::write(machine.etc.path("config.d/10-more.toml"), other).unwrap();
        machine.etc.set_mode("config.d/10-more.toml", 0o644);
        let finished = machine.done(&machine.setup(&["--answers=/etc/kubekey/answers.toml"]));
        let said = finished
            .stderr
            .lines()
            .find_map(|line| line.strip_prefix("kubekey: ").filter(|line| line.starts_with("next: ")));
        assert_eq!(said.unwrap_or_default(), next, "{answers}{other}: {finished:#?}");
    }
}

#[test]
fn a_profile_that_no_file_has_is_refused() {
    let machine = Machine::new(&[("answers.toml", "profile = 'zz'\n[profiles.a]\nclient_id = 'a'\n")]);
    fs::create_dir(machine.etc.path("config.d")).unwrap();
    let refused = |arguments: &[&str], words: &str| {
        let finished = machine.run(&machine.setup(arguments));
        assert_eq!(finished.code(), Some(2), "{finished:#?}");
        assert!(finished.stderr.contains(words), "{words}: {finished:#?}");
        assert!(!machine.etc.path("config.toml").exists());
    };
    refused(
        &["--profile=zz"],
        "kubekey: --profile 'zz' cannot be used: there is no such profile\nhint: no configuration",
    );
    let file = "--answers=/etc/kubekey/answers.toml";
    refused(
        &[file],
        "answers.toml line 1: profile 'zz' cannot be used: there is no such profile\nhint: known profiles: a\n",
    );
    fs::write(machine.etc.path("config.d/more.toml"), "[profiles.b]\nclient_id = 'b'\n").unwrap();
    refused(&[file], "known profiles: a, b\n");
    machine.done(&machine.setup(&[file, "--profile=b"]));
    machine.done(&machine.setup(&["--profile=a"]));
    assert_eq!(machine.value("client_id"), "a");
    let finished = machine.run(&machine.setup(&["--profile=zz"]));
    assert!(finished.code() == Some(2) && machine.text("config.toml").contains("profile = \"a\""), "{finished:#?}");
}

/// The same trace of a run that may read all of this proves that the trace would show it.
#[test]
fn no_home_is_opened_and_no_socket_is_made() {
    let machine =
        Machine::new(&[("answers.toml", "client_secret = 'a'\n[[clusters]]\nname = 'a'\nserver = 'https://a'\n")]);
    let home = machine.home.path().display().to_string();
    let traced = |command: &Command| {
        let trace = machine.home.path().join("trace");
        let mut command = strace(command, &trace, &["-f", "-s", "512", "-e", "trace=%file,%desc,%network"]);
        command.current_dir("/");
        machine.done(&command);
        fs::read_to_string(trace).unwrap()
    };
    let mut command = machine.setup(&[ISSUER, CLIENT, "--answers=/etc/kubekey/answers.toml"]);
    command.arg("--kubeconfig=/etc/kubekey/kubeconfig").env("KUBEKEY_BROWSER_COMMAND", "firefox").current_dir("/");
    let trace = traced(&command);
    assert!(trace.contains("/etc/kubekey/config.toml"), "{trace}");
    let touched = |trace: &str| trace.lines().any(|line| line.contains(&home) && !line.contains("execve("));
    assert!(!touched(&trace) && !trace.contains("socket("), "{trace}");
    assert!(touched(&traced(&machine.kubekey(&["config", "show"]))));

    let without_home = {
        command.env_remove("HOME").env_remove("XDG_CONFIG_HOME").arg("--output=json");
        machine.done(&command)
    };
    assert!(without_home.stdout.contains("\"changed\":false"), "{without_home:#?}");
}

#[test]
fn runs_at_the_same_time_leave_the_file_of_one_of_them() {
    let machine = Machine::new(&[]);
    let arguments: Vec<_> = (0..8).map(|index| format!("--client-id=c{index}")).collect();
    let commands = arguments.iter().map(|client| machine.etc.in_place(&machine.setup(&[ISSUER, client])));
    let running: Vec<_> = commands.map(|mut command| Running::start(&mut command)).collect();
    for run in running {
        let finished = run.wait();
        assert_eq!(finished.code(), Some(0), "{finished:#?}");
    }
    let text = machine.text("config.toml");
    assert_eq!(machine.names(), ["config.toml"]);
    let client = machine.value("client_id");
    machine.done(&machine.setup(&[ISSUER, &format!("--client-id={}", client.as_str().unwrap())]));
    assert_eq!(machine.text("config.toml"), text, "it is whole");
}

#[test]
fn a_run_killed_anywhere_leaves_the_old_file_or_the_new_one() {
    let machine = Machine::new(&[]);
    let command = |client: &str| {
        let mut command = machine.setup(&[ISSUER, client]);
        // Without a log, whose every line would be another call to be killed at.
        command.env_remove("KUBEKEY_LOG");
        command
    };
    machine.done(&command("--client-id=old"));
    let old = machine.text("config.toml");
    let reset = || {
        fs::remove_dir_all(machine.etc.path("")).unwrap();
        fs::create_dir(machine.etc.path("")).unwrap();
        machine.etc.set_mode("", 0o755);
        fs::write(machine.etc.path("config.toml"), &old).unwrap();
    };
    let trace = machine.home.path().join("trace");
    machine.done(&strace(&command("--client-id=new"), &trace, &["-s", "512"]));
    let new = machine.text("config.toml");
    let places = places_to_kill(&trace, "config.toml");
    let (mut killed, mut was_new) = (0, 0);
    for (place, options) in &places {
        reset();
        let finished = machine.run(&strace(&command("--client-id=new"), Path::new("/dev/null"), options));
        killed += usize::from(finished.status.signal() == Some(SIGKILL));
        let text = machine.text("config.toml");
        was_new += usize::from(text == new);
        assert!(text == old || text == new, "killed at {place}: {text}");
        machine.done(&command("--client-id=newer"));
        assert_eq!(machine.names(), ["config.toml"], "{place}");
    }
    assert!(killed > places.len() * 2 / 3 && was_new > 0 && was_new < killed, "{killed}, {was_new}");
}

#[test]
fn flags_change_what_is_there_and_answers_are_all_of_it() {
    let machine = Machine::new(&[("answers.toml", "issuer_url = 'https://login.example.com'\nclient_id = 'all'\n")]);
    machine.done(&machine.setup(&[ISSUER, CLIENT, "--cluster=prod", "--server=https://prod.example.com"]));
    machine.done(&machine.setup(&["--cluster=stage", "--server=https://stage.example.com"]));
    machine.done(&machine.setup(&["--token-storage=file"]));
    let text = fs::read_to_string(machine.etc.path("config.toml")).unwrap();
    for kept in ["https://prod.example.com", "https://stage.example.com", "token_storage = \"file\""] {
        assert_eq!(text.matches(kept).count(), 1, "{kept}: {text}");
    }
    assert_eq!(machine.value("client_id"), json!("kubernetes"));
    machine.done(&machine.setup(&["--answers=/etc/kubekey/answers.toml"]));
    let text = fs::read_to_string(machine.etc.path("config.toml")).unwrap();
    assert!(!text.contains("https://prod.example.com"), "{text}");
    assert_eq!(machine.value("client_id"), json!("all"));
}

#[test]
fn a_secret_that_was_asked_for_stays_when_something_else_is_changed() {
    let machine = Machine::new(&[]);
    machine.done(&machine.setup(&[ISSUER, CLIENT, "--client-secret=s3cret-of-all", "--include-client-secret"]));
    let finished = machine.done(&machine.setup(&["--token-storage=file"]));
    let text = fs::read_to_string(machine.etc.path("config.toml")).unwrap();
    assert!(text.contains("s3cret-of-all") && !finished.stderr.contains("left out"), "{finished:#?}");
}

#[test]
fn what_is_put_beside_a_file_for_root_alone_is_for_root_alone() {
    const SECRET: &str = "client_secret = 's3cret-of-root'\n";
    let machine = Machine::new(&[("config.toml", SECRET), ("config.toml.new", "an older one")]);
    machine.etc.set_mode("config.toml", 0o600);
    machine.etc.set_mode("config.toml.new", 0o644);
    // The second time, only the permissions change.
    for _ in 0..2 {
        machine.done(&machine.setup(&[ISSUER, CLIENT]));
        assert!(machine.text("config.toml.new").contains("s3cret-of-root"));
        assert_eq!(machine.metadata("config.toml.new").mode() & 0o7777, 0o600);
        machine.etc.set_mode("config.toml.new", 0o644);
    }
    assert_eq!(machine.text("config.toml"), SECRET);
}

#[test]
fn a_check_names_the_policy_too() {
    let machine = Machine::new(&[("config.toml", ""), ("policy.toml", "max_session = '8h'")]);
    let checked = machine.done(&machine.kubekey(&["config", "check"]));
    assert_eq!(checked.stdout, "/etc/kubekey/config.toml: ok\n/etc/kubekey/policy.toml: ok\n", "{checked:#?}");
}

#[test]
fn a_cluster_that_the_policy_does_not_allow_is_not_written() {
    let machine = Machine::new(&[("policy.toml", "allowed_servers = ['https://k8s.example.com']")]);
    let finished = machine.run(&machine.setup(&[ISSUER, CLIENT, "--cluster=p", "--server=https://evil.example"]));
    assert_eq!((finished.code(), machine.names()), (Some(4), vec!["policy.toml".into()]), "{finished:#?}");
    assert!(finished.stderr.contains("cluster 'p': a token for https://evil.example is not allowed"), "{finished:#?}");
    machine.done(&machine.setup(&[ISSUER, CLIENT, "--cluster=p", "--server=https://k8s.example.com"]));
}

/// `config.toml` is written first, and what follows must not fail for a reason that can be checked before.
#[test]
fn a_kubeconfig_that_cannot_be_written_leaves_the_settings_as_they_were() {
    let machine = Machine::new(&[("kubeconfig", PLAIN)]);
    machine.etc.set_mode("kubeconfig", 0o444);
    let cluster = ["--cluster=p", "--server=https://p.example.com", "--kubeconfig=/etc/kubekey/kubeconfig"];
    let finished = machine.run(machine.setup(&[ISSUER, CLIENT]).args(cluster));
    assert_eq!((finished.code(), machine.names()), (Some(1), vec!["kubeconfig".into()]), "{finished:#?}");
    std::os::unix::fs::symlink("nowhere", machine.etc.path("link")).unwrap();
    let cluster = ["--cluster=p", "--server=https://p.example.com", "--kubeconfig=/etc/kubekey/link"];
    let finished = machine.run(machine.setup(&[ISSUER, CLIENT]).args(cluster));
    assert_eq!(finished.code(), Some(1), "{finished:#?}");
    assert!(!machine.etc.path("config.toml").exists() && machine.etc.path("link").is_symlink());
}

#[test]
fn what_no_run_would_believe_is_no_success() {
    let machine = Machine::new(&[]);
    machine.done(&machine.setup(&[ISSUER, CLIENT]));
    machine.etc.set_mode("config.toml", 0o666);
    let finished = machine.run(&machine.setup(&["--token-storage=file"]));
    assert_eq!(finished.code(), Some(1), "{finished:#?}");
    assert!(finished.stderr.contains("but kubekey rejects it: it can be written by others"), "{finished:#?}");
}

#[test]
fn an_uninstallation_removes_what_nobody_changed() {
    let machine = Machine::new(&[]);
    machine.done(&machine.setup(&[ISSUER, CLIENT]));
    let removed = machine.done(&machine.setup(&["--remove"]));
    assert!(removed.stderr.contains("removed /etc/kubekey/config.toml"), "{}", removed.stderr);
    assert!(!machine.etc.path("").exists(), "the empty folder");
    // Again, there is nothing to do.
    assert_eq!(machine.done(&machine.setup(&["--remove"])).stderr, "");
}

#[test]
fn an_uninstallation_keeps_what_an_administrator_changed() {
    let machine = Machine::new(&[]);
    machine.done(&machine.setup(&["--client-id=kubernetes"]));
    let edited = machine.text("config.toml").replace("kubernetes", "mine");
    fs::write(machine.etc.path("config.toml"), &edited).unwrap();
    machine.done(&machine.setup(&["--client-id=other"]));
    assert_eq!(machine.names(), ["config.toml", "config.toml.new"]);
    let removed = machine.done(&machine.setup(&["--remove"]));
    assert!(removed.stderr.contains("config.toml was edited and stays"), "{}", removed.stderr);
    assert_eq!((machine.names(), machine.text("config.toml")), (vec!["config.toml".to_owned()], edited));
}

#[test]
fn an_uninstallation_follows_no_link() {
    let machine = Machine::new(&[]);
    machine.done(&machine.setup(&["--client-id=kubernetes"]));
    let elsewhere = machine.home.path().join("config.toml");
    fs::rename(machine.etc.path("config.toml"), &elsewhere).unwrap();
    symlink(&elsewhere, machine.etc.path("config.toml")).unwrap();
    machine.done(&machine.setup(&["--remove"]));
    assert!(elsewhere.is_file());
    assert_eq!(machine.names(), ["config.toml"]);
}
