//! What an administrator's policy forbids kubeconfigs.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::browser::Mode;
use crate::support::etc::Etc;
use crate::support::home::Home;
use crate::support::policy::{SERVER, all_ways, assert_refused, exec_info};
use crate::support::provider::Provider;
use crate::support::run::by_a_command;
use crate::support::tls::COMPANY;

#[test]
fn a_token_goes_only_to_a_server_that_the_policy_lists() {
    let home = Home::new(Mode::Follow);
    let provider = Provider::start();
    let policy = Etc::with_policy(&format!("allowed_servers = ['{SERVER}']"));
    let run = |info: Option<String>| {
        let mut kubekey = home.kubekey_for(&provider);
        kubekey.env("KUBERNETES_EXEC_INFO", info.unwrap_or_default());
        home.run(&mut policy.over(&kubekey))
    };

    let evil = json!({ "server": "https://evil.example" });
    assert_refused(&run(Some(exec_info(&evil))), "a token for https://evil.example is not allowed");
    assert_refused(&run(None), "a token for an unnamed cluster");
    let by_proxy = json!({ "server": SERVER, "proxy-url": "http://evil.example:3128" });
    assert_refused(
        &run(Some(exec_info(&by_proxy))),
        "a token through the proxy http://evil.example:3128 is not allowed",
    );
    let insecure = json!({ "server": SERVER, "insecure-skip-tls-verify": true });
    assert_refused(&run(Some(exec_info(&insecure))), "without certificate verification");
    assert_eq!((provider.count_all(), home.browser.urls().len()), (0, 0), "nothing was begun");

    run(Some(exec_info(&json!({ "server": SERVER })))).credential();
}

#[test]
fn a_saved_token_is_not_released_either() {
    let home = Home::new(Mode::Follow).store_in("file");
    let provider = Provider::start();
    let mut kubekey = home.kubekey_for(&provider);
    home.run(&mut kubekey).credential();
    // Not the server of another test: what one command was told is printed once.
    kubekey.env("KUBERNETES_EXEC_INFO", exec_info(&json!({ "server": "https://another-evil.example" })));
    let policy = Etc::with_policy(&format!("allowed_servers = ['{SERVER}']"));
    assert_refused(&home.run(&mut policy.over(&kubekey)), "https://another-evil.example");
}

#[test]
fn a_cluster_has_to_be_named_where_the_policy_wants_it() {
    let home = Home::new(Mode::Follow);
    let provider = Provider::start();
    let policy = Etc::with_policy("require_cluster_info = true");
    let mut kubekey = home.kubekey_for(&provider);
    assert_refused(&home.run(&mut policy.over(&kubekey)), "a token for an unnamed cluster");
    kubekey.env("KUBERNETES_EXEC_INFO", exec_info(&json!({ "server": "https://any.example" })));
    home.run(&mut policy.over(&kubekey)).credential();
}

