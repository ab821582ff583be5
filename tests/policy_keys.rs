//! What a policy requires of sign-ins and of settings, and that users cannot bypass it.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::browser::Mode;
use crate::support::etc::Etc;
use crate::support::home::Home;
use crate::support::policy::{SERVER, all_ways, assert_refused, exec_info};
use crate::support::provider::Provider;
use crate::support::provider::behaviour::edit;
use crate::support::run::Finished;
use crate::support::tls::{COMPANY, OTHER};

/// Another value of a setting, set in each possible way: the policy's key refuses it, and nothing starts.
fn assert_decided(policy: &str, key: &str, value: &Value) {
    let (home, provider) = (Home::new(Mode::Follow), Provider::start());
    let etc = Etc::with_policy(&format!("locked_flags = []\n{policy}"));
    for command in all_ways(&home, &provider, key, value) {
        assert_refused(&home.run(&mut etc.over(&command)), "is decided by the policy /etc/kubekey/policy.toml line 2");
    }
    assert_eq!((provider.count_all(), home.browser.urls().len()), (0, 0), "nothing was begun");
}

fn saved(home: &Home) -> Value {
    let folder = home.state().join("kubekey").join("tokens");
    let file = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

fn edit_saved(home: &Home, edit: impl FnOnce(&mut Value)) {
    let mut set = saved(home);
    edit(&mut set);
    let folder = home.state().join("kubekey").join("tokens");
    let file = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    fs::write(file, set.to_string()).unwrap();
}

fn expiration(finished: &Finished) -> DateTime<Utc> {
    finished.credential()["status"]["expirationTimestamp"].as_str().unwrap().parse().unwrap()
}

#[test]
fn without_refresh_no_refresh_token_is_asked_for_or_kept_whatever_is_said() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    // A provider that issues one all the same.
    provider.configure(|behaviour| {
        behaviour.token_response = edit(|response| _ = response.insert("refresh_token".into(), json!("unasked")));
    });
    let etc = Etc::with_policy("refresh = false");
    let said = all_ways(&home, &provider, "scope", &json!("offline_access"));
    // There is no such setting, so there is no such flag either.
    let unknown = all_ways(&home, &provider, "refresh", &json!(true)).into_iter().take(2);
    for command in said.into_iter().chain(unknown) {
        provider.forget_requests();
        home.run(&mut etc.over(&command)).credential();
        let request = &provider.requests("/authorize")[0];
        assert!(!request.param("scope").unwrap().contains("offline_access"), "{request:#?}");
        assert_eq!(request.param("prompt"), None);
        assert_eq!(saved(&home).get("refresh_token"), None);
        fs::remove_dir_all(home.state().join("kubekey").join("tokens")).unwrap();
    }
}

#[test]
fn a_refresh_token_that_is_there_is_not_used_where_the_policy_allows_none() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert!(saved(&home)["refresh_token"].is_string());
    let etc = Etc::with_policy("refresh = false");
    let mut kubekey = etc.over(&home.kubekey_for(&provider));
    // It is due for the early refresh, which must not bother the user.
    edit_saved(&home, |set| set["expires_at"] = (Utc::now().timestamp() + 60).into());
    home.run(&mut kubekey).credential();
    edit_saved(&home, |set| set["expires_at"] = 1.into());
    let finished = home.run(&mut kubekey);
    finished.credential();
    assert!(
        finished.stderr.contains("the policy /etc/kubekey/policy.toml line 1 does not allow refreshes"),
        "{finished:#?}"
    );
    let grants: Vec<_> =
        provider.requests("/token").iter().map(|one| one.param("grant_type").unwrap().to_owned()).collect();
    assert_eq!(grants, ["authorization_code", "authorization_code"]);
    assert_eq!(saved(&home).get("refresh_token"), None, "it is gone");
}

