//! `KUBEKEY_LOG`: the steps of a run, for a bug report, without a secret. All tests check that no run prints a secret;
//! see `support::canary`.

use serde_json::json;
use url::Url;

use crate::support::browser::Mode;
use crate::support::canary;
use crate::support::client::get;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::{Behaviour, edit};
use crate::support::provider::server::Answer;
use crate::support::run::{Finished, Running};

/// Asserts that these strings are in the log, in this order.
fn assert_steps(finished: &Finished, steps: &[&str]) {
    let mut rest = finished.log.as_str();
    for step in steps {
        let (_, after) = rest.split_once(step).unwrap_or_else(|| panic!("no {step:?} in {rest} of {}", finished.log));
        rest = after;
    }
}

#[test]
fn the_steps_of_a_sign_in_are_logged() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let finished = home.run(&mut home.kubekey_for(&provider));
    let issuer = provider.issuer();
    assert_steps(
        &finished,
        &[
            "kubekey: debug: v",
            "kubekey: debug: token cache: keyring: nothing there in ",
            "kubekey: debug: lock: taken after ",
            "kubekey: debug: token cache: keyring: nothing there in ",
            "kubekey: debug: Discovery: not in the cache",
            &format!("kubekey: debug: http: GET {issuer}/.well-known/openid-configuration: 200, "),
            " bytes in ",
            "kubekey: trace: http: header fields: ",
            "content-type",
            "kubekey: trace: http: fields: authorization_endpoint, ",
            "kubekey: debug: sign-in: listening at http://127.0.0.1:",
            "kubekey: debug: sign-in: the browser's response arrived",
            &format!("kubekey: debug: http: POST {issuer}/token: 200, "),
            "kubekey: trace: http: fields: access_token, expires_in, id_token, refresh_token, scope, token_type",
            "kubekey: debug: token cache: keyring: saved in ",
        ],
    );
    let launcher = if cfg!(windows) { "behaviour" } else { "xdg-open" };
    assert_steps(&finished, &["kubekey: debug: launcher: ", launcher, " was started"]);
}

#[test]
fn verbose_before_or_after_a_command_logs_the_steps() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    for words in [["--verbose", "login"], ["login", "--verbose"]] {
        let mut command = home.kubekey_for(&provider);
        let finished = home.run(command.args(words).env_remove("KUBEKEY_LOG"));
        assert!(finished.log.contains("kubekey: debug: lock: taken after "), "{finished:#?}");
    }
}

#[test]
fn the_start_path_is_not_logged() {
    let home = Home::new(Mode::Follow);
    let provider = Provider::start();
    let finished = home.run(&mut home.kubekey_for(&provider));
    let url = home.browser.urls().remove(0);
    let path = url.rsplit('/').next().unwrap();
    assert!(finished.stderr.contains(path) && !finished.log.contains(path), "{finished:#?}");
}

#[test]
fn what_each_store_said_is_logged() {
    for (store, first, second) in
        [("keyring", "nothing there", "a valid ID token"), ("file", "nothing there", "a valid ID token")]
    {
        let home = Home::with_keyring(Mode::Follow).store_in(store);
        let provider = Provider::start();
        for said in [first, second] {
            let finished = home.run(&mut home.kubekey_for(&provider));
            finished.credential();
            assert_steps(&finished, &[&format!("token cache: {store}: {said} in ")]);
        }
        let logout = home.log_out(&provider);
        assert_steps(&logout, &["token cache: keyring: removed"]);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn what_the_kernel_said_is_logged() {
    let home = Home::new(Mode::Follow).store_in("kernel");
    let provider = Provider::start();
    let mut kubekey = home.kubekey_for(&provider);
    kubekey.env("WSL_DISTRO_NAME", "of these tests");
    for said in ["nothing there", "a valid ID token"] {
        assert_steps(&home.run(&mut kubekey), &[&format!("token cache: kernel: {said} in ")]);
    }
    home.log_out(&provider);
}

#[test]
#[cfg(target_os = "linux")]
fn a_store_that_fails_is_logged_with_its_reason() {
    let home = Home::new(Mode::Follow).store_in("auto");
    let provider = Provider::start();
    let finished = home.run(home.kubekey_for(&provider).env("WSL_DISTRO_NAME", "of these tests"));
    home.log_out(&provider);
    assert_steps(&finished, &["token cache: keyring: failed (no D-Bus session bus", "token cache: kernel: saved in "]);
}

#[test]
fn a_refresh_and_what_became_of_it_are_logged() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    let run = || {
        home.edit_saved(|set| set["expires_at"] = 1.into());
        home.run(&mut home.kubekey_for(&provider))
    };
    assert_steps(
        &run(),
        &[
            "token cache: keyring: no valid ID token, a refresh token in ",
            "Discovery: from the cache",
            "Keys: from the cache",
            "/token: 200, ",
            "refresh: new tokens, with another refresh token",
        ],
    );
    provider.configure(|behaviour| behaviour.refresh_rotation = false);
    assert_steps(&run(), &["refresh: new tokens, with the same refresh token"]);
    provider.configure(|behaviour| behaviour.refresh_answer = Some(Answer::html(503, "down")));
    assert_steps(&run(), &["/token: failed in ", "returned HTTP 503", "refresh: failed ("]);
    let refused = Answer::json(400, &json!({ "error": "invalid_grant", "error_description": "over" }));
    provider.configure(|behaviour| behaviour.refresh_answer = Some(refused));
    assert_steps(&run(), &["/token: 400, ", "refresh: the session is over (over (invalid_grant))", "POST"]);
}

#[test]
fn an_early_refresh_is_logged() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.lifetime = 60);
    home.run(&mut home.kubekey_for(&provider)).credential();
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_steps(&finished, &["keyring: a valid ID token", "refresh: new tokens", "token cache: keyring: saved"]);
}