#[test]
fn who_is_at_fault_that_no_cluster_is_named_is_told_apart() {
    let home = Home::new(Mode::Absent);
    let policy = Etc::with_policy(&format!("allowed_servers = ['{SERVER}']"));
    let user = |name: &str, client: &str, provides: bool| {
        let args = ["--issuer-url=https://x.example".to_owned(), format!("--client-id={client}")];
        let exec = json!({ "command": "kubekey", "args": args, "provideClusterInfo": provides });
        json!({ "name": name, "user": { "exec": exec } })
    };
    let users =
        [user("asks", "a", true), user("does not ask", "b", false), user("c1", "c", true), user("c2", "c", false)];
    let names = ["asks", "does not ask", "c1", "c2"];
    let contexts = names.map(|user| json!({ "name": user, "context": { "cluster": "x", "user": user } }));
    let kubeconfig =
        json!({ "users": users, "contexts": contexts, "clusters": [{ "name": "x", "cluster": { "server": SERVER } }] });
    std::fs::write(home.path().join("kubeconfig"), kubeconfig.to_string()).unwrap();

    let named = |cluster: &str| format!(r#"{{"kind":"ExecCredential","spec":{{"interactive":false{cluster}}}}}"#);
    let silent =
        "hint: the program that ran kubekey does not say which cluster it talks to, although the kubeconfig has";
    let not_asked = "hint: set 'provideClusterInfo: true' in the kubeconfig's exec section of the user 'does not ask'";
    for (client, info, hint) in [
        ("a", String::new(), silent),
        ("a", named(""), silent),
        ("a", named(r#","cluster":null"#), silent),
        ("a", named(r#","cluster":{}"#), silent),
        ("a", named(r#","cluster":{"server":""}"#), silent),
        ("b", named(""), not_asked),
        ("b", String::new(), not_asked),
        ("c", named(""), "exec section of the user 'c2'"),
        (
            "unknown",
            named(""),
            "hint: set 'provideClusterInfo: true' in the kubeconfig's exec section; if it is already set, the",
        ),
        ("unknown", String::new(), "hint: let kubectl run kubekey, or another program built on client-go, and set"),
    ] {
        let mut kubekey = home.kubekey();
        kubekey.env("KUBECONFIG", home.path().join("kubeconfig")).env("KUBERNETES_EXEC_INFO", &info);
        kubekey.args(["--issuer-url=https://x.example", &format!("--client-id={client}")]);
        let refused = home.run(&mut policy.over(&kubekey));
        assert_refused(&refused, "a token for an unnamed cluster is not allowed");
        assert!(refused.stderr.contains(hint), "{client} {info}: {refused:#?}");
    }
}

#[test]
fn a_cluster_that_cannot_be_read_is_refused_by_each_policy_that_needs_it() {
    let home = Home::new(Mode::Follow).store_in("file");
    let provider = Provider::start();
    let servers = format!("allowed_servers = ['{SERVER}']");
    home.run(&mut home.kubekey_for(&provider)).credential();
    let run = |policy: &str, cluster: &Value| {
        let mut kubekey = home.kubekey_for(&provider);
        kubekey.env("KUBERNETES_EXEC_INFO", exec_info(cluster));
        // Each is another command, so that no run shares the failure of the last one.
        home.run(&mut by_a_command(&Etc::with_policy(policy).over(&kubekey), 1))
    };
    for (cluster, what) in [
        (json!("prod"), "its cluster is not an object"),
        (json!([]), "its cluster is not an object"),
        (json!({ "server": 7 }), "'server' is not a string"),
        (json!({ "server": [SERVER] }), "'server' is not a string"),
        (json!({ "server": SERVER, "proxy-url": {} }), "'proxy-url' is not a string"),
        (json!({ "server": SERVER, "insecure-skip-tls-verify": "true" }), "'insecure-skip-tls-verify' is not true or"),
        (json!({ "server": SERVER, "insecure-skip-tls-verify": 1 }), "'insecure-skip-tls-verify' is not true or"),
    ] {
        for policy in [&servers, "require_cluster_info = true", "allow_insecure_tls = false"] {
            assert_refused(&run(policy, &cluster), what);
        }
        run("max_session = '8h'", &cluster).credential();
    }
    let absent = json!({ "server": SERVER, "proxy-url": null, "insecure-skip-tls-verify": null, "config": null });
    run(&servers, &absent).credential();
}

#[test]
fn a_policy_locks_what_a_kubeconfig_must_not_say() {
    let home = Home::new(Mode::Follow);
    let provider = Provider::start();
    let policy = Etc::with_policy("");
    for (flag, variable) in LOCKED {
        let value = home.path().to_str().unwrap();
        let mut kubekey = home.kubekey_for(&provider);
        assert_refused(&home.run(&mut policy.over(kubekey.arg(flag).arg(value))), flag);
        let mut kubekey = home.kubekey_for(&provider);
        assert_refused(&home.run(&mut policy.over(kubekey.env(variable, value))), variable);
    }
    for command in ["login", "logout"] {
        let mut kubekey = home.kubekey_for(&provider);
        assert_refused(&home.run(&mut policy.over(kubekey.args([command, "--token-dir", "/tmp"]))), "--token-dir");
    }
    assert_eq!((provider.count_all(), home.browser.urls().len()), (0, 0), "nothing was begun");
    home.run(&mut policy.over(&home.kubekey_for(&provider))).credential();
}

#[test]
fn a_policy_can_say_itself_what_it_locks() {
    let home = Home::new(Mode::Follow);
    let provider = Provider::start();
    let policy = Etc::with_policy("locked_flags = ['scope']");
    let mut kubekey = home.kubekey_for(&provider);
    kubekey.args(["--token-dir", home.path().to_str().unwrap()]);
    home.run(&mut policy.over(&kubekey)).credential();
    assert_refused(&home.run(&mut policy.over(kubekey.args(["--scope", "groups"]))), "--scope");
}

#[test]
fn a_policy_that_cannot_be_believed_or_read_stops_everything() {
    let home = Home::new(Mode::Follow);
    let provider = Provider::start();
    let run = |policy: &Etc| home.run(&mut policy.over(&home.kubekey_for(&provider)));
    assert_refused(
        &run(&Etc::with_policy("allowed_issuer = []")),
        "line 1, column 1: unknown key 'allowed_issuer' (did you mean 'allowed_issuers'?)",
    );
    let open = Etc::with_policy("");
    open.set_mode("policy.toml", 0o666);
    assert_refused(&run(&open), "can be written by others (mode 666)");
    let open = Etc::with_policy("");
    open.set_mode("", 0o777);
    assert_refused(&run(&open), "can be written by others (mode 777)");
    for name in ["policy.toml", "policy.d"] {
        let lost = Etc::new(&[(name, "")]);
        lost.lead_nowhere(name);
        assert_refused(&run(&lost), "No such file");
    }
    // A user who can write to the folder may have removed the policy.
    let open = Etc::new(&[]);
    open.set_mode("", 0o777);
    assert_refused(&run(&open), "can be written by others (mode 777)");
    assert_eq!(home.browser.urls().len(), 0);
}

#[test]
fn under_a_policy_the_variable_browser_runs_nothing() {
    let home = Home::new(Mode::Follow);
    let provider = Provider::start();
    let mark = home.path().join("mark");
    let mut kubekey = home.kubekey_for(&provider);
    kubekey.env("BROWSER", format!("/usr/bin/touch {} %s", mark.display()));
    home.run(&mut Etc::with_policy("").over(&kubekey)).credential();
    assert_eq!((mark.exists(), home.browser.urls().len()), (false, 1), "the desktop's browser was opened");
}

/// Each setting that names another trust store.
const STORE_VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

#[test]
fn under_a_policy_no_variable_adds_an_authority() {
    let home = Home::new(Mode::Follow);
    let provider = Provider::start_at([127, 0, 0, 1].into(), Some(COMPANY.server("127.0.0.1", |_| ())));
    let folder = home.path().join("store");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("0a1b2c3d.0"), COMPANY.pem()).unwrap();
    for (variable, value) in STORE_VARIABLES.into_iter().zip([folder.join("0a1b2c3d.0"), folder]) {
        let mut kubekey = home.kubekey_for(&provider);
        kubekey.env(variable, value);
        let finished = home.run(&mut Etc::with_policy("").over(&kubekey));
        assert_eq!((finished.code(), provider.count_all()), (Some(5), 0), "{variable}: {finished:#?}");
        assert!(finished.stderr.contains("is not trusted: the issuer is unknown"), "{finished:#?}");
        assert!(finished.log.contains(&format!("tls: {variable} is ignored because of the policy")), "{finished:#?}");
        home.run(&mut Etc::with_policy("locked_flags = ['template-dir']").over(&kubekey)).credential();
        provider.forget_requests();
    }
}

#[test]
fn under_a_policy_a_variable_for_the_trust_store_hinders_nobody() {
    let home = Home::new(Mode::Follow);
    let provider = Provider::start_at([127, 0, 0, 1].into(), Some(COMPANY.server("127.0.0.1", |_| ())));
    let fifo = home.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let in_store = || Etc::with_policy("").with_trusted(&COMPANY.pem());
    let given = home.path().join("ca.pem");
    fs::write(&given, COMPANY.pem()).unwrap();
    let by_policy = || Etc::with_policy(&format!("extra_ca = ['{}']", given.display()));
    for value in ["/nowhere/ca.pem", "/etc/passwd", "", fifo.to_str().unwrap()] {
        for etc in [in_store(), by_policy()] {
            let mut kubekey = home.kubekey_for(&provider);
            kubekey.envs(STORE_VARIABLES.map(|name| (name, value)));
            let finished = home.run(&mut etc.over(&kubekey));
            finished.credential();
            assert!(!finished.stderr.contains("warning"), "{finished:#?}");
        }
    }
}

#[test]
fn config_check_names_the_variables_that_count_for_nothing_under_the_policy() {
    let home = Home::new(Mode::Absent);
    let policy = home.path().join("policy.toml");
    fs::write(&policy, "refresh = false").unwrap();
    let config = home.path().join("config.toml");
    fs::write(&config, "client_id = 'x'").unwrap();
    let check = |etc: Etc, arguments: &[&str]| {
        let mut kubekey = home.kubekey();
        kubekey.args(["config", "check"]).args(arguments).env("SSL_CERT_DIR", "").env("BROWSER", "firefox");
        home.run(&mut etc.over(kubekey.env("SSL_CERT_FILE", "/nowhere.pem")))
    };
    let all = check(Etc::with_policy(""), &[]);
    assert_eq!((all.code(), all.stdout.as_str()), (Some(0), "/etc/kubekey/policy.toml: ok\n"), "{all:#?}");
    let warnings: Vec<_> = all.stderr.lines().filter(|line| line.contains("warning")).collect();
    let locks = "is ignored: the policy locks";
    let expected = [("SSL_CERT_FILE", "certificate-authority"), ("BROWSER", "browser-command")]
        .map(|(name, flag)| format!("kubekey: warning: the variable {name} {locks} {flag}"));
    assert_eq!(warnings, expected);
    let unlocked = check(Etc::with_policy("locked_flags = []"), &[]);
    assert!(!unlocked.stderr.contains("warning"), "{unlocked:#?}");

    // Only the file is checked, whatever else is on this machine.
    for arguments in [&["--policy", policy.to_str().unwrap()][..], &[config.to_str().unwrap()]] {
        let file = arguments.last().unwrap();
        let alone = check(Etc::with_policy(""), arguments);
        assert_eq!((alone.code(), alone.stdout, alone.stderr.as_str()), (Some(0), format!("{file}: ok\n"), ""));
    }
}

#[test]
fn no_kubeconfig_variable_or_flag_gets_round_a_list_of_the_policy() {
    let home = Home::new(Mode::Follow);
    let provider = Provider::start();
    let lists = format!(
        "allowed_issuers = ['{}']\nallowed_client_ids = ['{}']\ntoken_storage = ['kernel']\nallow_insecure_tls = false\n\
         locked_flags = []\n",
        provider.issuer(),
        provider.client_id()
    );
    let etc = Etc::with_policy(&lists);
    for (key, value, words) in [
        ("issuer_url", json!(format!("{}/", provider.issuer())), "/' is not allowed"),
        ("client_id", json!("another"), "'another' is not allowed"),
        ("token_storage", json!("file"), "'file' is not allowed"),
        ("token_storage", json!("keyring"), "'keyring' is not allowed"),
        ("insecure_skip_tls_verify", json!(true), "skipping certificate verification is not allowed"),
    ] {
        for command in all_ways(&home, &provider, key, &value) {
            assert_refused(&home.run(&mut etc.over(&command)), words);
        }
    }
    let insecure = json!({ "server": SERVER, "insecure-skip-tls-verify": true });
    let mut kubekey = home.kubekey_for(&provider);
    kubekey.env("KUBERNETES_EXEC_INFO", exec_info(&insecure));
    assert_refused(&home.run(&mut etc.over(&kubekey)), "without certificate verification");
    assert_eq!((provider.count_all(), home.browser.urls().len()), (0, 0), "nothing was begun");
    home.run(&mut etc.over(&home.kubekey_for(&provider))).credential();
}

#[test]
fn of_auto_there_remains_what_the_policy_allows() {
    let home = Home::new(Mode::Follow).store_in("auto");
    let provider = Provider::start();
    let run = |storage: &str| {
        let etc = Etc::with_policy(&format!("token_storage = {storage}"));
        home.run(&mut etc.over(&home.kubekey_for(&provider)))
    };
    let tokens = home.state().join("kubekey").join("tokens");
    run("[]").credential();
    assert!(!tokens.exists(), "nowhere");
    run("['file']").credential();
    assert!(tokens.exists(), "in a file");
    assert_refused(&run("['disc']"), "line 1: token_storage: 'disc' is not a token storage");
}

#[test]
fn under_a_policy_no_variable_says_where_tokens_and_metadata_are() {
    let home = Home::new(Mode::Follow).store_in("file");
    let provider = Provider::start();
    let elsewhere = home.path().join("elsewhere");
    let mut kubekey = home.kubekey_for(&provider);
    for name in ["HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"] {
        kubekey.env(name, &elsewhere);
    }
    let registered = format!("root:x:0:0::{}:/bin/sh\n", home.path().display());
    home.run(&mut Etc::with_policy("").with_users(&registered).over(&kubekey)).credential();
    assert!(!elsewhere.exists());
    let files = home.files();
    for kept in [".local/state/kubekey/tokens", ".cache/kubekey"] {
        assert!(files.iter().any(|file| file.starts_with(home.path().join(kept))), "{kept}: {files:?}");
    }
}

#[test]
fn under_a_policy_each_variable_of_the_table_that_must_not_decide_does_not() {
    let home = Home::new(Mode::Follow).store_in("file");
    let provider = Provider::start();
    let elsewhere = home.path().join("elsewhere");
    let registered = format!("root:x:0:0::{}:/bin/sh\n", home.path().display());
    let names = crate::variables::table().into_iter().filter(|(_, decides)| decides.starts_with("no"));
    let mut kubekey = home.kubekey_for(&provider);
    for (count, (name, _)) in names.enumerate() {
        kubekey.env(&name, &elsewhere);
        kubekey.args(&["login"][count.min(1)..]);
        home.run(&mut Etc::with_policy("").with_users(&registered).over(&kubekey));
        assert!(!elsewhere.exists(), "{name}");
        assert_eq!(home.browser.urls().len(), count + 1, "{name}");
    }
    assert!(home.files().iter().any(|file| file.starts_with(home.path().join(".local/state/kubekey/tokens"))));
}

#[test]
fn under_a_policy_no_metadata_of_another_run_redirects_a_refresh_token() {
    // Whatever the policy locks: who unlocks `token-dir` has not unlocked this.
    for policy in ["", "locked_flags = ['scope']"] {
        let home = Home::with_keyring(Mode::Follow);
        let provider = Provider::start();
        home.run(&mut Etc::with_policy(policy).over(&home.kubekey_for(&provider))).credential();
        let under_policy = metadata(&home.cache());

        // A run without a policy, in folders of its own and in the user's.
        let elsewhere = home.path().join("elsewhere");
        for dir in [&elsewhere, &home.cache()] {
            let without = home.run(home.kubekey_for(&provider).arg("login").env("XDG_CACHE_HOME", dir));
            assert!(without.status.success(), "{without:#?}");
            let files = metadata(dir).into_iter().filter(|file| !under_policy.contains(file));
            let changed = files.map(|file| {
                let text = fs::read_to_string(&file).unwrap();
                let changed =
                    text.replace(&format!("{}/token\"", provider.issuer()), &format!("{}/stolen\"", provider.issuer()));
                assert_ne!(changed, text);
                fs::write(file, changed).unwrap();
            });
            assert_eq!(changed.count(), 1, "{dir:?}");
        }
        // What the run under the policy cached itself, moved to where a variable points, too.
        for file in &under_policy {
            let text = fs::read_to_string(file).unwrap().replace("/token\"", "/stolen\"");
            let copy = elsewhere.join("kubekey").join(file.file_name().unwrap());
            fs::copy(file, &copy).unwrap();
            fs::write(copy, text).unwrap();
        }
        home.edit_saved(|set| set["expires_at"] = 1.into());
        provider.forget_requests();
        let mut kubekey = home.kubekey_for(&provider);
        kubekey.env("XDG_CACHE_HOME", &elsewhere);
        home.run(&mut Etc::with_policy(policy).over(&kubekey)).credential();
        assert_eq!((provider.count("/stolen"), provider.count("/token")), (0, 1), "{policy}");
    }
}

/// The metadata files below a folder for caches.
fn metadata(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.join("kubekey")).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn under_a_policy_no_file_is_sent_as_a_client_secret() {
    let home = Home::new(Mode::Follow);
    let provider = Provider::start();
    let mut kubekey = home.kubekey_for(&provider);
    kubekey.env("KUBEKEY_CLIENT_SECRET_FILE", "/etc/hostname").arg("login");
    assert_refused(&home.run(&mut Etc::with_policy("").over(&kubekey)), "CLIENT_SECRET_FILE");
    assert_eq!(provider.count_all(), 0);
}

#[test]
fn a_variable_that_is_not_utf_8_is_refused_as_well() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let home = Home::new(Mode::Follow);
    let provider = Provider::start();
    let mut kubekey = home.kubekey_for(&provider);
    kubekey.env("SSL_CERT_FILE", OsStr::from_bytes(b"/tmp/\xff.pem"));
    home.run(&mut Etc::with_policy("").over(&kubekey)).credential();
    kubekey.env("KUBEKEY_TEMPLATE_DIR", OsStr::from_bytes(b"/tmp/\xff"));
    assert_refused(&home.run(&mut Etc::with_policy("").over(&kubekey)), "KUBEKEY_TEMPLATE_DIR");
}

const LOCKED: [(&str, &str); 10] = [
    ("--request-header", "KUBEKEY_REQUEST_HEADER"),
    ("--acr-values", "KUBEKEY_ACR_VALUES"),
    ("--auth-param", "KUBEKEY_AUTH_PARAM"),
    ("--resource", "KUBEKEY_RESOURCE"),
    ("--certificate-authority", "KUBEKEY_CERTIFICATE_AUTHORITY"),
    ("--certificate-authority-data", "KUBEKEY_CERTIFICATE_AUTHORITY_DATA"),
    ("--browser-command", "KUBEKEY_BROWSER_COMMAND"),
    ("--template-dir", "KUBEKEY_TEMPLATE_DIR"),
    ("--template-dir", "KUBEKEY_TEMPLATEDIR"),
    ("--token-dir", "KUBEKEY_TOKEN_DIR"),
];
