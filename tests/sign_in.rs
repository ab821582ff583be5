//! The sign-in in the browser.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use sha2::{Digest, Sha256};
use url::Url;

use crate::support::browser::Mode;
use crate::support::client::{get, send};
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::{Iss, edit};
use crate::support::provider::keys::published;
use crate::support::provider::server::Answer;
use crate::support::run::Running;

/// The authorization URL that our local URL redirects to.
fn authorization_url(local: &str) -> Url {
    Url::parse(&get(local).location().expect("a redirect")).unwrap()
}

fn param(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).unwrap_or_else(|| panic!("no {name} in {url}")).1.into_owned()
}

/// Where the provider would redirect the browser, with this query.
fn callback(local: &str, query: &str) -> String {
    format!("{}?{query}", param(&authorization_url(local), "redirect_uri"))
}

#[test]
fn the_first_run_signs_in_and_saves() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_eq!(home.saved().unwrap()["id_token"], finished.token());
    assert_eq!(home.saved().unwrap()["expires_at"], finished.claims()["exp"]);
    let last = home.browser.wait_for_journey().last().clone();
    assert_eq!(last.status, 200);
    assert!(last.body.contains("Jane") && last.body.trim_end().ends_with("</html>"), "{last:#?}");
}

#[test]
fn the_request_has_pkce_state_nonce_and_a_loopback_redirect() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    let (asked, exchanged) = (provider.requests("/authorize").remove(0), provider.requests("/token").remove(0));
    assert_eq!(asked.param("response_type"), Some("code"));
    assert_eq!(asked.param("code_challenge_method"), Some("S256"));
    let verifier = exchanged.param("code_verifier").unwrap();
    assert_eq!(asked.param("code_challenge").unwrap(), URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)));
    assert!(asked.param("state").unwrap().len() >= 22 && asked.param("nonce").unwrap().len() >= 22, "{asked:#?}");
    let redirect_uri = asked.param("redirect_uri").unwrap();
    assert_eq!(exchanged.param("redirect_uri"), Some(redirect_uri));
    let redirect_uri = Url::parse(redirect_uri).unwrap();
    assert_eq!((redirect_uri.host_str(), redirect_uri.path()), (Some("127.0.0.1"), "/callback"));
}

#[test]
fn no_two_sign_ins_share_a_state_a_nonce_or_a_verifier() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    for _ in 0..2 {
        home.run(&mut home.kubekey_for(&provider)).credential();
        home.keyring().clear();
    }
    for (path, name) in [("/authorize", "state"), ("/authorize", "nonce"), ("/token", "code_verifier")] {
        let requests = provider.requests(path);
        assert_ne!(requests[0].param(name).unwrap(), requests[1].param(name).unwrap(), "{name}");
    }
    assert_ne!(home.browser.urls()[0], home.browser.urls()[1]);
}

#[test]
fn the_launcher_gets_our_own_url_and_nothing_of_the_providers() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let finished = home.run(&mut home.kubekey_for(&provider));
    let urls = home.browser.urls();
    let local = Url::parse(&urls[0]).unwrap();
    assert_eq!((urls.len(), local.host_str(), local.query()), (1, Some("127.0.0.1"), None));
    assert!(finished.stderr.contains(&urls[0]), "the printed URL is the launched one: {finished:#?}");
}

#[test]
fn our_local_url_answers_as_often_as_it_is_asked() {
    let home = Home::with_keyring(Mode::Note);
    let provider = Provider::start();
    let running = Running::start(&mut home.kubekey_for(&provider));
    let local = home.browser.wait_for_url();
    assert_eq!(authorization_url(&local), authorization_url(&local));
    home.browser.open(&local).last();
    running.wait().credential();
}

#[test]
fn prefetchers_and_link_checkers_set_nothing_in_motion() {
    let home = Home::with_keyring(Mode::Note);
    let provider = Provider::start();
    let running = Running::start(&mut home.kubekey_for(&provider));
    let local = home.browser.wait_for_url();
    assert_eq!(send("HEAD", &local, &[]).status, 204);
    for header in [
        ("Sec-Purpose", "prefetch;prerender"),
        ("Purpose", "prefetch"),
        ("X-Moz", "prefetch"),
        ("X-Purpose", "preview"),
        ("Sec-Purpose", "prerender"),
    ] {
        assert_eq!(send("GET", &local, &[header]).status, 204, "{header:?}");
    }
    assert_eq!(home.browser.open(&local).last().status, 200);
    running.wait().credential();
}