#[test]
fn a_wait_for_another_run_is_logged() {
    let home = Home::with_keyring(Mode::Note);
    let provider = Provider::start();
    let first = Running::start(&mut home.kubekey_for(&provider));
    let url = home.browser.wait_for_url();
    let second = Running::start(&mut home.kubekey_for(&provider));
    second.wait_for_stderr("waiting for another kubekey");
    home.browser.open(&url).last();
    first.wait().credential();
    let second = second.wait();
    second.credential();
    let waited = second.log.lines().find_map(|line| line.strip_prefix("kubekey: debug: lock: taken after "));
    let milliseconds: u64 = waited.and_then(|waited| waited.strip_suffix(" ms")).unwrap().parse().unwrap();
    assert!(milliseconds >= 2000, "{second:#?}");
}

/// `Running::wait` searches what these runs print for secrets, `Home` what they write.
#[test]
fn no_secret_is_let_out_by_a_refusal_a_broken_answer_or_a_login() {
    let broken: [fn(&mut Behaviour); 5] = [
        |behaviour| behaviour.refusal = Some(("access_denied".into(), "not you".into())),
        |behaviour| behaviour.token_response = edit(|response| drop(response.remove("id_token"))),
        |behaviour| {
            behaviour.token_response = edit(|response| {
                let token = response["id_token"].clone();
                response.insert("id_token".into(), json!([token]));
            })
        },
        |behaviour| {
            behaviour.token_response = edit(|response| {
                let token = response["id_token"].as_str().unwrap().replace('.', "~");
                response.insert("id_token".into(), token.into());
            })
        },
        |behaviour| {
            behaviour.claims = edit(|claims| {
                claims.insert("nonce".into(), "another".into());
            })
        },
    ];
    for change in broken {
        let home = Home::with_keyring(Mode::Follow);
        let provider = Provider::start();
        let secret = "canary-secret-of-the-client";
        provider.configure(|behaviour| behaviour.client_secret = Some(secret.into()));
        provider.configure(change);
        let finished = home.run(home.kubekey_for(&provider).env("KUBEKEY_CLIENT_SECRET", secret));
        assert!(!finished.status.success() && finished.stderr.contains("hint: "), "{finished:#?}");
        let login = home.run(home.kubekey_for(&provider).arg("login").env("KUBEKEY_CLIENT_SECRET", secret));
        assert!(!login.status.success() && login.stdout.is_empty(), "{login:#?}");
    }
}

#[test]
fn a_secret_that_a_provider_quotes_in_its_error_is_hidden() {
    let home = Home::with_keyring(Mode::Note);
    let provider = Provider::start();
    let secret = "canary-secret-of-the-client";
    provider.configure(|behaviour| behaviour.client_secret = Some(secret.into()));
    let mut kubekey = home.kubekey_for(&provider);
    kubekey.env("KUBEKEY_CLIENT_SECRET", secret);
    let refuse = |quoted: &str| {
        let error = json!({ "error": "invalid_grant", "error_description": format!("{quoted} of {secret} is over") });
        Some(Answer::json(400, &error))
    };
    let running = Running::start(&mut kubekey);
    let authorization = get(&home.browser.wait_for_url()).location().unwrap();
    let callback = get(&authorization).location().unwrap();
    let code = Url::parse(&callback).unwrap().query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    provider.configure(|behaviour| behaviour.code_answer = refuse(&code));
    let page = get(&get(&callback).location().expect("the page with the result"));
    assert!(page.status == 403 && !page.body.contains(&code) && !page.body.contains(secret), "{page:#?}");
    let finished = running.wait();
    assert!(finished.stderr.contains("<hidden> of <hidden> is over (invalid_grant)"), "{finished:#?}");

    provider.configure(|behaviour| behaviour.code_answer = None);
    let running = Running::start(kubekey.arg("login"));
    home.browser.open(&home.browser.wait_for_urls(2).remove(1)).last();
    assert!(running.wait().status.success());
    home.edit_saved(|set| set["expires_at"] = 1.into());
    let refresh_token = home.saved().unwrap()["refresh_token"].as_str().unwrap().to_owned();
    provider.configure(|behaviour| behaviour.refresh_answer = refuse(&refresh_token));
    let mut kubekey = home.kubekey_for(&provider);
    kubekey.env("KUBEKEY_CLIENT_SECRET", secret).args(["--login-timeout", "1", "--skip-open-browser"]);
    let finished = home.run(&mut kubekey);
    assert!(finished.stderr.contains("a new sign-in is needed: <hidden> of <hidden> is over"), "{finished:#?}");
}

