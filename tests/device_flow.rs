//! The sign-in with a code on another device (RFC 8628).

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::{Behaviour, edit};
use crate::support::provider::connection::{Cut, End};
use crate::support::provider::server::Answer;
use crate::support::run::{Finished, Running};
#[cfg(target_os = "linux")]
use crate::support::terminal::{INTERRUPT, Person};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A user, and a provider that offers the device flow and behaves like this.
fn user(change: impl FnOnce(&mut Behaviour)) -> (Home, Provider) {
    let (home, provider) = (Home::with_keyring(Mode::Note), Provider::start());
    provider.configure(|behaviour| {
        behaviour.offers_device = true;
        change(behaviour);
    });
    (home, provider)
}

fn with_code(home: &Home, provider: &Provider) -> Command {
    let mut kubekey = home.kubekey_for(provider);
    kubekey.arg("--flow=device");
    kubekey
}

/// A sign-in with a code at such a provider.
fn sign_in(change: impl FnOnce(&mut Behaviour)) -> (Home, Provider, Finished) {
    let (home, provider) = user(change);
    let finished = home.run(&mut with_code(&home, &provider));
    assert!(home.browser.urls().is_empty() && provider.count("/authorize") == 0, "{finished:#?}");
    (home, provider, finished)
}

fn error(code: &str) -> Answer {
    Answer::json(400, &json!({ "error": code }))
}

#[test]
fn a_code_is_entered_elsewhere_and_the_sign_in_is_refreshed_like_any_other() {
    let (home, provider) = user(|_| {});
    let running = Running::start(&mut with_code(&home, &provider));
    running.wait_for_stderr("and enter the code WDJB-MJHT");
    provider.wait_for("/token", 1);
    provider.configure(|behaviour| behaviour.device_approved = true);
    let finished = running.wait();
    let first = finished.token();
    let issuer = provider.issuer();
    let expected = format!(
        "kubekey: sign in to {issuer} on any device: open\n\
         kubekey:   {issuer}/device\n\
         kubekey: and enter the code WDJB-MJHT\n\
         kubekey: or open the page that has the code in its address:\n\
         kubekey:   {issuer}/device?user_code=WDJB-MJHT\n\
         kubekey: it belongs to 127.0.0.1 and ends at "
    );
    assert!(finished.stderr.starts_with(&expected), "{}", finished.stderr);
    assert!(finished.stderr.ends_with("; give it to nobody\n"), "{}", finished.stderr);
    assert_eq!((home.browser.urls().len(), provider.count("/authorize")), (0, 0), "nothing is launched");
    let request = &provider.requests("/device_authorization")[0];
    assert_eq!(request.param("client_id"), Some(&*provider.client_id()));
    assert_eq!(request.param("scope"), Some("openid email profile offline_access"));
    assert!(request.param("code_challenge").is_some() && request.param("redirect_uri").is_none());
    assert!(provider.requests("/token").iter().all(|request| request.param("grant_type") == Some(GRANT_TYPE)));

    home.edit_saved(|set| set["expires_at"] = 1.into());
    provider.forget_requests();
    let refreshed = home.run(&mut with_code(&home, &provider));
    assert_ne!(refreshed.token(), first);
    assert_eq!((refreshed.stderr.as_str(), provider.count("/device_authorization")), ("", 0), "{refreshed:#?}");
    assert_eq!(provider.requests("/token")[0].param("grant_type"), Some("refresh_token"));
}

#[test]
fn kubelogins_names_are_taken_and_its_password_is_refused_by_name() {
    let (home, provider) = user(|behaviour| behaviour.device_approved = true);
    home.run(home.kubekey_for(&provider).arg("--grant-type=device-code")).credential();
    assert_eq!(provider.count("/device_authorization"), 1);
    let finished = home.run(home.kubekey_for(&provider).args(["--grant-type", "devise"]));
    assert_eq!(finished.code(), Some(2), "{finished:#?}");
    assert!(
        finished.stderr.contains("'devise' cannot be used: it must be auto, browser, device, paste"),
        "{finished:#?}"
    );
}