#[test]
fn a_session_ends_when_the_policy_says_so_and_so_does_its_token() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    let etc = Etc::with_policy("max_session = '20m'");
    let kubekey = home.kubekey_for(&provider);
    let first = home.run(&mut etc.over(&kubekey));
    let end = Utc::now() + TimeDelta::minutes(20);
    let exp = DateTime::from_timestamp(first.claims()["exp"].as_i64().unwrap(), 0).unwrap();
    assert!(exp > end + TimeDelta::minutes(1), "the token is valid for longer: {exp}");
    assert!(expiration(&first) <= end && expiration(&first) > end - TimeDelta::minutes(1), "{first:#?}");

    // Fifteen minutes later it is refreshed, and still ends with the session.
    let begin = Utc::now() - TimeDelta::minutes(15);
    edit_saved(&home, |set| {
        set["signed_in_at"] = begin.timestamp().into();
        set["expires_at"] = 1.into();
    });
    let second = home.run(&mut etc.over(&kubekey));
    assert_eq!(home.browser.urls().len(), 1, "refreshed: {second:#?}");
    assert_eq!(expiration(&second).timestamp(), (begin + TimeDelta::minutes(20)).timestamp());

    // Later still the session is over, whatever the token and the provider allow.
    edit_saved(&home, |set| {
        set["signed_in_at"] = (Utc::now() - TimeDelta::minutes(21)).timestamp().into();
        set["expires_at"] = exp.timestamp().into();
    });
    provider.forget_requests();
    for mut command in all_ways(&home, &provider, "max_session", &json!("90d")).into_iter().take(2) {
        command.env("KUBEKEY_TOKEN_STORAGE", "none");
        home.run(&mut etc.over(&command)).credential();
    }
    let third = home.run(&mut etc.over(&kubekey));
    assert!(
        third.stderr.contains("more than 20 min ago, the limit of the policy /etc/kubekey/policy.toml line 1"),
        "{third:#?}"
    );
    assert_ne!(third.token(), second.token());
    let tokens = provider.requests("/token");
    assert!(tokens.iter().all(|request| request.param("grant_type") == Some("authorization_code")), "{tokens:#?}");
}

#[test]
fn a_token_without_a_required_class_of_authentication_is_neither_printed_nor_saved() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    let etc = Etc::with_policy("required_acr = ['phr', 'phrh']");
    let kubekey = home.kubekey_for(&provider);
    let acr = |acr: &'static str| {
        provider.configure(|behaviour| {
            behaviour.claims = edit(move |claims| _ = claims.insert("acr".into(), json!(acr)));
        });
    };
    for (sent, why) in [("pwd", "its 'acr' is 'pwd', and the policy"), ("", "its 'acr' is '', and the policy")] {
        acr(sent);
        assert_refused(&home.run(etc.over(&kubekey).arg("login")), why);
    }
    assert_eq!(provider.requests("/authorize")[0].param("acr_values"), Some("phr phrh"), "it is requested");
    let holds_token = |file: &PathBuf| String::from_utf8_lossy(&fs::read(file).unwrap()).contains("id_token\":");
    assert_eq!(home.files().into_iter().find(holds_token), None);

    acr("phrh");
    home.run(&mut etc.over(&kubekey)).credential();
    edit_saved(&home, |set| set["expires_at"] = 1.into());
    acr("pwd");
    provider.forget_requests();
    let finished = home.run(&mut etc.over(&kubekey));
    assert_refused(&finished, "requires 'phr' or 'phrh'");
    assert!(
        finished.stderr.contains("a new sign-in is needed: the provider's ID token was rejected: its 'acr' is 'pwd'")
    );
    let grants: Vec<_> =
        provider.requests("/token").iter().map(|one| one.param("grant_type").unwrap().to_owned()).collect();
    assert_eq!(grants, ["refresh_token", "authorization_code"], "{finished:#?}");
}

#[test]
fn a_sign_in_from_before_a_class_of_authentication_was_required_is_not_used() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    let kubekey = home.kubekey_for(&provider);
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert_refused(&home.run(&mut Etc::with_policy("required_acr = ['phr']").over(&kubekey)), "it has no 'acr'");
    assert_decided("required_acr = ['phr']", "acr_values", &json!("pwd"));
}

