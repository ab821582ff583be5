//! Hints after a refusal by the provider: each fits the cause.

use serde_json::json;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::server::Answer;
use crate::support::run::Finished;

const WANTS_SECRET: &str = "hint: this client needs a secret: set --client-secret-file=FILE, or register it as a public client (or correct the client ID 'kubekey-test')";
const ENTRA_WANTS_SECRET: &str =
    "hint: this client needs a secret: ask the administrator of the client 'kubekey-test' to register";
const SINGLE_PAGE: &str = "hint: the redirect URI is registered for single-page applications: ask the administrator \
                           of the client 'kubekey-test' to move it to 'Mobile and desktop applications'";
const NO_RESOURCE: &str = "hint: the client 'kubekey-test' may not access the resource with these scopes: ask AD FS's";
const SECRET: &str = "hint: check the client ID and the client secret";
const REGISTRATION: &str = "hint: check the registration of the client 'kubekey-test' at the provider: ";
const LATER: &str = "hint: the provider has a problem: run the command again later, or tell its administrator";
const DEFAULT_SCOPES: &str = "hint: the requested scopes are openid email profile offline_access; \
                              try the minimum: --scope=openid\n";

fn oauth(status: u16, code: &str, description: &str) -> Answer {
    Answer::json(status, &json!({ "error": code, "error_description": description }))
}

/// A sign-in with this response to its code.
fn exchange(answer: Answer, arguments: &[&str]) -> Finished {
    let (home, provider) = (Home::new(Mode::Follow), Provider::start());
    let secret = arguments.iter().find_map(|argument| argument.strip_prefix("--client-secret="));
    provider.configure(|behaviour| {
        behaviour.client_secret = secret.map(str::to_owned);
        behaviour.code_answer = Some(answer);
    });
    run(&home, &provider, arguments)
}

/// Runs kubekey. In its messages, the provider's client ID, which no other provider has, becomes `kubekey-test`.
fn run(home: &Home, provider: &Provider, arguments: &[&str]) -> Finished {
    let mut finished = home.run(home.kubekey_for(provider).args(arguments));
    finished.stderr = finished.stderr.replace(&provider.client_id(), "kubekey-test");
    finished
}

#[track_caller]
fn assert_hint(finished: &Finished, code: i32, hint: &str) {
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(code), ""), "{finished:#?}");
    assert!(finished.stderr.contains(hint), "{hint}: {finished:#?}");
}

#[test]
fn a_client_that_is_not_let_in_without_a_secret_is_told_how_to_give_one() {
    for answer in [
        oauth(401, "invalid_client", "Invalid client credentials"),
        oauth(400, "invalid_request", "client_secret is missing."),
        Answer::json(401, &json!({ "error": "invalid_client" })),
    ] {
        assert_hint(&exchange(answer, &[]), 3, WANTS_SECRET);
    }
    let with_secret = ["--client-secret=s3cret"];
    assert_hint(&exchange(oauth(401, "invalid_client", "no"), &with_secret), 3, SECRET);
    assert_hint(&exchange(oauth(400, "invalid_request", "client_secret is wrong"), &with_secret), 3, "hint: run the");
}

#[test]
fn a_client_that_may_not_do_it_is_a_matter_of_its_registration() {
    assert_hint(&exchange(oauth(400, "unauthorized_client", "no"), &[]), 3, REGISTRATION);
    assert_hint(&exchange(oauth(400, "unauthorized_client", "no"), &["--client-secret=s3cret"]), 3, REGISTRATION);
    let (home, provider) = (Home::new(Mode::Follow), Provider::start());
    provider.configure(|behaviour| behaviour.refusal = Some(("unauthorized_client".into(), "no".into())));
    assert_hint(&run(&home, &provider, &[]), 3, REGISTRATION);
}

#[test]
fn scopes_that_are_refused_are_named_with_the_least_that_does() {
    let refused = |arguments: &[&str]| {
        let (home, provider) = (Home::new(Mode::Follow), Provider::start());
        provider.configure(|behaviour| behaviour.refusal = Some(("invalid_scope".into(), "no".into())));
        home.run(home.kubekey_for(&provider).args(arguments))
    };
    assert_hint(&refused(&[]), 3, DEFAULT_SCOPES);
    assert_hint(&exchange(oauth(400, "invalid_scope", "no"), &[]), 3, DEFAULT_SCOPES);
    let chosen = "hint: the requested scopes are openid groups; try the minimum: --scope=openid\n";
    assert_hint(&refused(&["--scope=openid", "--scope=groups"]), 3, chosen);
    let least = "hint: the requested scope is openid; ask your administrator which scopes this client may have\n";
    assert_hint(&refused(&["--scope=openid"]), 3, least);
}

#[test]
fn the_providers_own_trouble_is_called_so_and_sends_nobody_to_the_network() {
    let in_trouble = [
        (500, Answer::html(500, "<h1>oops</h1>")),
        (502, Answer::html(502, "")),
        (503, oauth(503, "temporarily_unavailable", "down")),
    ];
    for (status, answer) in in_trouble {
        let finished = exchange(answer, &[]);
        assert_hint(&finished, 5, &format!("/token returned HTTP {status} "));
        assert_hint(&finished, 5, LATER);
        assert!(!finished.stderr.contains("HTTPS_PROXY"), "{finished:#?}");
    }
    for (answer, code) in [(oauth(400, "temporarily_unavailable", "no"), 3), (oauth(400, "server_error", "no"), 3)] {
        assert_hint(&exchange(answer, &[]), code, LATER);
    }
    for status in [408, 425, 429] {
        let hint = "hint: wait a minute, and run the command again";
        assert_hint(&exchange(Answer::html(status, ""), &[]), 5, hint);
    }
}

