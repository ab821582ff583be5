//! `response_mode=form_post`: the response comes in a form, and the code is never in an address bar.

use std::fs;
use std::io::Write;
use std::net::TcpStream;

use url::Url;

use crate::support::browser::Mode;
use crate::support::client::{FORM, Page, get, post, read_page, request, send};
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::waiting::Waiting;

/// A sign-in at a provider that may offer `form_post`: the pages from our URL to the last, and the requested
/// `response_mode`.
fn sign_in(offers_form_post: bool, variables: &[(&str, &str)], arguments: &[&str]) -> (Vec<Page>, Option<String>) {
    let home = Home::new(Mode::Follow);
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.offers_form_post = offers_form_post);
    home.run(home.kubekey_for(&provider).envs(variables.iter().copied()).args(arguments)).credential();
    let asked = provider.requests("/authorize")[0].param("response_mode").map(String::from);
    let journey = home.browser.wait_for_journey();
    assert!(journey.last().body.contains("You are signed in as <bdi>Jane"), "{journey:#?}");
    (journey.pages, asked)
}

fn is_still_waiting(page: &Page) -> bool {
    page.body.contains("still waiting") && page.body.trim_end().ends_with("</html>")
}

#[test]
fn a_form_is_asked_for_where_the_provider_offers_it_and_no_code_stands_in_an_address() {
    for arguments in [&[][..], &["--response-mode", "auto"]] {
        let (pages, asked) = sign_in(true, &[], arguments);
        assert_eq!(asked.as_deref(), Some("form_post"));
        let urls: Vec<_> = pages.iter().map(|page| Url::parse(&page.url).unwrap()).collect();
        assert!(urls.iter().all(|url| url.query_pairs().all(|(name, _)| name != "code")), "{urls:?}");
        let last = pages.last().unwrap();
        assert_eq!((last.status, urls[urls.len() - 1].path(), urls[urls.len() - 1].query()), (200, "/callback", None));
    }
}

#[test]
fn the_query_is_used_where_no_form_is_offered_or_none_was_asked_for() {
    for (offers_form_post, arguments) in [(false, &[][..]), (true, &["--response-mode", "query"])] {
        let (_, asked) = sign_in(offers_form_post, &[], arguments);
        assert_eq!(asked, None, "{offers_form_post} {arguments:?}");
    }
    let (_, asked) = sign_in(true, &[("KUBEKEY_RESPONSE_MODE", "query")], &[]);
    assert_eq!(asked, None);
}

#[test]
fn a_form_is_asked_for_where_the_user_says_so() {
    let (_, asked) = sign_in(false, &[], &["--response-mode", "form_post"]);
    assert_eq!(asked.as_deref(), Some("form_post"));
    let (_, asked) = sign_in(false, &[("KUBEKEY_RESPONSE_MODE", "form_post")], &[]);
    assert_eq!(asked.as_deref(), Some("form_post"));
}

#[test]
fn an_unknown_response_mode_is_refused_by_name() {
    let home = Home::new(Mode::Note);
    let provider = Provider::start();
    let finished = home.run(home.kubekey_for(&provider).args(["--response-mode", "fragment"]));
    assert_eq!(finished.code(), Some(2), "{finished:#?}");
    assert!(finished.stderr.contains("--response-mode 'fragment'"), "{finished:#?}");
    assert!(finished.stderr.contains("it must be auto, form_post or query"), "{finished:#?}");
}

#[test]
fn a_code_in_the_address_is_refused_with_the_reason_and_the_wait_goes_on() {
    let waiting = Waiting::start_with_form(&[]);
    let form = waiting.form();
    let page = get(&format!("{}?{}", form.url, form.fields()));
    assert_eq!(page.status, 400);
    assert!(is_still_waiting(&page) && page.body.contains("its code is in the URL"), "{page:#?}");
    assert!(page.body.contains("--response-mode=query"), "{page:#?}");
    let with_error = get(&format!("{}?{}&error=access_denied", form.url, form.fields()));
    assert_eq!(with_error.status, 400);
    assert_eq!(waiting.provider.count("/token"), 0);
    waiting.finish();
}

