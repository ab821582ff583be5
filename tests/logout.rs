//! `kubekey logout --all` and `--issuer`: the sign-ins that are listed, and those that the list lacks; and with
//! `--browser` the end of the provider's session.

use std::fs;
use std::path::PathBuf;
#[cfg(target_os = "linux")]
use std::process::Command;

#[cfg(unix)]
use serde_json::Value;

use crate::support::browser::Mode;
use crate::support::client::Client;
#[cfg(target_os = "linux")]
use crate::support::etc::Etc;
use crate::support::home::Home;
#[cfg(target_os = "linux")]
use crate::support::home::without_rights;
#[cfg(target_os = "linux")]
use crate::support::namespace::Namespace;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::edit;
use crate::support::run::{Finished, Running};

/// Other tests' keys in the kernel are not among what it finds.
#[cfg(target_os = "linux")]
fn logout(home: &Home, arguments: &[&str]) -> Finished {
    home.run(&mut Namespace::new().inside(home.kubekey().arg("logout").args(arguments)))
}

#[cfg(not(target_os = "linux"))]
fn logout(home: &Home, arguments: &[&str]) -> Finished {
    home.run(home.kubekey().arg("logout").args(arguments))
}

fn tokens(home: &Home) -> Vec<PathBuf> {
    let is_token = |path: &PathBuf| path.parent().unwrap().ends_with("tokens") && path.extension().unwrap() == "json";
    home.files().into_iter().filter(is_token).collect()
}

fn revoking() -> Provider {
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.offers_revocation = true);
    provider
}

/// The line about the sign-in at this provider.
fn line_of<'a>(finished: &'a Finished, provider: &Provider) -> &'a str {
    let is_of = |line: &&str| line.contains(&format!("{} as jane@example.com", provider.issuer()));
    let lines: Vec<_> = finished.stderr.lines().filter(is_of).collect();
    assert_eq!(lines.len(), 1, "{finished:#?}");
    lines[0]
}

#[test]
fn all_sign_ins_are_removed_and_each_is_revoked_where_that_is_possible() {
    let home = Home::new(Mode::Follow).store_in("file");
    let (one, other, mut gone) = (revoking(), Provider::start(), revoking());
    for provider in [&one, &other, &gone] {
        home.run(&mut home.kubekey_for(provider)).credential();
    }
    gone.stop();
    let all = logout(&home, &["--all"]);
    assert_eq!((all.code(), all.stdout.as_str()), (Some(0), ""), "{all:#?}");
    assert!(line_of(&all, &one).ends_with("; its refresh token was revoked"), "{all:#?}");
    assert!(line_of(&all, &other).ends_with("; the provider does not revoke refresh tokens"), "{all:#?}");
    assert!(line_of(&all, &gone).contains("but its refresh token was not revoked: "), "{all:#?}");
    assert_eq!((one.revoked(), tokens(&home)), (1, vec![]));
    assert_eq!(home.run(home.kubekey().arg("status")).code(), Some(3));
    let again = logout(&home, &["--all"]);
    assert_eq!(again.stderr, "kubekey: there is no saved sign-in\n", "{again:#?}");
    assert_eq!((again.code(), one.count("/revoke")), (Some(0), 1));
}

#[test]
fn a_provider_that_is_gone_is_asked_once_whatever_it_has_to_revoke() {
    let (home, mut provider) = (Home::new(Mode::Follow).store_in("file"), revoking());
    home.run(&mut home.kubekey_for(&provider)).credential();
    home.run(home.kubekey_for(&provider).args(["--scope", "groups"])).credential();
    provider.stop();
    let all = logout(&home, &["--all"]);
    assert_eq!((all.code(), tokens(&home)), (Some(0), vec![]), "{all:#?}");
    let lines = |why: &str| all.stderr.lines().filter(|line| line.contains(why)).count();
    assert_eq!((lines(" cannot be reached: "), lines(": the provider did not respond before")), (1, 1), "{all:#?}");
}