#[test]
fn the_provider_is_asked_less_often_when_it_says_so_and_when_it_does_not_respond() {
    // After 1 s, and after 1 + 5 s.
    let (_, provider, finished) = sign_in(|behaviour| {
        behaviour.device_approved = true;
        behaviour.device_polls = vec![error("slow_down")];
    });
    finished.credential();
    assert!(finished.took >= Duration::from_secs(7), "{finished:#?}");
    assert_eq!(provider.count("/token"), 2);

    // After 1 s, 2 s and 4 s; then after 1 s again.
    let (_, provider, finished) = sign_in(|behaviour| {
        behaviour.device_approved = true;
        behaviour.device_polls = vec![Answer::html(503, "busy"), Answer::html(502, ""), error("authorization_pending")];
    });
    finished.credential();
    assert!((Duration::from_secs(8)..Duration::from_secs(14)).contains(&finished.took), "{finished:#?}");
    assert_eq!(provider.count("/token"), 4);
}

#[test]
fn a_lost_connection_costs_only_the_time_to_the_next_try() {
    let (_, _, finished) = sign_in(|behaviour| {
        behaviour.device_polls = vec![error("authorization_pending"), error("authorization_pending")];
        behaviour.cuts =
            vec![("/token", Cut { after: 0, end: End::Reset }), ("/token", Cut { after: 20, end: End::Close })];
        behaviour.device_approved = true;
    });
    finished.credential();
    assert!(!finished.stderr.contains("warning"), "{finished:#?}");
}

#[test]
fn a_refusal_ends_the_sign_in_with_its_reason() {
    for (code, text) in [
        ("access_denied", "kubekey: the provider refused the sign-in: it was cancelled, or access was denied\nhint: "),
        (
            "authorization_declined",
            "kubekey: the provider refused the sign-in: it was cancelled, or access was denied\n",
        ),
        (
            "expired_token",
            "kubekey: the code was not entered within 1 s\nhint: run 'kubekey login' with the same settings and enter the new code\n",
        ),
        ("invalid_grant", "kubekey: the provider refused the sign-in with a code: invalid_grant\nhint: "),
        (
            "unauthorized_client",
            "the sign-in with a code: unauthorized_client\nhint: use --flow=browser, or allow the device",
        ),
    ] {
        let (_, _, finished) = sign_in(|behaviour| behaviour.device_polls = vec![error(code)]);
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(3), ""), "{finished:#?}");
        assert!(finished.stderr.contains(text), "{code}: {finished:#?}");
    }
    for (answer, text) in [
        (
            error("unauthorized_client"),
            "kubekey: the provider refused the device flow: unauthorized_client\nhint: use --flow=browser",
        ),
        (
            Answer::new(404, "text/plain", "no"),
            "refused the device flow: the device endpoint does not exist (HTTP 404)\nhint: use --flow",
        ),
        (Answer::json(200, &json!({})), "device endpoint cannot be used: it has no 'device_code'\nhint: "),
    ] {
        let (_, provider, finished) = sign_in(|behaviour| behaviour.device_answer = Some(answer));
        assert_eq!(finished.code(), Some(3), "{finished:#?}");
        assert!(finished.stderr.contains(text), "{finished:#?}");
        assert_eq!(provider.count("/token"), 0);
    }
    let (_, _, finished) = sign_in(|behaviour| behaviour.offers_device = false);
    assert!(finished.stderr.starts_with("kubekey: the provider does not offer the device flow: "), "{finished:#?}");
    let (_, _, finished) = sign_in(|behaviour| behaviour.device_answer = Some(Answer::html(500, "")));
    assert_eq!(finished.code(), Some(5), "{finished:#?}");
}