#[test]
fn a_provider_that_puts_the_code_into_the_address_leads_to_a_hint_at_the_response_mode() {
    let waiting = Waiting::start_with_form(&["--login-timeout", "2"]);
    let form = waiting.form();
    get(&format!("{}?{}", form.url, form.fields()));
    let finished = waiting.running.wait();
    assert_eq!(finished.code(), Some(3));
    assert!(finished.stderr.contains("hint: the provider sent the code in the URL"), "{finished:#?}");
    assert!(finished.stderr.contains("--response-mode=query"), "{finished:#?}");
    // A user is present, who follows the hint and does not want to wait for it.
    let is_cooling_down = |file| fs::read_to_string(file).is_ok_and(|text| text.contains("unanswered\":{"));
    assert!(!waiting.home.files().into_iter().any(is_cooling_down));
}

#[test]
fn an_error_in_the_address_is_shown_and_ends_the_sign_in() {
    let waiting = Waiting::start_with_form(&[]);
    let fields = waiting.form().fields().replace("code=", "error=access_denied&error_description=not+you&x=");
    let forged = get(&waiting.url("/callback?error=access_denied&state=forged"));
    assert_eq!(forged.status, 400);
    assert!(is_still_waiting(&forged), "{forged:#?}");
    let page = get(&format!("{}?{fields}", waiting.url("/callback")));
    assert_eq!(page.status, 403);
    assert!(page.body.contains("not you (access_denied)"), "{page:#?}");
    let finished = waiting.running.wait();
    assert_eq!(finished.code(), Some(3));
    assert!(finished.stderr.contains("not you (access_denied)"), "{finished:#?}");
}

#[test]
fn a_refusal_in_a_form_is_shown_and_ends_the_sign_in() {
    let refusal = Some(("access_denied".into(), "not <you>".into()));
    let waiting = Waiting::start_at(|behaviour| (behaviour.offers_form_post, behaviour.refusal) = (true, refusal), &[]);
    let last = waiting.home.browser.open(&waiting.local).last().clone();
    assert_eq!((last.status, Url::parse(&last.url).unwrap().query()), (403, None));
    assert!(last.body.contains("not &#60;you&#62; (access_denied)"), "{last:#?}");
    assert_eq!(waiting.running.wait().code(), Some(3));
}

#[test]
fn a_form_of_any_origin_is_taken_if_its_state_fits() {
    for origin in ["null", "https://login.of.the.provider.example"] {
        let waiting = Waiting::start_with_form(&[]);
        let form = waiting.form();
        let headers = [FORM, ("Origin", origin), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Site", "cross-site")];
        let forged = post(&form.url, &headers, "code=forged&state=forged");
        assert_eq!(forged.status, 400);
        assert!(is_still_waiting(&forged), "{forged:#?}");
        assert_eq!(waiting.provider.count("/token"), 0);
        let page = post(&form.url, &headers, form.fields());
        assert_eq!(page.status, 200);
        assert!(page.body.contains("You are signed in as <bdi>Jane"), "{page:#?}");
        waiting.running.wait().credential();
    }
}

#[test]
fn a_foreign_origin_is_refused_everywhere_else() {
    let waiting = Waiting::start_with_form(&[]);
    for url in [&waiting.local, &waiting.url("/")] {
        assert_eq!(send("GET", url, &[("Origin", "https://evil.example")]).status, 403, "{url}");
        assert_eq!(post(url, &[FORM, ("Origin", "https://evil.example")], "x=y").status, 403, "{url}");
    }
    waiting.finish();
}

#[test]
fn a_form_that_is_no_page_view_is_refused() {
    let waiting = Waiting::start_with_form(&[]);
    let form = waiting.form();
    for mode in ["cors", "no-cors"] {
        let page = post(&form.url, &[FORM, ("Sec-Fetch-Mode", mode)], form.fields());
        assert_eq!(page.status, 403, "{mode}");
        assert!(is_still_waiting(&page), "{page:#?}");
    }
    assert_eq!(waiting.provider.count("/token"), 0);
    waiting.finish();
}

#[test]
fn only_a_form_is_taken_and_only_at_the_callback() {
    let waiting = Waiting::start_with_form(&[]);
    let form = waiting.form();
    for content_type in ["application/json", "text/plain", "multipart/form-data; boundary=x", ""] {
        let page = post(&form.url, &[("Content-Type", content_type)], form.fields());
        assert_eq!(page.status, 415, "{content_type}");
        assert!(is_still_waiting(&page), "{page:#?}");
    }
    let elsewhere = post(&waiting.local, &[FORM], form.fields());
    assert_eq!((elsewhere.status, elsewhere.header("allow")), (405, Some("GET, HEAD")));
    let put = send("PUT", &form.url, &[FORM]);
    assert_eq!((put.status, put.header("allow")), (405, Some("GET, HEAD, POST")));
    assert_eq!(post(&form.url, &[FORM], "code=without+state").status, 400);
    assert_eq!(waiting.provider.count("/token"), 0);
    let page = post(&form.url, &[("content-type", "Application/X-WWW-Form-Urlencoded; charset=UTF-8")], form.fields());
    assert_eq!(page.status, 200);
    waiting.running.wait().credential();
}

#[test]
fn a_form_that_is_too_large_is_refused() {
    let waiting = Waiting::start_with_form(&[]);
    let form = waiting.form();
    let filled = |length: usize| format!("{}&x={}", form.fields(), "x".repeat(length));
    let page = post(&form.url, &[FORM], &filled(64 * 1024));
    assert_eq!(page.status, 413);
    assert!(is_still_waiting(&page), "{page:#?}");
    assert_eq!(waiting.provider.count("/token"), 0);
    assert_eq!(post(&form.url, &[FORM], &filled(60 * 1024)).status, 200);
    waiting.running.wait().credential();
}

#[test]
fn a_form_that_is_garbled_on_the_way_is_refused() {
    let waiting = Waiting::start_with_form(&[]);
    let form = waiting.form();
    let url = Url::parse(&form.url).unwrap();
    let (path, host, (name, value)) = (url.path(), url.authority(), FORM);
    let fields = [format!("Host: {host}"), format!("{name}: {value}"), "Transfer-Encoding: chunked".to_owned()];
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "POST {path} HTTP/1.1\r\n{}\r\n\r\nno length\r\n", fields.join("\r\n")).unwrap();
    let page = read_page(&stream, "POST", &form.url).unwrap();
    assert_eq!(page.status, 400);
    assert!(is_still_waiting(&page) && page.body.contains("it did not arrive completely"), "{page:#?}");
    assert_eq!(post(&form.url, &[FORM], form.fields()).status, 200);
    waiting.running.wait().credential();
}