#[test]
fn a_launcher_that_blocks_fails_or_is_not_there_changes_nothing() {
    for mode in [Mode::Block, Mode::Fail, Mode::Absent] {
        let home = Home::with_keyring(mode);
        let provider = Provider::start();
        let running = Running::start(&mut home.kubekey_for(&provider));
        let line = running.wait_for_stderr("kubekey:   http://127.0.0.1:");
        let local = line.strip_prefix("kubekey:   ").expect("our local URL on a line of its own");
        assert_eq!(home.browser.open(local).last().status, 200, "{mode:?}");
        running.wait().credential();
    }
}

#[test]
fn a_forged_state_a_stray_request_and_an_unknown_path_get_their_own_page_and_the_wait_goes_on() {
    let home = Home::with_keyring(Mode::Note);
    let provider = Provider::start();
    let running = Running::start(&mut home.kubekey_for(&provider));
    let local = home.browser.wait_for_url();
    let state = param(&authorization_url(&local), "state");
    for (url, status) in [
        (callback(&local, "code=forged&state=forged"), 400),
        (callback(&local, "error=access_denied&state=forged"), 400),
        (callback(&local, "code=forged"), 400),
        (callback(&local, &format!("state={state}")), 400),
        (callback(&local, &format!("state={state}&code=&error=")), 400),
        (callback(&local, &format!("state={state}&code=forged&iss=x&iss=y")), 400),
        (callback(&local, &format!("state={state}&state={state}&code=forged")), 400),
        (format!("{local}x"), 404),
        (Url::parse(&local).unwrap().join("/").unwrap().to_string(), 404),
        (Url::parse(&local).unwrap().join("/favicon.ico").unwrap().to_string(), 404),
    ] {
        let page = get(&url);
        assert_eq!(page.status, status, "{url}");
        assert!(page.body.contains("still waiting"), "{page:#?}");
    }
    assert_eq!(provider.count("/token"), 0);
    assert_eq!(home.browser.open(&local).last().status, 200);
    running.wait().credential();
}

#[test]
fn another_host_name_for_loopback_is_turned_away() {
    let home = Home::with_keyring(Mode::Note);
    let provider = Provider::start();
    let running = Running::start(&mut home.kubekey_for(&provider));
    let local = home.browser.wait_for_url();
    let page = send("GET", &local, &[("Host", "rebound.example.com")]);
    assert_eq!((page.status, page.location()), (421, None));
    home.browser.open(&local).last();
    running.wait().credential();
}

#[test]
fn the_providers_refusal_is_on_the_page_and_in_the_terminal() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let words = "Jane is not in <the> group\u{1b}[2J & that is it";
    provider.configure(|behaviour| behaviour.refusal = Some(("access_denied".into(), words.into())));
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(3), ""));
    assert!(
        finished.stderr.contains("Jane is not in <the> group<U+001B>[2J & that is it (access_denied)"),
        "{finished:#?}"
    );
    let page = home.browser.wait_for_journey().last().clone();
    assert_eq!(page.status, 403);
    assert!(page.body.contains("Jane is not in &#60;the&#62; group"), "{page:#?}");
    assert!(page.body.contains("access_denied") && !page.body.contains('\u{1b}'), "{page:#?}");
    assert_eq!(home.saved(), None);
}

#[test]
fn a_code_that_the_provider_does_not_exchange_ends_the_sign_in_with_its_words() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let body = serde_json::json!({ "error": "invalid_client", "error_description": "no such client" });
    provider.configure(|behaviour| behaviour.code_answer = Some(Answer::json(401, &body)));
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(3), ""));
    assert!(finished.stderr.contains("no such client (invalid_client)"), "{finished:#?}");
    assert!(home.browser.wait_for_journey().last().body.contains("no such client"));
}

#[test]
fn a_token_endpoint_in_trouble_is_a_provider_out_of_reach() {
    for answer in [
        Answer::json(503, &serde_json::json!({ "error": "temporarily_unavailable" })),
        Answer::html(200, "<p>please log in to the airport's wireless</p>"),
        Answer::redirect("https://elsewhere.example/token"),
    ] {
        let home = Home::with_keyring(Mode::Follow);
        let provider = Provider::start();
        provider.configure(|behaviour| behaviour.code_answer = Some(answer));
        let finished = home.run(&mut home.kubekey_for(&provider));
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(5), ""), "{finished:#?}");
    }
}