/// Without a display, and with auto.
fn without_a_browser(home: &Home, provider: &Provider) -> Command {
    let mut kubekey = home.kubekey_for(provider);
    kubekey.env_remove("DISPLAY");
    kubekey
}

#[test]
#[cfg(target_os = "linux")]
fn auto_takes_the_code_where_no_browser_can_be_and_goes_on_where_the_client_may_not_use_it() {
    let (home, provider) = user(|behaviour| behaviour.device_approved = true);
    let finished = home.run(&mut without_a_browser(&home, &provider));
    finished.credential();
    assert!(finished.stderr.starts_with("kubekey: no browser can be opened here: "), "{finished:#?}");
    assert!(finished.log.contains("sign-in: the flow is device, then browser ("), "{finished:#?}");
    assert!(!finished.stderr.contains("this machine") && !finished.stderr.contains("your browser"), "{finished:#?}");
    assert_eq!((provider.count("/device_authorization"), provider.count("/authorize")), (1, 0));

    for (at_endpoint, code) in [
        (true, "unauthorized_client"),
        (true, "invalid_client"),
        (true, "unsupported_grant_type"),
        (true, "a_code_of_its_own"),
        (false, "unsupported_grant_type"),
        (false, "unauthorized_client"),
        (false, "invalid_client"),
    ] {
        let (home, provider) = user(|behaviour| match at_endpoint {
            true => behaviour.device_answer = Some(error(code)),
            false => behaviour.device_polls = vec![error(code)],
        });
        let running = Running::start(&mut without_a_browser(&home, &provider));
        // The provider's page is on this machine, too, at another port.
        let origin = running.wait_for_stderr("sign-in: listening at ");
        let origin = origin.rsplit_once(' ').unwrap().1;
        let local = running.wait_for_stderr(&format!("kubekey:   {origin}/"));
        home.browser.open(local.strip_prefix("kubekey:   ").unwrap()).last();
        let finished = running.wait();
        finished.credential();
        assert!(finished.log.contains("sign-in: the flow 'device' is not possible: "), "{finished:#?}");
        assert_eq!(
            finished.stderr.contains("warning: the code cannot be used any more"),
            !at_endpoint,
            "{finished:#?}"
        );
    }
}

#[test]
fn a_sign_in_ends_with_its_code_or_with_the_time_that_was_chosen_and_pauses_the_next() {
    for (arguments, lifetime, seconds) in [(&["--login-timeout=1"][..], 600, 1), (&["--login-timeout=60"], 2, 2)] {
        let (home, provider) = user(move |behaviour| {
            behaviour.device_response = edit(move |response| {
                response.insert("expires_in".into(), lifetime.into());
            });
        });
        let finished = home.run(with_code(&home, &provider).args(arguments));
        assert_eq!(finished.code(), Some(3), "{finished:#?}");
        let text = format!(
            "kubekey: the code was not entered within {seconds} s\nhint: run 'kubekey login' with the same settings and enter the new code\n"
        );
        assert!(finished.stderr.ends_with(&text), "{finished:#?}");
        let next = home.run(with_code(&home, &provider).args(arguments));
        assert!(next.stderr.contains("the last sign-in timed out, so the next one can start in "), "{next:#?}");
        assert_eq!(provider.count("/device_authorization"), 1);
    }
    // The provider, and not the user, was absent.
    let (home, provider) = user(|behaviour| behaviour.device_polls = vec![Answer::html(503, ""); 9]);
    let finished = home.run(with_code(&home, &provider).arg("--login-timeout=2"));
    assert_eq!(finished.code(), Some(5), "{finished:#?}");
}

#[test]
fn keys_that_come_late_do_not_cost_the_sign_in_of_a_user_who_was_in_time() {
    let (home, provider) = user(|behaviour| behaviour.device_approved = true);
    let limit = Duration::from_secs(3);
    let mut kubekey = with_code(&home, &provider);
    kubekey.arg(format!("--login-timeout={}", limit.as_secs()));
    let running = provider.hold("/jwks", || Running::start(&mut kubekey));
    provider.wait_for("/token", 1);
    // From here on the time for the code is over at any rate.
    thread::sleep(limit);
    provider.let_go();
    running.wait().credential();
}