#[test]
fn a_way_to_sign_in_that_is_not_listed_is_refused() {
    let (home, provider) = (Home::new(Mode::Follow), Provider::start());
    let etc = Etc::with_policy("allowed_flows = ['paste']");
    for command in all_ways(&home, &provider, "allowed_flows", &json!("browser")).into_iter().take(2) {
        assert_refused(&home.run(&mut etc.over(&command)), "the flow 'browser' is not allowed");
    }
    assert_refused(&home.run(etc.over(&home.kubekey_for(&provider)).arg("login")), "the flow 'browser' is not allowed");
    assert_eq!((provider.count_all(), home.browser.urls().len()), (0, 0), "nothing was begun");
    let [browser, device] = ["browser", "device"].map(|flow| Etc::with_policy(&format!("allowed_flows = ['{flow}']")));
    assert_refused(
        &home.run(browser.over(&home.kubekey_for(&provider)).arg("--flow=device")),
        "the flow 'device' is not",
    );
    home.run(&mut browser.over(&home.kubekey_for(&provider))).credential();

    // The device flow is allowed alone: it is not offered, and then it is, and replaces the browser of the desktop.
    let home = Home::new(Mode::Follow);
    assert_refused(&home.run(&mut device.over(&home.kubekey_for(&provider))), "the flow 'browser' is not allowed");
    provider.configure(|behaviour| (behaviour.offers_device, behaviour.device_approved) = (true, true));
    home.run(&mut device.over(&home.kubekey_for(&provider))).credential();
    assert_eq!((provider.count("/device_authorization"), home.browser.urls().len()), (1, 0));
}

#[test]
fn an_authority_of_the_policy_is_trusted_whatever_else_is_given() {
    let home = Home::new(Mode::Follow);
    let tls = Some(COMPANY.server("127.0.0.1", |_| ()));
    let provider = Provider::start_at(Ipv4Addr::LOCALHOST.into(), tls);
    for (name, authority) in [("company.pem", &COMPANY), ("other.pem", &OTHER)] {
        fs::write(home.path().join(name), authority.pem()).unwrap();
    }
    let path = |name: &str| home.path().join(name).display().to_string();
    let etc = Etc::with_policy(&format!("extra_ca = ['{}']\nlocked_flags = []", path("company.pem")));
    assert_eq!(home.run(&mut home.kubekey_for(&provider)).code(), Some(5), "not known otherwise");
    let locked = home.run(&mut Etc::with_policy("").over(&home.kubekey_for(&provider)));
    let hint = "hint: if it is your company's CA, this machine's administrator must add it to the system's trust store \
                or to extra_ca of the policy\n";
    assert!(locked.code() == Some(5) && locked.stderr.ends_with(hint), "{locked:#?}");
    home.run(&mut etc.over(&home.kubekey_for(&provider))).credential();
    for command in all_ways(&home, &provider, "certificate_authority", &json!(path("other.pem"))) {
        home.run(&mut etc.over(&command)).credential();
    }
    let missing = Etc::with_policy("extra_ca = '/nowhere.pem'");
    let finished = home.run(&mut missing.over(&home.kubekey_for(&provider)));
    assert!(
        finished.stderr.contains("the policy /etc/kubekey/policy.toml line 1: extra_ca '/nowhere.pem'"),
        "{finished:#?}"
    );
}

#[test]
fn the_policys_browser_is_the_one_that_is_opened() {
    let (home, provider) = (Home::new(Mode::Follow), Provider::start());
    let mark = home.path().join("mark");
    let launcher = home.browser.folder().join("xdg-open");
    let policy =
        format!("browser_command = \"/bin/sh -c '/usr/bin/touch {} && {} $0' %s\"", mark.display(), launcher.display());
    let mut kubekey = home.kubekey_for(&provider);
    kubekey.env("BROWSER", "/bin/false");
    home.run(&mut Etc::with_policy(&policy).over(&kubekey)).credential();
    assert!(mark.exists());
    assert_decided(&policy, "browser_command", &json!("/usr/bin/firefox"));
}