#[test]
fn no_redirect_is_followed_with_a_code_in_hand() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let elsewhere = format!("{}/elsewhere", provider.issuer());
    provider.configure(|behaviour| {
        behaviour.code_answer = Some(Answer::new(307, "text/plain", "").with_header("Location", &elsewhere));
    });
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_eq!((finished.code(), provider.count("/elsewhere")), (Some(5), 0), "{finished:#?}");
    assert!(finished.stderr.contains("returned a redirect"), "{finished:#?}");
}

#[test]
fn an_answer_of_another_issuer_never_reaches_the_token_endpoint() {
    for iss in [Iss::Other("https://evil.example".into()), Iss::Absent] {
        let home = Home::with_keyring(Mode::Follow);
        let provider = Provider::start();
        provider.configure(|behaviour| behaviour.iss = iss);
        let finished = home.run(&mut home.kubekey_for(&provider));
        assert_eq!((finished.code(), provider.count("/token")), (Some(3), 0), "{finished:#?}");
        assert!(finished.stderr.contains("issuer"), "{finished:#?}");
    }
}

#[test]
fn a_provider_that_does_not_promise_iss_may_leave_it_out() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    provider.configure(|behaviour| {
        behaviour.iss = Iss::Absent;
        behaviour.authorization_response_iss_parameter_supported = false;
    });
    home.run(&mut home.kubekey_for(&provider)).credential();
}

#[test]
fn nobody_answering_ends_the_sign_in_after_the_timeout() {
    let home = Home::with_keyring(Mode::Note);
    let provider = Provider::start();
    let finished = home.run(home.kubekey_for(&provider).args(["--login-timeout", "1"]));
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(3), ""));
    assert!(finished.stderr.contains("the sign-in timed out after 1 s"), "{finished:#?}");
    assert!(
        finished.stderr.contains("hint: run 'kubekey login' with the same settings and open the printed URL"),
        "{finished:#?}"
    );
    assert!(finished.took >= Duration::from_secs(1), "{finished:#?}");
}

#[test]
fn a_browser_that_does_not_come_back_leads_to_a_hint_at_client_and_redirect_uri() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let mut kubekey = home.kubekey_for(&provider);
    kubekey.args(["--client-id", "unknown", "--login-timeout", "2"]);
    let finished = home.run(&mut kubekey);
    assert_eq!(finished.code(), Some(3), "{finished:#?}");
    let timeout = "kubekey: the sign-in timed out after 2 s: the browser did not return from the provider\n";
    let hint = "hint: run 'kubekey login' with the same settings; if the provider rejected client 'unknown' \
        or its redirect URI, register http://127.0.0.1/callback (any port) \
        or a fixed --redirect-url=http://127.0.0.1:8000/callback\n";
    assert!(finished.stderr.ends_with(&format!("{timeout}{hint}")), "{finished:#?}");
    assert!(hint.len() <= 3 * 80, "three lines of a terminal");
}

#[test]
fn the_redirect_uri_of_the_hint_is_the_one_to_register() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let fixed = format!("http://127.0.0.1:{port}/callback");
    for (argument, registered) in [
        ("--redirect-url=http://localhost".to_owned(), "http://localhost (any port)"),
        ("--redirect-url=http://127.0.0.1/".to_owned(), "http://127.0.0.1/ (any port)"),
        ("--redirect-url=http://localhost/a/b".to_owned(), "http://localhost/a/b (any port)"),
        ("--listen-address=[::1]:0".to_owned(), "http://[::1]/callback (any port)"),
        (format!("--redirect-url={fixed}"), &*format!("{fixed}\n")),
        (format!("--listen-address=127.0.0.1:{port}"), &*format!("{fixed}\n")),
    ] {
        let (home, provider) = (Home::new(Mode::Follow), Provider::start());
        let mut kubekey = home.kubekey_for(&provider);
        let finished = home.run(kubekey.args(["--client-id=unknown", "--login-timeout=2", &argument]));
        assert_eq!(finished.code(), Some(3), "{finished:#?}");
        assert!(finished.stderr.contains(&format!("or its redirect URI, register {registered}")), "{finished:#?}");
    }
}