#[test]
fn the_password_of_a_proxy_is_not_let_out() {
    canary::tell("canary-of-the-proxy");
    let home = Home::new(Mode::Follow);
    let proxy = "http://jane:canary-of-the-proxy@127.0.0.1:1";
    for issuer in ["https://login.example.com", "http://127.0.0.1:2"] {
        let mut kubekey = home.kubekey();
        kubekey.args(["--issuer-url", issuer, "--client-id", "x"]).env("HTTPS_PROXY", proxy).env("HTTP_PROXY", proxy);
        let finished = home.run(kubekey.env("http_proxy", proxy));
        assert_eq!(finished.code(), Some(5), "{finished:#?}");
        assert!(finished.log.contains("http: GET") && finished.log.contains("failed in"), "{finished:#?}");
    }
}

#[test]
fn each_level_has_its_own_and_those_before_it() {
    let all = ["hint: ", "warning: ", "signed in as", "debug: ", "trace: "];
    for (level, count) in [("error", 1), ("warn", 2), ("info", 3), ("", 3), ("Debug", 4), ("trace", 5)] {
        let provider = Provider::start();
        let run = |mode, arguments: &[&str]| {
            let home = Home::new(mode);
            let finished =
                home.run(home.kubekey_for(&provider).env("DISPLAY", ":0").env("KUBEKEY_LOG", level).args(arguments));
            finished.stderr + &finished.log
        };
        let failing = run(Mode::Absent, &["--login-timeout", "1", "--browser-command", "no-such-browser"]);
        let said = failing + &run(Mode::Follow, &["login"]);
        for (number, text) in all.iter().enumerate() {
            assert_eq!(said.contains(text), number < count, "{level:?}, {text:?}: {said}");
        }
    }
}

#[test]
fn the_address_to_sign_in_at_is_printed_at_every_level() {
    let home = Home::new(Mode::Note);
    let provider = Provider::start();
    let running = Running::start(home.kubekey_for(&provider).env("KUBEKEY_LOG", "error"));
    let line = running.wait_for_stderr("kubekey:   http://127.0.0.1:");
    home.browser.open(line.strip_prefix("kubekey:   ").unwrap()).last();
    running.wait().credential();
}

#[test]
fn an_unknown_level_is_one_warning_with_the_known_ones() {
    let home = Home::new(Mode::Follow);
    let provider = Provider::start();
    let finished = home.run(home.kubekey_for(&provider).env("KUBEKEY_LOG", "verbose"));
    finished.credential();
    let warning = "kubekey: warning: KUBEKEY_LOG is 'verbose': use error, warn, info, debug or trace\n";
    assert_eq!(finished.stderr.matches(warning).count(), 1, "{finished:#?}");
    assert_eq!((finished.stderr.matches("warning").count(), finished.log.as_str()), (1, ""));
}

#[test]
#[should_panic(expected = "in stderr")]
fn a_secret_that_a_provider_gave_is_found() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    canary::assert_none_in(home.saved().unwrap()["refresh_token"].as_str().unwrap(), "stderr");
}

#[test]
#[should_panic(expected = "in stderr")]
fn an_id_token_is_found() {
    canary::assert_none_in("kubekey: debug: eyJhbGciOiJSUzI1NiJ9.e30.x", "stderr");
}

#[test]
#[should_panic(expected = "in stdout")]
fn a_secret_beside_the_token_in_stdout_is_found() {
    canary::tell("canary-beside-the-token");
    let json = json!({ "status": { "token": "eyJhbGciOiJSUzI1NiJ9.e30.x", "more": "canary-beside-the-token" } });
    canary::assert_none_but_tokens_in(&json.to_string());
}
