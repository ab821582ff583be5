//! What a provider may send: no answer is endless, and no redirect is followed. How long it may take is tested beside
//! the HTTP client, with shorter limits.

use serde_json::json;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::{Behaviour, edit};
use crate::support::provider::server::Answer;
use crate::support::run::Finished;

const MEBIBYTE: usize = 1024 * 1024;

/// Each request that kubekey makes: its path, and where to put an answer to it.
type Place = (&'static str, fn(&mut Behaviour) -> &mut Option<Answer>);
const AT_SIGN_IN: [Place; 3] = [
    ("/.well-known/openid-configuration", |behaviour| &mut behaviour.discovery_answer),
    ("/jwks", |behaviour| &mut behaviour.jwks_answer),
    ("/token", |behaviour| &mut behaviour.code_answer),
];
const REFRESH: Place = ("/token", |behaviour| &mut behaviour.refresh_answer);

/// Runs that meet this answer, at a sign-in and at a refresh, with the URL that gave it.
fn each_request_answered_with(answer: &Answer, check: impl Fn(&str, &Provider, &Finished)) {
    for (path, place) in AT_SIGN_IN {
        let (home, provider) = (Home::with_keyring(Mode::Follow), Provider::start());
        provider.configure(|behaviour| *place(behaviour) = Some(answer.clone()));
        fails(&home, &provider, path, &check);
    }
    for (path, place) in [AT_SIGN_IN[0], AT_SIGN_IN[1], REFRESH] {
        let (home, provider) = (Home::with_keyring(Mode::Follow), Provider::start());
        provider.configure(|behaviour| behaviour.cache_control = Some("no-store".into()));
        home.run(&mut home.kubekey_for(&provider)).credential();
        home.edit_saved(|set| set["expires_at"] = 1.into());
        let before = home.saved();
        provider.configure(|behaviour| *place(behaviour) = Some(answer.clone()));
        fails(&home, &provider, path, &check);
        assert_eq!(home.saved(), before, "the refresh token is as good as before");
    }
}

fn fails(home: &Home, provider: &Provider, path: &str, check: impl Fn(&str, &Provider, &Finished)) {
    let finished = home.run(&mut home.kubekey_for(provider));
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(5), ""), "{path}: {finished:#?}");
    check(&format!("{}{path}", provider.issuer()), provider, &finished);
}

#[test]
fn an_answer_of_more_than_a_mebibyte_is_refused_wherever_it_comes_from() {
    let answer = Answer::new(200, "application/json", "[".repeat(MEBIBYTE + 1));
    each_request_answered_with(&answer, |url, _, finished| {
        assert!(finished.stderr.contains(&format!("kubekey: {url} sent more than 1048576 bytes\n")), "{finished:#?}");
    });
}

#[test]
fn an_answer_of_a_mebibyte_is_read() {
    let (home, provider) = (Home::new(Mode::Follow), Provider::start());
    let pad = |name: &str| {
        let name = name.to_owned();
        edit(move |document| {
            let rest = json!(document).to_string().len() + format!(r#","{name}":"""#).len();
            document.insert(name.clone(), "x".repeat(MEBIBYTE - rest).into());
        })
    };
    provider.configure(|behaviour| {
        (behaviour.discovery, behaviour.jwks, behaviour.token_response) = (pad("a"), pad("b"), pad("c"));
    });
    home.run(&mut home.kubekey_for(&provider)).credential();
}

#[test]
fn no_redirect_is_followed_at_discovery_keys_sign_in_and_refresh() {
    for status in [301, 302, 303, 307, 308] {
        let answer = Answer::new(status, "text/plain", "").with_header("location", "/elsewhere");
        each_request_answered_with(&answer, |url, provider, finished| {
            let text = format!("kubekey: {url} answered with a redirect (HTTP {status}");
            assert!(finished.stderr.contains(&text), "{finished:#?}");
            assert_eq!(provider.count("/elsewhere"), 0, "{finished:#?}");
        });
    }
}