/// The name that the system has for this host.
fn host_name() -> String {
    if cfg!(windows) {
        return "elsewhere".to_owned();
    }
    let name = std::process::Command::new("uname").arg("-n").output().unwrap().stdout;
    String::from_utf8(name).unwrap().trim_end().to_owned()
}

#[test]
fn in_an_ssh_session_the_way_to_a_browser_elsewhere_is_said() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let mut kubekey = home.kubekey_for(&provider);
    kubekey.env("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22").env("COMPUTERNAME", "elsewhere");
    let finished = home.run(&mut kubekey);
    let local = Url::parse(&home.browser.urls()[0]).unwrap();
    let port = local.port().unwrap();
    let tunnel = format!("ssh -L {port}:127.0.0.1:{port} {}\n", host_name());
    assert!(finished.stderr.contains(&tunnel), "{finished:#?}");
    let home = Home::new(Mode::Note);
    const SSH: &str = "192.0.2.1 5 192.0.2.2 22";
    for (ssh, display, hint) in [
        (None, ":0", "open the printed URL in a browser on this machine\n"),
        (Some(SSH), ":0", "in a browser on this machine, or on your own after the printed 'ssh -L'\n"),
        // Elsewhere the browser of these tests needs no display.
        #[cfg(target_os = "linux")]
        (Some(SSH), "", "in a browser on your own machine, after the printed 'ssh -L'\n"),
    ] {
        let mut kubekey = home.kubekey_for(&provider);
        kubekey.args(["login", "--login-timeout=1"]).envs(ssh.map(|ssh| ("SSH_CONNECTION", ssh)));
        let finished = home.run(kubekey.env("DISPLAY", display));
        assert_eq!(finished.stderr.contains("ssh -L"), ssh.is_some(), "{finished:#?}");
        assert!(finished.stderr.ends_with(hint), "{finished:#?}");
        let first = "kubekey: no browser can be opened here: this is an SSH session\n";
        assert_eq!(finished.stderr.starts_with(first), display.is_empty(), "{finished:#?}");
        assert_eq!(finished.stderr.contains("this machine"), !display.is_empty(), "{finished:#?}");
    }
}

#[test]
fn the_listener_is_gone_when_the_run_has_ended() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    let local = Url::parse(&home.browser.urls()[0]).unwrap();
    let address = local.socket_addrs(|| None).unwrap();
    assert!(std::net::TcpStream::connect(&*address).is_err());
}

#[test]
fn a_fixed_redirect_url_is_sent_as_it_was_written_and_a_taken_port_leads_to_the_next() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let first = format!("http://127.0.0.1:{}", taken.local_addr().unwrap().port());
    let second = format!("http://localhost:{free}");
    let mut kubekey = home.kubekey_for(&provider);
    kubekey.args(["--redirect-url", &first, "--redirect-url", &second]);
    home.run(&mut kubekey).credential();
    assert_eq!(provider.requests("/authorize")[0].param("redirect_uri"), Some(second.as_str()));
    assert_eq!(Url::parse(&home.browser.urls()[0]).unwrap().host_str(), Some("localhost"));
}

#[test]
fn no_free_port_is_an_error_that_names_the_flag() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let finished = home.run(home.kubekey_for(&provider).args(["--listen-address", &address]));
    assert_eq!(finished.code(), Some(3), "{finished:#?}");
    assert!(finished.stderr.contains(&address) && finished.stderr.contains("--listen-address"), "{finished:#?}");
    assert_eq!(home.browser.urls().len(), 0);
}

/// `localhost` may resolve to either family: another process with the port in one of them would get the response.
#[test]
fn a_port_that_somebody_else_has_in_one_address_family_is_taken() {
    let (home, provider) = (Home::new(Mode::Follow), Provider::start());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("localhost:{}", taken.local_addr().unwrap().port());
    let finished = home.run(home.kubekey_for(&provider).args(["--listen-address", &address]));
    assert_eq!((finished.code(), home.browser.urls().len()), (Some(3), 0), "{finished:#?}");
}

