//! Responses that are not the provider's: from a captive portal, or from a framework that has nothing at this URL.

use serde_json::json;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::Behaviour;
use crate::support::provider::server::Answer;
use crate::support::run::Finished;

const PORTAL: &str =
    "hint: a captive portal or a proxy may have responded: open any web page in a browser, sign in there if asked";

/// A sign-in, which must fail, at a provider that behaves like this.
fn sign_in(change: impl FnOnce(&mut Behaviour)) -> (Provider, Finished) {
    let (home, provider) = (Home::new(Mode::Follow), Provider::start());
    provider.configure(change);
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_eq!(finished.stdout, "", "{finished:#?}");
    (provider, finished)
}

#[test]
fn a_web_page_in_place_of_tokens_is_called_so() {
    for (status, code, text) in [
        (200, 5, "/token sent a web page instead of tokens\n"),
        (
            403,
            3,
            "the provider refused the code exchange: the token endpoint refused without a reason, with a web page (HTTP 403)\n",
        ),
        (
            400,
            3,
            "the provider refused the code exchange: the token endpoint refused without a reason, with a web page (HTTP 400)\n",
        ),
    ] {
        let page = Answer::html(status, "<!DOCTYPE html><title>Sign in to the network</title>");
        let (_, finished) = sign_in(|behaviour| behaviour.code_answer = Some(page));
        assert_eq!(finished.code(), Some(code), "{finished:#?}");
        assert!(finished.stderr.contains(text) && finished.stderr.contains(PORTAL), "{finished:#?}");
    }
    let (_, finished) = sign_in(|behaviour| behaviour.code_answer = Some(Answer::new(200, "text/plain", "OK")));
    assert!(finished.stderr.contains("/token sent a response that is not JSON (HTTP 200 OK)\n"), "{finished:#?}");
}

#[test]
fn a_web_page_in_place_of_a_refresh_costs_nothing_or_leads_to_a_sign_in() {
    for (status, browsers, text) in [
        (200, 1, "/token sent a web page instead of tokens\n"),
        (403, 2, "a new sign-in is needed: the token endpoint refused without a reason, with a web page (HTTP 403)\n"),
    ] {
        let (home, provider) = (Home::with_keyring(Mode::Follow), Provider::start());
        home.run(&mut home.kubekey_for(&provider)).credential();
        let before = home.saved().unwrap()["refresh_token"].clone();
        home.edit_saved(|set| set["expires_at"] = 1.into());
        provider.configure(|behaviour| behaviour.refresh_answer = Some(Answer::html(status, "<html>no</html>")));
        let finished = home.run(&mut home.kubekey_for(&provider));
        assert!(finished.stderr.contains(text), "{finished:#?}");
        assert_eq!(home.browser.urls().len(), browsers, "{finished:#?}");
        assert_eq!(finished.code(), Some(if browsers == 1 { 5 } else { 0 }), "{finished:#?}");
        assert_eq!(home.saved().unwrap()["refresh_token"] == before, browsers == 1);
    }
}

/// What frameworks send for unknown URLs, and what is shown of it.
fn nothing_there() -> [(Answer, &'static str); 6] {
    let spring = json!({ "timestamp": "2026-01-06T12:00:00Z", "status": 404, "error": "Not Found", "path": "/x" });
    [
        (json!({ "detail": "Not Found" }), ""),
        (spring, ""),
        (json!({ "error": "HTTP 404 Not Found" }), ""),
        (json!({ "message": "no Route matched with those values" }), ": no Route matched with those values"),
        (json!({ "error": "Realm does not exist" }), ": Realm does not exist"),
        (json!({ "message": { "text": "no" } }), ""),
    ]
    .map(|(body, said)| (Answer::json(404, &body), said))
}

#[test]
fn a_framework_that_has_no_document_there_leads_to_a_message_with_its_words() {
    for (answer, said) in nothing_there() {
        let discovery = answer.clone();
        let (provider, finished) = sign_in(|behaviour| behaviour.discovery_answer = Some(discovery));
        let url = format!("{}/.well-known/openid-configuration", provider.issuer());
        assert!(finished.stderr.contains(&format!("{url} returned HTTP 404 Not Found{said}\nhint: ")), "{finished:#?}");

        let (provider, finished) = sign_in(|behaviour| behaviour.jwks_answer = Some(answer));
        let keys =
            format!("the provider's keys at {}/jwks cannot be used: HTTP 404 Not Found{said}\n", provider.issuer());
        assert!(finished.stderr.contains(&keys), "{finished:#?}");
    }
}

#[test]
fn a_framework_that_has_no_token_endpoint_there_is_not_taken_for_a_refusal() {
    for (answer, said) in nothing_there() {
        let (_, finished) = sign_in(|behaviour| behaviour.code_answer = Some(answer));
        let text = format!(
            "the provider refused the code exchange: the token endpoint does not exist{said} (HTTP 404)\n\
             hint: the URL of that endpoint is in the provider's discovery document: tell the provider's administrator\n"
        );
        assert_eq!(finished.code(), Some(3), "{finished:#?}");
        assert!(finished.stderr.contains(&text), "{finished:#?}");
    }
}

#[test]
fn a_refresh_at_an_endpoint_that_is_not_there_strands_nobody() {
    for (answer, said) in nothing_there() {
        let (home, provider) = (Home::with_keyring(Mode::Follow), Provider::start());
        home.run(&mut home.kubekey_for(&provider)).credential();
        home.edit_saved(|set| set["expires_at"] = 1.into());
        provider.forget_requests();
        provider.configure(|behaviour| behaviour.refresh_answer = Some(answer));
        let finished = home.run(&mut home.kubekey_for(&provider));
        finished.credential();
        let text = format!("a new sign-in is needed: the token endpoint does not exist{said} (HTTP 404)\n");
        assert!(finished.stderr.contains(&text), "{finished:#?}");
        assert_eq!(provider.count("/token"), 2, "a refresh, and a code");
        assert_eq!(provider.count("/.well-known/openid-configuration"), 2, "its place is looked up anew each time");
    }
}