#[test]
fn at_a_refresh_the_hint_is_the_same() {
    let (home, provider) = (Home::with_keyring(Mode::Follow), Provider::start());
    home.run(&mut home.kubekey_for(&provider)).credential();
    home.edit_saved(|set| set["expires_at"] = 1.into());
    for (answer, code, hint) in [
        (oauth(401, "invalid_client", "no"), 1, WANTS_SECRET),
        (oauth(400, "invalid_request", "client_secret is missing."), 1, WANTS_SECRET),
        (oauth(400, "invalid_request", "AADSTS7000218: the body must contain a secret"), 1, ENTRA_WANTS_SECRET),
        (oauth(400, "access_denied", "MSIS9605: The client is not allowed to access"), 1, NO_RESOURCE),
        (oauth(400, "unauthorized_client", "no"), 1, REGISTRATION),
        (oauth(400, "temporarily_unavailable", "no"), 1, LATER),
        (Answer::html(500, ""), 5, LATER),
    ] {
        provider.configure(|behaviour| behaviour.refresh_answer = Some(answer));
        assert_hint(&run(&home, &provider, &[]), code, hint);
    }
    // With the required secret, the saved session works as before.
    provider.configure(|behaviour| {
        (behaviour.refresh_answer, behaviour.client_secret) = (None, Some("s3cret-of-the-client".into()));
    });
    home.run(home.kubekey_for(&provider).arg("--client-secret=s3cret-of-the-client")).credential();
    assert_eq!(home.browser.urls().len(), 1);
}

/// Descriptions of errors as their providers write them, and the beginning of each hint.
const IN_THEIR_OWN_WORDS: [(&str, &str, &str); 8] = [
    ("invalid_request", "AADSTS9002327: Tokens issued for the 'Single-Page Application' client-type", SINGLE_PAGE),
    ("invalid_client", "AADSTS7000218: The request body must contain: 'client_assertion'", ENTRA_WANTS_SECRET),
    (
        "invalid_grant",
        "AADSTS50105: Your administrator has configured the application. Trace ID: 0",
        "hint: you are not assigned to the application 'kubekey-test': ask your tenant's administrator",
    ),
    (
        "access_denied",
        "AADSTS53003: Access has been blocked",
        "hint: a Conditional Access policy blocks this sign-in: ",
    ),
    (
        "access_denied",
        "User is not assigned to the client application.",
        "hint: you are not assigned to the application 'kubekey-test': ask your Okta administrator",
    ),
    ("access_denied", "MSIS9605: The client is not allowed to access the requested resource.", NO_RESOURCE),
    (
        "invalid_client",
        "The OAuth client was not found.",
        "hint: the client 'kubekey-test' is unknown to Google: compare the client ID with the clients of your",
    ),
    ("access_denied", "AADSTS530032: Blocked by a security policy.", "hint: run the command again, or ask your admin"),
];

#[test]
fn an_error_in_its_providers_own_words_is_explained_wherever_it_arrives() {
    for (code, description, hint) in IN_THEIR_OWN_WORDS {
        assert_hint(&exchange(oauth(400, code, description), &[]), 3, hint);
        let (home, provider) = (Home::new(Mode::Follow), Provider::start());
        provider.configure(|behaviour| behaviour.refusal = Some((code.into(), description.into())));
        assert_hint(&run(&home, &provider, &[]), 3, hint);
        let (home, provider) = (Home::new(Mode::Follow), Provider::start());
        provider.configure(|behaviour| {
            behaviour.offers_device = true;
            behaviour.device_answer = Some(oauth(400, code, description));
        });
        assert_hint(&run(&home, &provider, &["--flow=device"]), 3, hint);
        provider.configure(|behaviour| {
            (behaviour.device_answer, behaviour.device_polls) = (None, vec![oauth(400, code, description)]);
        });
        assert_hint(&run(&home, &provider, &["--flow=device"]), 3, hint);
    }
}

#[test]
fn each_known_error_has_its_hint() {
    let errors = include_str!("../src/oidc/known_errors.toml").parse::<toml::Table>().unwrap();
    let errors = errors["error"].as_array().unwrap();
    for error in errors {
        let (words, hint) = (error["words"].as_str().unwrap(), error["hint"].as_str().unwrap());
        let (home, provider) = (Home::new(Mode::Follow), Provider::start());
        provider.configure(|behaviour| behaviour.refusal = Some(("access_denied".into(), format!("{words}: no"))));
        let hint = format!("hint: {}\n", hint.replace("CLIENT", "kubekey-test"));
        assert_hint(&run(&home, &provider, &[]), 3, &hint);
    }
    assert!(errors.len() > 20, "{}", errors.len());
}

#[test]
fn a_secret_that_was_given_is_not_asked_for() {
    let answer = oauth(401, "invalid_client", "AADSTS7000218: The request body must contain: 'client_assertion'");
    assert_hint(&exchange(answer, &["--client-secret=s3cret"]), 3, SECRET);
}