#[test]
fn the_policys_address_is_the_one_that_is_listened_at() {
    let (home, provider) = (Home::new(Mode::Follow), Provider::start());
    let policy = "listen_addresses = ['127.0.0.1:0', 'localhost:0']";
    let same = ["--listen-address=127.0.0.1:0", "--listen-address=localhost:0"];
    home.run(&mut Etc::with_policy(policy).over(home.kubekey_for(&provider).args(same))).credential();
    let only_localhost = Etc::with_policy("listen_addresses = ['localhost:0']");
    home.run(&mut only_localhost.over(&home.kubekey_for(&provider))).credential();
    assert!(home.browser.urls()[1].starts_with("http://localhost:"), "{:?}", home.browser.urls());
    assert_decided(policy, "listen_address", &json!("127.0.0.1:1"));
    assert_decided(policy, "redirect_url", &json!("http://127.0.0.1:1/callback"));
}

#[test]
fn after_a_sign_in_the_browser_goes_where_the_policy_says() {
    let policy = "post_login_url = 'https://intranet.example.com/signed-in'";
    for offers_form_post in [false, true] {
        let (home, provider) = (Home::new(Mode::Follow), Provider::start());
        provider.configure(|behaviour| behaviour.offers_form_post = offers_form_post);
        home.run(&mut Etc::with_policy(policy).over(&home.kubekey_for(&provider))).credential();
        let journey = home.browser.wait_for_journey();
        let page = journey.last();
        assert_eq!((page.status, page.header("refresh")), (200, Some("0; url=https://intranet.example.com/signed-in")));
    }
    assert_decided(policy, "post_login_url", &json!("https://evil.example"));
}

#[test]
fn without_a_policy_the_user_says_where_the_browser_goes_and_only_after_a_sign_in_that_succeeded() {
    let (home, provider) = (Home::new(Mode::Follow), Provider::start());
    let mut kubekey = home.kubekey_for(&provider);
    kubekey.arg("--open-url-after-authentication=https://intranet.example.com/");
    home.run(&mut kubekey).credential();
    assert_eq!(home.browser.wait_for_journey().last().header("refresh"), Some("0; url=https://intranet.example.com/"));
    let home = Home::new(Mode::Follow);
    provider.configure(|behaviour| behaviour.refusal = Some(("access_denied".into(), "no".into())));
    let mut kubekey = home.kubekey_for(&provider);
    assert_eq!(home.run(kubekey.arg("--post-login-url=https://intranet.example.com/")).code(), Some(3));
    assert_eq!(home.browser.wait_for_journey().last().header("refresh"), None);
    for bad in ["http://intranet.example.com", "javascript:alert(1)", "intranet"] {
        let finished = home.run(home.kubekey_for(&provider).arg(format!("--post-login-url={bad}")));
        assert_eq!(finished.code(), Some(2), "{finished:#?}");
    }
}

#[test]
fn the_policys_pages_are_the_ones_that_are_shown() {
    let (home, provider) = (Home::new(Mode::Follow), Provider::start());
    let folder = home.path().join("company");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("signed_in.html"), "the company's page").unwrap();
    let policy = format!("template_dir = '{}'", folder.display());
    home.run(&mut Etc::with_policy(&policy).over(&home.kubekey_for(&provider))).credential();
    assert_eq!(home.browser.wait_for_journey().last().body, "the company's page");
    assert_decided(&policy, "template_dir", &json!("/tmp"));
}

