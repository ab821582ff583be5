//! What an administrator's policy takes away from kubeconfigs.

use serde_json::json;

use crate::support::browser::Mode;
use crate::support::etc::Etc;
use crate::support::home::Home;
use crate::support::policy::{SERVER, all_ways, assert_refused, exec_info};
use crate::support::provider::Provider;

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
    assert_refused(&run(Some(exec_info(&evil))), "no token goes to https://evil.example");
    assert_refused(&run(None), "a cluster that is named");
    let by_proxy = json!({ "server": SERVER, "proxy-url": "http://evil.example:3128" });
    assert_refused(&run(Some(exec_info(&by_proxy))), "no token goes through the proxy http://evil.example:3128");
    let insecure = json!({ "server": SERVER, "insecure-skip-tls-verify": true });
    assert_refused(&run(Some(exec_info(&insecure))), "without verifying its certificate");
    assert_eq!((provider.count_all(), home.browser.urls().len()), (0, 0), "nothing was begun");

    run(Some(exec_info(&json!({ "server": SERVER })))).credential();
}

#[test]
fn a_saved_token_is_not_released_either() {
    let home = Home::new(Mode::Follow).store_in("file");
    let provider = Provider::start();
    let mut kubekey = home.kubekey_for(&provider);
    home.run(&mut kubekey).credential();
    kubekey.env("KUBERNETES_EXEC_INFO", exec_info(&json!({ "server": "https://evil.example" })));
    let policy = Etc::with_policy(&format!("allowed_servers = ['{SERVER}']"));
    assert_refused(&home.run(&mut policy.over(&kubekey)), "https://evil.example");
}

#[test]
fn a_cluster_has_to_be_named_where_the_policy_wants_it() {
    let home = Home::new(Mode::Follow);
    let provider = Provider::start();
    let policy = Etc::with_policy("require_cluster_info = true");
    let mut kubekey = home.kubekey_for(&provider);
    assert_refused(&home.run(&mut policy.over(&kubekey)), "a cluster that is named");
    kubekey.env("KUBERNETES_EXEC_INFO", exec_info(&json!({ "server": "https://any.example" })));
    home.run(&mut policy.over(&kubekey)).credential();
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
        "line 1, column 1: there is no key 'allowed_issuer' (did you mean 'allowed_issuers'?)",
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
    // Whoever can write the folder may have taken the policy away.
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

#[test]
fn under_a_policy_no_variable_adds_an_authority() {
    let home = Home::new(Mode::Follow);
    let provider = Provider::start();
    for variable in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        let mut kubekey = home.kubekey_for(&provider);
        assert_refused(&home.run(&mut Etc::with_policy("").over(kubekey.env(variable, home.path()))), variable);
    }
    let mut kubekey = home.kubekey_for(&provider);
    kubekey.env("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt");
    home.run(&mut Etc::with_policy("locked_flags = ['template-dir']").over(&kubekey)).credential();
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
        ("insecure_skip_tls_verify", json!(true), "the provider's certificate has to be verified"),
    ] {
        for command in all_ways(&home, &provider, key, &value) {
            assert_refused(&home.run(&mut etc.over(&command)), words);
        }
    }
    let insecure = json!({ "server": SERVER, "insecure-skip-tls-verify": true });
    let mut kubekey = home.kubekey_for(&provider);
    kubekey.env("KUBERNETES_EXEC_INFO", exec_info(&insecure));
    assert_refused(&home.run(&mut etc.over(&kubekey)), "without verifying its certificate");
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
    let tokens = home.state().join("kubekey/tokens");
    run("[]").credential();
    assert!(!tokens.exists(), "nowhere");
    run("['file']").credential();
    assert!(tokens.exists(), "in a file");
    assert_refused(&run("['disc']"), "line 1: token_storage: there is no place 'disc'");
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
    assert_refused(&home.run(&mut Etc::with_policy("").over(&kubekey)), "SSL_CERT_FILE");
}

const LOCKED: [(&str, &str); 6] = [
    ("--certificate-authority", "KUBEKEY_CERTIFICATE_AUTHORITY"),
    ("--certificate-authority-data", "KUBEKEY_CERTIFICATE_AUTHORITY_DATA"),
    ("--browser-command", "KUBEKEY_BROWSER_COMMAND"),
    ("--template-dir", "KUBEKEY_TEMPLATE_DIR"),
    ("--template-dir", "KUBEKEY_TEMPLATEDIR"),
    ("--token-dir", "KUBEKEY_TOKEN_DIR"),
];
