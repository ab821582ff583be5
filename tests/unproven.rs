//! An error at the redirect URI without a `state`: some providers send theirs like this, and anyone can.

use crate::support::client::{get, post};
use crate::support::waiting::Waiting;

/// RFC 6749 §4.1.2.1 and OpenID Connect Core §3.1.2.6, with words from the message about each.
const REGISTERED: [(&str, &str); 16] = [
    ("invalid_request", "found the request invalid"),
    ("unauthorized_client", "this client may not"),
    ("access_denied", "the sign-in was cancelled, or access was denied"),
    ("unsupported_response_type", "authorization code flow"),
    ("invalid_scope", "a requested scope is not allowed"),
    ("server_error", "has a problem"),
    ("temporarily_unavailable", "temporarily unavailable"),
    ("interaction_required", "needs to ask"),
    ("login_required", "sign in there first"),
    ("account_selection_required", "choose an account"),
    ("consent_required", "consent"),
    ("invalid_request_uri", "the request URI invalid"),
    ("invalid_request_object", "request object"),
    ("request_not_supported", "does not support request objects"),
    ("request_uri_not_supported", "does not support request URIs"),
    ("registration_not_supported", "registration"),
];

fn is_told(body: &str) -> bool {
    body.contains("Not signed in yet") && body.contains("keeps waiting") && !body.contains("canary")
}

#[test]
fn a_registered_error_without_state_is_told_in_our_words_and_the_wait_goes_on() {
    let waiting = Waiting::start(&[]);
    let callback = waiting.callback();
    for (code, words) in REGISTERED {
        for url in [
            format!("/callback?error={code}&error_description=canary&error_uri=https://canary.example"),
            format!("/callback?error_description=canary&error={code}&iss=canary"),
        ] {
            let page = get(&waiting.url(&url));
            let words = words.replace("&#x27;", "&#39;");
            assert!(page.status == 400 && is_told(&page.body) && page.body.contains(&format!("({code})")), "{page:#?}");
            assert!(page.body.contains(&words), "{words}: {page:#?}");
        }
    }
    assert!(get(&get(&callback).location().unwrap()).body.contains("You are signed in as <bdi>Jane"));
    waiting.running.wait().credential();
}

#[test]
fn nothing_else_without_state_is_repeated_or_told() {
    let waiting = Waiting::start(&["--login-timeout=3"]);
    assert!(!get(&waiting.url("/callback?error=access_denied")).body.contains("access_denied"), "too early");
    waiting.callback();
    for query in [
        "error=canary&error_description=canary",
        "error=ACCESS_DENIED",
        "error=access_denied%20",
        "error=access_denied&error=access_denied",
        "error=access_denied&code=canary",
        "error=access_denied&state=canary",
        "error=&error_description=access_denied",
        "error_description=access_denied",
        "",
    ] {
        let page = get(&waiting.url(&format!("/callback?{query}")));
        let is_stray = page.body.contains("Not part of the sign-in") && page.body.contains("still waiting");
        assert!(
            is_stray && !page.body.contains("canary") && !page.body.contains("(access_denied)"),
            "{query}: {page:#?}"
        );
    }
    let finished = waiting.running.wait();
    assert_eq!(finished.code(), Some(3), "{finished:#?}");
    assert!(
        finished.stderr.contains("timed out after 3 s: the browser did not return from the provider"),
        "{finished:#?}"
    );
    assert!(!finished.stderr.contains("access_denied"), "{finished:#?}");
}

#[test]
fn the_hint_after_the_timeout_tells_it_too() {
    for mode in ["query", "form_post"] {
        let waiting = Waiting::start(&["--login-timeout=3", "--response-mode", mode]);
        waiting.answer();
        let error = "error=access_denied&error_description=canary";
        let page = match mode {
            "query" => get(&waiting.url(&format!("/callback?{error}"))),
            _ => post(&waiting.url("/callback"), &[("Content-Type", "application/x-www-form-urlencoded")], error),
        };
        assert!(is_told(&page.body), "{page:#?}");
        let finished = waiting.running.wait();
        assert_eq!(finished.code(), Some(3), "{finished:#?}");
        let hint = "an error without 'state' arrived (from the provider, or forged): \
            the sign-in was cancelled, or access was denied (access_denied); run ";
        assert!(finished.stderr.contains(hint) && !finished.stderr.contains("canary"), "{finished:#?}");
    }
}

#[test]
fn a_page_says_what_is_said_in_the_terminal_letter_by_letter() {
    let waiting = Waiting::start(&[]);
    let page = get(&waiting.url("/nowhere"));
    assert!(!page.body.contains("text-transform") && !page.body.contains("first-letter"), "{page:#?}");
    waiting.finish();
}