#[test]
fn what_stands_in_policy_d_counts_in_the_order_of_the_names() {
    let (home, provider) = (Home::new(Mode::Follow), Provider::start());
    let etc = Etc::new(&[
        ("policy.d/20-later.toml", &format!("\nallowed_servers = ['{SERVER}']\nrequire_cluster_info = false")),
        ("policy.d/10-first.toml", "allowed_servers = []\nallowed_client_ids = ['other']"),
        ("policy.d/ignored.txt", "what = ["),
    ]);
    let finished = home.run(&mut etc.over(&home.kubekey_for(&provider)));
    assert_eq!(finished.code(), Some(4), "{finished:#?}");
    assert!(finished.stderr.contains("by the policy /etc/kubekey/policy.d/10-first.toml line 2"), "{finished:#?}");
    let mut show = home.kubekey_for(&provider);
    show.args(["config", "show", "--origin"]);
    let shown = home.run(&mut etc.over(&show));
    let line = format!("# policy: allowed_servers = [\"{SERVER}\"]  # /etc/kubekey/policy.d/20-later.toml line 2");
    assert!(shown.stdout.lines().any(|one| one == line), "{shown:#?}");
    let open = Etc::new(&[("policy.d/ignored.txt", "")]);
    home.run(&mut open.over(&home.kubekey_for(&provider))).credential();
    open.set_mode("policy.d", 0o777);
    let finished = home.run(&mut open.over(&home.kubekey_for(&provider)));
    assert!(finished.stderr.contains("/etc/kubekey/policy.d: it can be written by others (mode 777)"), "{finished:#?}");
    let locked = |shown: &Finished| {
        let lines = shown.stdout.lines().filter(|line| line.starts_with("# policy: locked_flags = "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(matches!(&locked(&shown)[..], [line] if line.ends_with("# default under a policy")), "{shown:#?}");
    let said = home.run(&mut Etc::with_policy("locked_flags = ['scope']").over(&show));
    assert_eq!(locked(&said), ["# policy: locked_flags = [\"scope\"]  # /etc/kubekey/policy.toml line 1"]);
    assert!(locked(&home.run(&mut show)).is_empty(), "there is no policy");
    let wrong = Etc::new(&[("policy.d/1.toml", "refresh = 1")]);
    let finished = home.run(&mut wrong.over(&home.kubekey_for(&provider)));
    assert!(finished.stderr.contains("/etc/kubekey/policy.d/1.toml line 1, column 1: refresh must be true or false"));
    assert_eq!(finished.code(), Some(4));
}

#[test]
fn a_policy_is_checked_before_it_is_put_in_place() {
    let home = Home::new(Mode::Absent);
    let file = home.path().join("new.toml");
    let check = |text: &str| {
        fs::write(&file, text).unwrap();
        home.run(home.kubekey().args(["config", "check", "--policy"]).arg(&file))
    };
    let good = check("allowed_issuers = ['https://login.example.com']\nmax_session = '8h'");
    assert_eq!((good.code(), good.stdout), (Some(0), format!("{}: ok\n", file.display())));
    for (text, code, words) in [
        ("allowed_issuer = []", 4, "did you mean 'allowed_issuers'?"),
        ("refresh = 'no'", 4, "line 1, column 1: refresh must be true or false"),
        ("template_dir = 'pages'", 4, "line 1: template_dir 'pages' cannot be used"),
        ("post_login_url = 'http://x'", 4, "it must begin with https://"),
        ("\nallowed_issuers = ['x']", 4, "new.toml line 2: issuer_url 'x' cannot be used: it must begin with https://"),
        ("locked_flags = ['issuer_url']", 4, "'issuer_url' is not a flag: did you mean 'issuer-url'?"),
        ("locked_flags = ['--tokn-dir']", 4, "'--tokn-dir' is not a flag: did you mean 'token-dir'?"),
    ] {
        let finished = check(text);
        assert_eq!(finished.code(), Some(code), "{finished:#?}");
        assert!(finished.stderr.contains(words) && finished.stdout.is_empty(), "{finished:#?}");
    }
    // Only its content is checked, and it needs no allowed example of a provider.
    let own = check("allowed_issuers = ['https://idp.company.example']\nallowed_client_ids = ['their-client']");
    assert_eq!(own.code(), Some(0), "{own:#?}");
    let mut command = home.kubekey();
    command.args(["config", "check", "--policy"]).arg(&file).env("SSL_CERT_FILE", "/nowhere.pem");
    assert_eq!(home.run(&mut command).code(), Some(0), "the caller's variables are not judged");
    let misplaced = home.run(home.kubekey().args(["config", "check"]).arg({
        fs::write(&file, "refresh = false").unwrap();
        &file
    }));
    assert!(misplaced.stderr.contains("it is a policy key, for policy.toml"), "{misplaced:#?}");
    let schema = home.run(home.kubekey().args(["config", "schema", "--policy"]));
    let schema: Value = serde_json::from_str(&schema.stdout).unwrap();
    assert_eq!(schema["properties"]["refresh"]["type"], "boolean");
}

#[test]
fn what_a_policy_allows_is_what_the_files_are_checked_against() {
    let home = Home::new(Mode::Absent);
    let check = |config: &str| {
        let policy = format!("allowed_issuers = ['https://idp.company.example']\nallowed_servers = ['{SERVER}']");
        let etc = Etc::new(&[("policy.toml", &policy), ("config.toml", config)]);
        home.run(&mut etc.over(home.kubekey().args(["config", "check"])))
    };
    let good = check(&format!("client_id = 'k'\n[[clusters]]\nname = 'a'\nserver = '{SERVER}'\n"));
    assert_eq!(good.code(), Some(0), "{good:#?}");
    assert_refused(&check("issuer_url = 'https://login.example.com'"), "'https://login.example.com' is not allowed");
    let elsewhere = check("[[clusters]]\nname = 'a'\nserver = 'https://evil.example'\n");
    assert_refused(&elsewhere, "cluster 'a': a token for https://evil.example is not allowed");
}

#[test]
fn under_a_policy_no_variable_says_what_the_administrators_home_is() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    let etc = Etc::new(&[("policy.toml", ""), ("config.toml", "token_dir = '~/tokens'\ntoken_storage = 'file'\n")]);
    let registered = format!("root:x:0:0::{}:/bin/sh\n", home.path().display());
    let etc = etc.with_users(&registered);
    let mark = home.path().join("home-of-the-browser");
    let launcher = home.browser.folder().join("xdg-open");
    let script = format!("#!/bin/sh\necho \"$HOME\" > {}\nexec {} \"$1\"\n", mark.display(), launcher.display());
    let browser = home.path().join("browser");
    fs::write(&browser, script).unwrap();
    fs::set_permissions(&browser, fs::Permissions::from_mode(0o755)).unwrap();
    let etc = etc.with_file("policy.d/1.toml", &format!("browser_command = '{}'", browser.display()));
    let mut kubekey = home.kubekey_for(&provider);
    kubekey.env("HOME", home.path().join("elsewhere")).env_remove("KUBEKEY_TOKEN_STORAGE");
    home.run(&mut etc.over(&kubekey)).credential();
    assert!(home.path().join("tokens").exists() && !home.path().join("elsewhere").exists());
    assert_eq!(fs::read_to_string(mark).unwrap().trim(), home.path().to_str().unwrap());
}

#[test]
fn a_mistake_in_a_policy_shows_no_secret() {
    let home = Home::new(Mode::Absent);
    let file = home.path().join("new.toml");
    for (arguments, text) in [
        (&["config", "check", "--policy"][..], "client_secret = 'hunter2'"),
        (&["config", "check"], "client_secret = \"\"\"\nhunter2\\q\n\"\"\"\n"),
        (&["config", "check"], "client_secret = [\n'hunter2'\n]\n"),
        (&["config", "check"], "\"client_\\u0073ecret\" = ['hunter2']\n"),
        (&["config", "check"], "[[clusters]]\nname = 'a'\nserver = 'https://u:hunter2@x'\n"),
    ] {
        fs::write(&file, text).unwrap();
        let finished = home.run(home.kubekey().args(arguments).arg(&file));
        assert!(finished.code() != Some(0) && !finished.stderr.contains("hunter2"), "{text}: {finished:#?}");
    }
    let cluster = json!({ "server": SERVER, "proxy-url": "http://me:hunter2@proxy.example:3128" });
    let mut kubekey = home.kubekey();
    kubekey.env("KUBERNETES_EXEC_INFO", exec_info(&cluster));
    let finished = home.run(&mut Etc::with_policy(&format!("allowed_servers = ['{SERVER}']")).over(&kubekey));
    assert_refused(&finished, "http://***@proxy.example:3128");
    assert!(!finished.stderr.contains("hunter2"));
}