#[test]
fn no_cookie_is_set_and_none_is_asked_for() {
    let waiting = Waiting::start_with_form(&[]);
    assert_eq!(get(&waiting.local).header("set-cookie"), None);
    let port = Url::parse(&waiting.local).unwrap().port().unwrap();
    let form = waiting.form();
    let of_another_run = format!("kubekey-{port}=x");
    assert_eq!(post(&form.url, &[FORM, ("Cookie", &of_another_run)], form.fields()).status, 200);
    waiting.running.wait().credential();
}

#[test]
fn a_code_in_a_form_is_taken_once_and_sent_again_it_gets_the_result() {
    let waiting = Waiting::start_with_form(&[]);
    let form = waiting.form();
    waiting.provider.configure(|behaviour| behaviour.hold = vec!["/token"]);
    let sent = request("POST", &form.url, &[FORM], form.fields()).unwrap();
    let first = waiting.connect(&sent);
    waiting.provider.wait_for("/token", 1);
    let second = waiting.connect(&sent);
    // By the time of this response the listener has seen both.
    assert_eq!(get(&format!("{}?{}", form.url, form.fields())).status, 400);
    waiting.provider.configure(|behaviour| behaviour.hold = Vec::new());
    for stream in [first, second] {
        let page = read_page(&stream, "POST", &form.url).unwrap();
        assert_eq!(page.status, 200);
        assert!(page.body.contains("You are signed in as <bdi>Jane"), "{page:#?}");
    }
    waiting.running.wait().credential();
    assert_eq!(waiting.provider.count("/token"), 1);
}

#[test]
fn more_than_twenty_forged_forms_end_the_sign_in() {
    let waiting = Waiting::start_with_form(&[]);
    for _ in 0..20 {
        assert_eq!(post(&waiting.url("/callback"), &[FORM], "code=forged&state=forged").status, 400);
    }
    let page = post(&waiting.url("/callback"), &[FORM], "code=forged&state=forged");
    assert_eq!(page.status, 403);
    assert!(page.body.contains("more than 20 responses"), "{page:#?}");
    assert_eq!(waiting.running.wait().code(), Some(3));
}