#[test]
fn only_the_sign_ins_of_an_issuer_are_removed() {
    let home = Home::new(Mode::Follow).store_in("file");
    let no_url = logout(&home, &["--issuer=nobody.example"]);
    let hint =
        "kubekey: --issuer 'nobody.example' is no issuer\nhint: it is a URL, such as https://login.example.com\n";
    assert_eq!((no_url.code(), no_url.stderr.as_str()), (Some(2), hint));
    let (one, other) = (revoking(), revoking());
    home.run(&mut home.kubekey_for(&one)).credential();
    home.run(home.kubekey_for(&one).args(["--scope", "groups"])).credential();
    home.run(&mut home.kubekey_for(&other)).credential();
    let of_one = logout(&home, &[&format!("--issuer={}/", one.issuer())]);
    assert_eq!(of_one.code(), Some(0), "{of_one:#?}");
    assert_eq!((one.revoked(), other.revoked(), tokens(&home).len()), (2, 0, 1), "{of_one:#?}");
    let none = logout(&home, &["--issuer=https://nobody.example"]);
    assert_eq!((none.code(), tokens(&home).len()), (Some(0), 1), "{none:#?}");
    let named =
        format!("warning: there is no saved sign-in to https://nobody.example, but one to {}\n", other.issuer());
    assert!(none.stderr.contains(&named), "{none:#?}");
    let no_url = logout(&home, &["--issuer=nobody.example"]);
    assert_eq!((no_url.code(), tokens(&home).len()), (Some(2), 1), "{no_url:#?}");
    assert!(no_url.stderr.contains(&format!("there is a saved sign-in to {}\n", other.issuer())), "{no_url:#?}");
    for wrong in [&["--all", "--client-id=x"][..], &["--all", "--context=prod"], &["--all", "--issuer=x"]] {
        let wrong = logout(&home, wrong);
        assert_eq!((wrong.code(), tokens(&home).len()), (Some(2), 1), "{wrong:#?}");
    }
}

/// The client authenticates with the secret of the profile, and another client's secret goes nowhere.
#[test]
fn the_client_that_got_a_token_revokes_it() {
    let home = Home::new(Mode::Follow).store_in("file");
    let (confidential, public) = (revoking(), revoking());
    confidential.configure(|behaviour| behaviour.client_secret = Some("secret-of-the-profile".into()));
    let secret = tempfile::NamedTempFile::new().unwrap();
    fs::write(&secret, "secret-of-the-profile").unwrap();
    let (issuer, client) = (confidential.issuer(), confidential.client_id());
    let profile =
        format!("issuer_url = '{issuer}'\nclient_id = '{client}'\nclient_secret_file = '{}'", secret.path().display());
    let folder = home.config().join("kubekey");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), format!("[profiles.work]\n{profile}\n")).unwrap();
    home.run(home.kubekey().arg("--profile=work")).credential();
    home.run(&mut home.kubekey_for(&public)).credential();
    let all = logout(&home, &["--all"]);
    assert_eq!((all.code(), confidential.revoked(), public.revoked()), (Some(0), 1, 1), "{all:#?}");
    let request = &public.requests("/revoke")[0];
    assert!(request.param("client_secret").is_none() && request.header("authorization").is_none(), "{request:?}");
}

#[test]
fn what_the_index_lacks_is_removed_too() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), revoking());
    home.run(&mut home.kubekey_for(&provider)).credential();
    fs::remove_file(home.state_file()).unwrap();
    let all = logout(&home, &["--all"]);
    assert_eq!((all.code(), tokens(&home), provider.revoked()), (Some(0), vec![], 1), "{all:#?}");
    assert!(line_of(&all, &provider).ends_with("; its refresh token was revoked"), "{all:#?}");
}

#[test]
#[cfg(unix)]
fn what_does_not_say_whose_it_is_is_named_for_an_issuer_and_removed_with_all() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), revoking());
    home.run(&mut home.kubekey_for(&provider)).credential();
    fs::remove_file(home.state_file()).unwrap();
    let file = tokens(&home).remove(0);
    let mut saved: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    (saved["id_token"], saved["subject"]) = ("opaque".into(), "jane".into());
    fs::write(&file, saved.to_string()).unwrap();
    let one = logout(&home, &[&format!("--issuer={}", provider.issuer())]);
    assert_eq!((one.code(), tokens(&home).len()), (Some(0), 1), "{one:#?}");
    let warning =
        "warning: a saved sign-in does not say to which provider it is; 'kubekey logout --all' removes that, too\n";
    assert!(one.stderr.contains(warning), "{one:#?}");
    let all = logout(&home, &["--all"]);
    assert_eq!((all.code(), tokens(&home)), (Some(0), vec![]), "{all:#?}");
    assert!(all.stderr.contains("removed the sign-in to an unknown provider, but its refresh token was not revoked: its provider is not known"), "{all:#?}");
}