/// A code from a provider that responds like this, instead of the response that RFC 8628 asks for.
fn with_response(change: impl Fn(&mut serde_json::Map<String, Value>) + Send + Sync + 'static) -> Finished {
    let (_, _, finished) = sign_in(|behaviour| {
        behaviour.device_response = edit(change);
        behaviour.device_approved = true;
    });
    finished
}

#[test]
fn other_names_and_types_of_the_same_are_understood() {
    let finished = with_response(|response| {
        // Google's name, and the types of Microsoft Entra v1.
        let page = response.remove("verification_uri").unwrap();
        response.insert("verification_url".into(), page);
        response.remove("verification_uri_complete");
        response.insert("expires_in".into(), "900".into());
        response.insert("interval".into(), "1".into());
    });
    finished.credential();
    assert!(
        finished.stderr.contains("/device\nkubekey: and enter the code WDJB-MJHT\nkubekey: it belongs"),
        "{finished:#?}"
    );
    let finished = with_response(|response| {
        response.remove("expires_in");
        response.insert("interval".into(), 0.into());
    });
    finished.credential();
}

#[test]
fn what_the_provider_sends_is_shown_harmlessly_or_not_at_all() {
    for (name, value) in [
        ("verification_uri", "javascript:alert(1)"),
        ("verification_uri", "http://login.example.com/device"),
        ("verification_uri", "https://login.example.com@evil.example/device"),
        ("verification_uri_complete", "file:///etc/passwd"),
        ("user_code", "\u{1b}[2JWDJB"),
        ("user_code", ""),
    ] {
        let finished = with_response(move |response| {
            response.insert(name.into(), value.into());
        });
        assert_eq!(finished.code(), Some(3), "{finished:#?}");
        assert!(finished.stderr.contains("device endpoint cannot be used"), "{finished:#?}");
        assert!(
            !finished.stderr.contains("and enter the code") && !finished.stderr.contains('\u{1b}'),
            "{finished:#?}"
        );
    }
    let finished = with_response(|response| {
        response.insert("user_code".into(), "WDJB\u{202e}MJHT".into());
        response.insert("verification_uri".into(), "https://login.example.com/\u{1b}[2J\u{202e}x".into());
    });
    assert!(finished.stderr.contains("and enter the code WDJB<U+202E>MJHT\n"), "{finished:#?}");
    assert!(finished.stderr.contains("\nkubekey:   https://login.example.com/%1B[2J%E2%80%AEx\n"), "{finished:#?}");
}

#[test]
fn an_id_token_is_checked_in_all_but_the_nonce() {
    for (claim, value) in [("aud", "other"), ("iss", "https://evil.example"), ("sub", "")] {
        let (_, _, finished) = sign_in(|behaviour| {
            behaviour.device_approved = true;
            behaviour.claims = edit(move |claims| {
                claims.insert(claim.into(), value.into());
            });
        });
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(3), ""), "{finished:#?}");
        assert!(finished.stderr.contains("the provider's ID token was rejected: "), "{claim}: {finished:#?}");
    }
}

#[test]
fn a_run_that_waits_shows_the_same_code_and_gets_the_same_token() {
    let (home, provider) = user(|_| {});
    let first = Running::start(&mut with_code(&home, &provider));
    provider.wait_for("/token", 1);
    let second = Running::start(&mut with_code(&home, &provider));
    let line = second.wait_for_stderr("waiting for another kubekey that is signing in");
    assert!(line.ends_with(&format!(", at {}/device with the code WDJB-MJHT)", provider.issuer())), "{line}");
    provider.configure(|behaviour| behaviour.device_approved = true);
    assert_eq!(first.wait().token(), second.wait().token());
    assert_eq!(provider.count("/device_authorization"), 1);
}

