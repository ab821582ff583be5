//! Limits on what a provider may send: no response is endless, and no redirect is followed with a secret or to another
//! server. Time limits are tested beside the HTTP client, where they can be shorter.

use std::io::Read;

use flate2::Compression;
use flate2::read::{DeflateEncoder, GzEncoder, ZlibEncoder};
use serde_json::json;

use crate::support::browser::Mode;
use crate::support::client::get;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::{Behaviour, edit};
use crate::support::provider::server::Answer;
use crate::support::run::Finished;

const MEBIBYTE: usize = 1024 * 1024;

/// Each request that kubekey makes: its path, and which response to replace.
type Place = (&'static str, fn(&mut Behaviour) -> &mut Option<Answer>);
const AT_SIGN_IN: [Place; 3] = [
    ("/.well-known/openid-configuration", |behaviour| &mut behaviour.discovery_answer),
    ("/jwks", |behaviour| &mut behaviour.jwks_answer),
    ("/token", |behaviour| &mut behaviour.code_answer),
];
const REFRESH: Place = ("/token", |behaviour| &mut behaviour.refresh_answer);

/// Runs that get this response, at a sign-in and at a refresh, with the URL that sent it.
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
fn no_redirect_is_followed_with_a_secret_or_to_another_server() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = Provider::start();
        let target = format!("{}/elsewhere", elsewhere.issuer());
        let answer = Answer::new(status, "text/plain", "").with_header("location", &target);
        each_request_answered_with(&answer, |url, _, finished| {
            let text = format!("kubekey: {url} returned a redirect to {target} (HTTP {status}");
            assert!(finished.stderr.contains(&text), "{finished:#?}");
            assert_eq!(elsewhere.connections(), 0, "{finished:#?}");
        });
        // Redirects within the server, too.
        let answer = Answer::new(status, "text/plain", "").with_header("location", "/elsewhere");
        let (home, provider) = (Home::with_keyring(Mode::Follow), Provider::start());
        provider.configure(|behaviour| behaviour.code_answer = Some(answer));
        fails(&home, &provider, "/token", |url, provider, finished| {
            assert!(finished.stderr.contains(&format!("{url} returned a redirect to ")), "{finished:#?}");
            assert_eq!(provider.count("/elsewhere"), 0, "{finished:#?}");
        });
    }
}

#[test]
fn documents_that_moved_within_their_server_are_followed_three_times_at_most() {
    for status in [301, 302, 303, 307, 308] {
        for times in [1, 3, 4] {
            let (home, provider) = (Home::new(Mode::Follow), Provider::start());
            provider.configure(|behaviour| behaviour.moved = Some((status, times)));
            let finished = home.run(&mut home.kubekey_for(&provider));
            let is_followed = status != 303 && times <= 3;
            assert_eq!(finished.code(), Some(if is_followed { 0 } else { 5 }), "{status} {times}: {finished:#?}");
            assert_eq!(provider.count("/token"), usize::from(is_followed), "{status} {times}");
            assert!(is_followed || finished.stderr.contains("returned a redirect to "), "{finished:#?}");
        }
    }
}

#[test]
fn what_is_unpacked_counts_wherever_it_comes_from() {
    let zeros = vec![b'0'; 64 * MEBIBYTE];
    let answer = Answer::new(200, "application/json", packed(GzEncoder::new(&*zeros, Compression::fast())));
    each_request_answered_with(&answer.with_header("content-encoding", "gzip"), |url, _, finished| {
        assert!(finished.stderr.contains(&format!("kubekey: {url} sent more than 1048576 bytes\n")), "{finished:#?}");
    });
}

fn packed(mut encoder: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    encoder.read_to_end(&mut bytes).expect("bytes in memory");
    bytes
}

/// The provider's documents, changed by something in front of it.
fn through(change: impl Fn(Vec<u8>) -> Answer) {
    let (home, provider) = (Home::new(Mode::Follow), Provider::start());
    let body = |path: &str| get(&format!("{}{path}", provider.issuer())).body.into_bytes();
    let documents = [AT_SIGN_IN[0].0, AT_SIGN_IN[1].0].map(|path| change(body(path)));
    provider.configure(|behaviour| {
        [behaviour.discovery_answer, behaviour.jwks_answer] = documents.map(Some);
    });
    home.run(&mut home.kubekey_for(&provider)).credential();
}

#[test]
fn what_is_packed_without_being_asked_for_or_has_a_byte_order_mark_is_read() {
    let json = |body: Vec<u8>| Answer::new(200, "application/json", body);
    let best = Compression::best;
    through(|body| json(packed(GzEncoder::new(&*body, best()))).with_header("content-encoding", "gzip"));
    through(|body| json(packed(ZlibEncoder::new(&*body, best()))).with_header("content-encoding", "deflate"));
    through(|body| json(packed(DeflateEncoder::new(&*body, best()))).with_header("content-encoding", "deflate"));
    through(|body| json(packed(GzEncoder::new(&*body, best()))));
    through(|body| json([b"\xef\xbb\xbf".to_vec(), body].concat()));
}

#[test]
fn a_web_page_in_place_of_a_document_is_called_so() {
    for (status, page) in [(200, "<!doctype html><p>Sign in to the wireless"), (403, "<html><p>Blocked by the proxy")] {
        let (home, provider) = (Home::new(Mode::Follow), Provider::start());
        provider.configure(|behaviour| behaviour.discovery_answer = Some(Answer::html(status, page)));
        fails(&home, &provider, AT_SIGN_IN[0].0, |url, _, finished| {
            let text = format!("kubekey: {url} sent a web page instead of the discovery document");
            assert!(finished.stderr.contains(&text), "{finished:#?}");
            assert!(finished.stderr.contains("hint: a captive portal or a proxy may have responded"), "{finished:#?}");
        });
    }
    let (home, provider) = (Home::new(Mode::Follow), Provider::start());
    provider.configure(|behaviour| behaviour.jwks_answer = Some(Answer::html(200, "<p>Sign in to the wireless")));
    fails(&home, &provider, AT_SIGN_IN[1].0, |url, _, finished| {
        let text = format!("kubekey: {url} sent a web page instead of the provider's keys\n");
        assert!(finished.stderr.contains(&text), "{finished:#?}");
    });
}