/// In the keyring, in the kernel, and in two folders.
#[test]
#[cfg(target_os = "linux")]
fn every_storage_is_emptied_and_a_failure_of_one_does_not_stop_the_others() {
    let (home, provider, second) = (Home::with_keyring(Mode::Follow), revoking(), revoking());
    let elsewhere = home.path().join("elsewhere");
    let namespace = Namespace::new();
    let logout =
        |home: &Home, arguments: &[&str]| home.run(&mut namespace.inside(home.kubekey().arg("logout").args(arguments)));
    home.run(&mut home.kubekey_for(&provider)).credential();
    home.run(&mut namespace.inside(home.kubekey_for(&provider).args(["--token-storage=kernel"]))).credential();
    home.run(home.kubekey_for(&provider).args(["--token-storage=file"])).credential();
    home.run(home.kubekey_for(&provider).arg("--token-storage=file").arg("--token-dir").arg(&elsewhere)).credential();
    home.run(home.kubekey_for(&second).args(["--token-storage=file"])).credential();
    home.keyring().pause();
    let part = logout(&home, &["--all"]);
    home.keyring().resume();
    assert_eq!(part.code(), Some(6), "{part:#?}");
    assert!(part.stderr.contains("was not removed completely: "), "{part:#?}");
    assert!(part.stderr.contains(" sign-outs were not complete\n"), "{part:#?}");
    assert_eq!((tokens(&home), fs::read_dir(&elsewhere).unwrap().count()), (vec![], 0), "{part:#?}");
    let rest = logout(&home, &["--all"]);
    assert_eq!((rest.code(), home.saved()), (Some(0), None), "{rest:#?}");
    assert_eq!(home.run(&mut namespace.inside(home.kubekey().arg("status"))).stdout, "");
}

#[test]
#[cfg(target_os = "linux")]
fn a_policy_does_not_keep_a_sign_in_and_nothing_is_sent_to_an_issuer_that_it_forbids() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), revoking());
    home.run(&mut home.kubekey_for(&provider)).credential();
    let policy = Etc::with_policy("allowed_issuers = ['https://login.example.com']\nlocked_flags = []");
    let all = home.run(&mut Namespace::new().inside(&policy.over(home.kubekey().args(["logout", "--all"]))));
    assert_eq!((all.code(), tokens(&home), provider.count("/revoke")), (Some(0), vec![], 0), "{all:#?}");
    assert!(all.stderr.contains("its refresh token was not revoked"), "{all:#?}");
}

/// The provider's session ends by a form that only the browser of this user gets; no URL has anything of a token.
#[test]
fn the_browser_ends_the_providers_session_with_a_posted_form() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), revoking());
    provider.configure(|behaviour| behaviour.offers_end_session = true);
    let token = home.run(&mut home.kubekey_for(&provider)).token();
    let logout = home.run(home.kubekey_for(&provider).args(["logout", "--browser"]));
    assert_eq!((logout.code(), provider.revoked()), (Some(0), 1), "{logout:#?}");
    provider.wait_for("/end", 2);
    // The first one, without a browser, asks whether the provider takes a form.
    let request = &provider.requests("/end")[1];
    assert_eq!((&*request.method, request.param("client_id")), ("POST", Some(&*provider.client_id())));
    if cfg!(any(target_os = "linux", windows)) {
        assert_eq!(request.param("id_token_hint"), Some(&*token));
    }
    assert_eq!(request.param("post_logout_redirect_uri"), None);
    let urls = home.browser.urls();
    assert!(urls[1].starts_with("http://127.0.0.1:") && !urls[1].contains(&token), "{urls:?}");
    assert!(logout.stderr.contains(&format!("sign out of {} in your browser, at", provider.issuer())), "{logout:#?}");
    assert!(logout.stderr.contains("which ends its session there"), "{logout:#?}");
}