#[test]
fn localhost_listens_in_both_address_families() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return; // Without IPv6 there is only one family to listen in.
    }
    let home = Home::with_keyring(Mode::Note);
    let provider = Provider::start();
    let running = Running::start(home.kubekey_for(&provider).args(["--listen-address", "localhost:0"]));
    let local = Url::parse(&home.browser.wait_for_url()).unwrap();
    let host = format!("localhost:{}", local.port().unwrap());
    for ip in ["127.0.0.1", "[::1]"] {
        let url = local.as_str().replace("//localhost", &format!("//{ip}"));
        assert_eq!(send("GET", &url, &[("Host", &host)]).status, 302, "{ip}");
    }
    home.browser.open(local.as_str()).last();
    running.wait().credential();
}

#[test]
fn a_provider_out_of_reach_is_named_before_any_browser_opens() {
    let home = Home::with_keyring(Mode::Follow);
    let mut provider = Provider::start();
    provider.stop();
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(5), ""));
    assert!(finished.stderr.contains(&provider.issuer()) && finished.stderr.contains("refused"), "{finished:#?}");
    assert_eq!(home.browser.urls().len(), 0);
}

#[test]
fn a_discovery_document_that_cannot_be_trusted_opens_no_browser() {
    for (field, value, words) in [
        ("issuer", "https://other.example", "other.example"),
        ("authorization_endpoint", "http://login.example.com/authorize", "authorization_endpoint"),
        ("token_endpoint", "http://login.example.com/token", "token_endpoint"),
        ("jwks_uri", "file:///etc/passwd", "jwks_uri"),
    ] {
        let home = Home::with_keyring(Mode::Follow);
        let provider = Provider::start();
        provider.configure(|behaviour| {
            behaviour.discovery = edit(move |document| {
                document.insert(field.into(), value.into());
            });
        });
        let finished = home.run(&mut home.kubekey_for(&provider));
        assert_eq!((finished.code(), home.browser.urls().len()), (Some(1), 0), "{field}: {finished:#?}");
        assert!(finished.stderr.contains(words), "{field}: {finished:#?}");
    }
}

#[test]
fn what_nobody_reads_of_a_discovery_document_may_be_of_any_kind() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    provider.configure(|behaviour| {
        behaviour.discovery = edit(|document| {
            document.insert("op_tos_uri".into(), "".into());
            document.insert("request_parameter_supported".into(), "true".into());
            document.insert("claims_supported".into(), serde_json::json!([1, null, {}]));
            document.insert("service_documentation".into(), "docs.html".into());
            document.remove("response_types_supported");
            document.remove("subject_types_supported");
        });
        // Object stores serve static files with this type.
        let keys = serde_json::Value::from(published(Algorithm::RS256, 0)).to_string();
        behaviour.jwks_answer = Some(Answer::new(200, "binary/octet-stream", keys));
    });
    home.run(&mut home.kubekey_for(&provider)).credential();
}

#[test]
fn a_promise_of_iss_in_quotes_is_a_promise() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    provider.configure(|behaviour| {
        behaviour.iss = Iss::Absent;
        behaviour.discovery = edit(|document| {
            document.insert("authorization_response_iss_parameter_supported".into(), "true".into());
        });
    });
    assert_eq!(home.run(&mut home.kubekey_for(&provider)).code(), Some(3));
}

#[test]
fn what_nobody_reads_of_a_token_response_may_be_of_any_kind() {
    for (field, value) in [
        ("expires_in", serde_json::json!("3600")),
        ("expires_in", serde_json::json!(3599.5)),
        ("scope", serde_json::json!(["openid"])),
        ("token_type", serde_json::json!(null)),
    ] {
        let home = Home::with_keyring(Mode::Follow);
        let provider = Provider::start();
        let given = value.clone();
        provider.configure(|behaviour| {
            behaviour.token_response = edit(move |response| {
                response.insert(field.into(), given.clone());
            });
        });
        let finished = home.run(&mut home.kubekey_for(&provider));
        assert!(finished.status.success(), "{field}: {value}: {finished:#?}");
    }
}

#[test]
fn an_answer_without_an_access_token_is_enough_for_kubernetes() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    provider.configure(|behaviour| {
        behaviour.at_hash = false;
        behaviour.token_response = edit(|response| {
            response.remove("access_token");
        });
    });
    home.run(&mut home.kubekey_for(&provider)).credential();
}

#[test]
fn an_issuer_without_a_discovery_document_is_named_with_a_hint() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.discovery_answer = Some(Answer::html(404, "<h1>not here</h1>")));
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(1), ""));
    assert!(finished.stderr.contains("HTTP 404") && finished.stderr.contains("hint: the issuer URL"), "{finished:#?}");
}