#[test]
fn stdin_that_belongs_to_the_command_is_no_obstacle() {
    let (home, provider) = user(|behaviour| behaviour.device_approved = true);
    let info = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "spec": { "interactive": false },
    });
    home.run(with_code(&home, &provider).env("KUBERNETES_EXEC_INFO", info.to_string())).credential();
}

#[test]
#[cfg(target_os = "linux")]
fn a_job_that_nobody_watches_fails_at_once_and_asks_for_no_code() {
    let (home, provider) = user(|_| {});
    let kubekey = without_a_browser(&home, &provider);
    let mut job = Command::new("/usr/bin/setsid");
    job.arg("--wait").arg(kubekey.get_program()).args(kubekey.get_args()).env_clear();
    job.envs(kubekey.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(home.path());
    let start = Instant::now();
    let finished = home.run(job.env("CI", "true"));
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(3), ""), "{finished:#?}");
    assert!(
        finished.stderr.contains("kubekey: a sign-in is needed, and nobody can be reached: none ("),
        "{finished:#?}"
    );
    assert!(
        finished.stderr.contains("\nhint: run 'kubekey login' with the same settings in a terminal; if a person reads"),
        "{finished:#?}"
    );
    assert!(start.elapsed() < Duration::from_secs(10) && provider.count("/device_authorization") == 0);
}

#[cfg(target_os = "linux")]
fn is_drawn(screen: &str) -> bool {
    screen.contains('▀') || screen.contains('█')
}

/// A person at a terminal with this many columns and 24 rows, who enters the code.
#[cfg(target_os = "linux")]
fn screen_of(columns: u16, variables: &[(&str, &str)]) -> String {
    let (home, provider) = user(|behaviour| behaviour.device_approved = true);
    let mut kubekey = with_code(&home, &provider);
    kubekey.env_remove("KUBEKEY_LOG").envs(variables.iter().copied());
    let person = Person::run_at(&kubekey, columns);
    let (code, screen, _) = person.wait();
    assert_eq!(code, Some(0), "{screen}");
    screen
}

#[test]
#[cfg(target_os = "linux")]
fn a_qr_code_is_drawn_where_it_fits() {
    const UTF8: (&str, &str) = ("LANG", "C.UTF-8");
    for (columns, variables, expected) in [
        (80, &[UTF8][..], true),
        (28, &[UTF8], false),
        (80, &[("LANG", "C")], false),
        (80, &[("LANG", "C.UTF-8"), ("LC_ALL", "C")], false),
        (80, &[], false),
        (80, &[UTF8, ("TERM", "dumb")], false),
    ] {
        let screen = screen_of(columns, variables);
        assert_eq!(is_drawn(&screen), expected, "{columns} {variables:?}: {screen}");
        let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("and enter the code WDJB-MJHT "), "{screen}");
        assert!(screen.lines().count() < 24, "{screen}");
        assert_eq!(screen.matches("WDJB-MJHT").count(), if expected { 1 } else { 2 }, "{screen}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn an_interrupt_leaves_no_lock() {
    let (home, provider) = user(|_| {});
    let mut person = Person::run(&with_code(&home, &provider));
    person.wait_for("and enter the code WDJB-MJHT");
    person.type_in(INTERRUPT);
    let (code, screen, stdout) = person.wait();
    assert!(code != Some(0) && stdout.is_empty(), "{screen}");
    let mut locks = home.files().into_iter().filter(|file| file.extension().is_some_and(|end| end == "lock"));
    assert!(!locks.any(|file| std::fs::File::open(file).unwrap().try_lock().is_err()));
    provider.configure(|behaviour| behaviour.device_approved = true);
    let next = home.run(&mut with_code(&home, &provider));
    next.credential();
    assert!(!next.stderr.contains("waiting for"), "{next:#?}");
}