#[test]
fn without_an_endpoint_or_a_browser_the_removal_is_done_and_the_rest_is_said() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    home.run(&mut home.kubekey_for(&provider)).credential();
    let logout = home.run(home.kubekey_for(&provider).args(["logout", "--browser"]));
    assert_eq!((logout.code(), tokens(&home)), (Some(1), vec![]), "{logout:#?}");
    assert!(logout.stderr.contains("names no end_session_endpoint, so its session goes on"), "{logout:#?}");

    provider.configure(|behaviour| behaviour.offers_end_session = true);
    let home = Home::new(Mode::Note).store_in("file");
    let nobody = home.run(home.kubekey_for(&provider).args(["logout", "--browser", "--login-timeout=1s"]));
    assert_eq!((nobody.code(), provider.count("/end")), (Some(3), 1), "{nobody:#?}");
    assert!(nobody.stderr.contains("was not ended: no browser opened the page within 1 s"), "{nobody:#?}");
}

#[test]
fn a_program_has_no_session_in_the_browser() {
    let (home, provider) = (Home::new(Mode::Note), Provider::start());
    let machine = ["logout", "--browser", "--flow=client-credentials", "--client-secret=s3cret-of-the-client"];
    let logout = home.run(home.kubekey_for(&provider).args(machine));
    assert!(!logout.status.success() && home.browser.urls().is_empty(), "{logout:#?}");
    assert!(logout.stderr.contains("was not ended: no person signed in\nhint: "), "{logout:#?}");
}

/// npm's oidc-provider is such a provider by default. Then the ID token would be in the URL.
#[test]
fn a_provider_that_takes_no_form_gets_no_id_token() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    let with_query = |document: &mut serde_json::Map<String, serde_json::Value>| {
        let endpoint = format!("{}?realm=k8s", document["end_session_endpoint"].as_str().unwrap());
        document.insert("end_session_endpoint".into(), endpoint.into());
    };
    provider.configure(|behaviour| {
        (behaviour.offers_end_session, behaviour.end_takes_form) = (true, false);
        behaviour.discovery = edit(with_query);
    });
    home.run(&mut home.kubekey_for(&provider)).credential();
    let logout = Running::start(home.kubekey_for(&provider).args(["logout", "--browser", "--skip-open-browser"]));
    let line = logout.wait_for_stderr("kubekey:   http://127.0.0.1:");
    let page = home.browser.open(line.split_whitespace().last().unwrap()).last().body.clone();
    assert!(page.contains("<form method=\"get\"") && !page.contains("id_token_hint"), "{page}");
    assert!(page.contains("name=\"realm\" value=\"k8s\"") && page.contains("name=\"client_id\""), "{page}");
    let logout = logout.wait();
    assert_eq!(logout.code(), Some(0), "{logout:#?}");
    assert!(logout.stderr.contains("takes no form, so it gets no ID token, and may ask you"), "{logout:#?}");
}

#[test]
fn all_sign_ins_end_each_providers_session_once() {
    let (home, one, other) = (Home::new(Mode::Follow).store_in("file"), revoking(), revoking());
    one.configure(|behaviour| behaviour.offers_end_session = true);
    home.run(&mut home.kubekey_for(&one)).credential();
    home.run(home.kubekey_for(&one).args(["--scope", "groups"])).credential();
    home.run(&mut home.kubekey_for(&other)).credential();
    let all = logout(&home, &["--all", "--browser"]);
    assert_eq!((all.code(), tokens(&home)), (Some(1), vec![]), "{all:#?}");
    one.wait_for("/end", 2);
    assert_eq!((one.count("/end"), one.revoked(), other.revoked()), (2, 2, 1), "{all:#?}");
    assert!(all.stderr.contains("1 of 3 sign-outs were not complete"), "{all:#?}");
}

/// The page is served to whoever knows its URL, which others can read in the list of processes; the ID token is not.
#[test]
fn the_page_is_ours_alone_and_is_shown_once() {
    let (home, provider) = (Home::new(Mode::Note).store_in("file"), Provider::start());
    provider.configure(|behaviour| behaviour.offers_end_session = true);
    let logout = Running::start(home.kubekey_for(&provider).args(["logout", "--browser"]));
    let url = home.browser.wait_for_url();
    let client = Client::default();
    let status =
        |method: &str, url: &str, headers: &[(&str, &str)]| client.send(method, url, headers, "").unwrap().status;
    assert_eq!(status("GET", &url[..url.rfind('/').unwrap()], &[]), 404);
    assert_eq!(status("POST", &url, &[]), 405);
    assert_eq!(status("HEAD", &url, &[]), 204);
    assert_eq!(status("GET", &url, &[("Origin", "https://evil.example")]), 403);
    let page = client.send("GET", &url, &[], "").unwrap();
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'nonce-") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
    let logout = logout.wait();
    assert_eq!(logout.code(), Some(0), "{logout:#?}");
}

/// Linux shows every user the arguments of all processes, and so the URL of the page.
#[test]
#[cfg(target_os = "linux")]
fn a_program_of_another_user_gets_no_id_token() {
    const GET: &str = "exec 3<>/dev/tcp/$1/$2; printf 'GET /%s HTTP/1.1\\r\\nHost: %s:%s\\r\\n\\r\\n' \"$3\" \"$1\" \"$2\" >&3; cat <&3";
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.offers_end_session = true);
    for is_own in [true, false] {
        let home = Home::new(Mode::Follow).store_in("file");
        home.run(&mut home.kubekey_for(&provider)).credential();
        let mut command = home.kubekey_for(&provider);
        let logout = Running::start(command.args(["logout", "--browser", "--browser-command=/bin/true"]));
        let said = logout.wait_for_stderr("kubekey:   http://127.0.0.1:");
        let url = said.split("http://").last().unwrap().split_whitespace().next().unwrap().to_owned();
        let (address, path) = url.split_once('/').unwrap();
        let (host, port) = address.split_once(':').unwrap();
        let page_of = |mut get: Command| {
            let page = String::from_utf8(get.output().unwrap().stdout).unwrap();
            assert!(page.contains("name=\"client_id\""), "{page}");
            page
        };
        let get = || {
            let mut get = Command::new("/bin/bash");
            get.args(["-c", GET, "bash", host, port, path]);
            get
        };
        // Only root can become another user. That one gets the page without the token, and takes it from nobody.
        if !is_own && rustix::process::geteuid().is_root() {
            let (other, _folder) = without_rights(&get());
            let page = page_of(other);
            assert!(!page.contains("id_token_hint"), "{page}");
        }
        let page = page_of(get());
        assert!(page.contains("id_token_hint"), "{page}");
        assert_eq!(logout.wait().code(), Some(0));
    }
}

#[test]
fn who_else_used_the_sign_in_is_said_and_whose_there_are_instead_of_an_unknown_issuer() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    let args = [format!("--issuer-url={}", provider.issuer()), format!("--client-id={}", provider.client_id())];
    let context = |name: &str| serde_json::json!({ "name": name, "context": { "cluster": "k8s", "user": "me" } });
    let file = serde_json::json!({
        "clusters": [{ "name": "k8s", "cluster": { "server": "https://k8s.example.com" } }],
        "contexts": [context("prod"), context("test"), context("dev")],
        "users": [{ "name": "me", "user": { "exec": { "command": "kubekey", "args": args } } }],
    });
    fs::create_dir_all(home.path().join(".kube")).unwrap();
    fs::write(home.path().join(".kube/config"), file.to_string()).unwrap();
    home.run(home.kubekey().args(["login", "--context=prod"]));
    let unknown = logout(&home, &["--issuer=https://elsewhere.example"]);
    let said = format!("no saved sign-in to https://elsewhere.example, but one to {}\n", provider.issuer());
    assert!(unknown.code() == Some(0) && unknown.stderr.ends_with(&said), "{unknown:#?}");
    let one = logout(&home, &["--context=prod"]);
    assert!(one.stderr.contains("kubekey: this was also the sign-in of 'test', 'dev'\n"), "{one:#?}");
    let again = logout(&home, &["--context=prod"]);
    assert!(!again.stderr.contains("this was also"), "{again:#?}");
}
