//! What the loopback listener accepts and rejects, and that it neither fails nor lingers.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use url::Url;

use crate::support::browser::Mode;
use crate::support::client::{Page, get, head, read_page, send};
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::run::Running;
use crate::support::waiting::{Waiting, read_to_end};

/// The maximum number of open connections per address.
const MOST_CONNECTIONS: usize = 64;

fn state_of(callback: &str) -> String {
    let url = Url::parse(callback).unwrap();
    url.query_pairs().find(|(name, _)| name == "state").expect("a state").1.into_owned()
}

fn cookie_of(page: &Page) -> String {
    page.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a cookie").to_owned()
}

fn is_still_waiting(page: &Page) -> bool {
    page.body.contains("still waiting") && page.body.trim_end().ends_with("</html>")
}

#[test]
fn the_start_path_is_unguessable_and_has_the_host_name_of_the_redirect_uri() {
    let mut paths = Vec::new();
    for (redirect_url, host) in [("http://localhost", "localhost"), ("http://127.0.0.1/cb", "127.0.0.1")] {
        let waiting = Waiting::start(&["--redirect-url", redirect_url]);
        let local = Url::parse(&waiting.local).unwrap();
        assert_eq!(local.host_str(), Some(host));
        let redirect_uri = Url::parse(&waiting.callback()).unwrap();
        assert_eq!((redirect_uri.host_str(), redirect_uri.port()), (local.host_str(), local.port()));
        paths.push(local.path().to_owned());
        waiting.finish();
    }
    assert_ne!(paths[0], paths[1]);
    let is_random =
        |path: &String| path.len() == 17 && path[1..].chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    assert!(paths.iter().all(is_random), "{paths:?}");
}

#[test]
fn a_request_that_names_another_host_beside_ours_is_turned_away() {
    let waiting = Waiting::start(&[]);
    let local = Url::parse(&waiting.local).unwrap();
    let host = &local[url::Position::BeforeHost..url::Position::AfterPort];
    let twice = send("GET", &waiting.local, &[("Host", host), ("Host", "rebound.example.com")]);
    assert_eq!((twice.status, twice.location()), (421, None));
    let whole = format!("GET http://rebound.example.com{} HTTP/1.1\r\nHost: {host}\r\n\r\n", local.path());
    assert!(read_to_end(&waiting.connect(&whole)).starts_with("HTTP/1.1 421 "));
    let none = format!("GET {} HTTP/1.0\r\n\r\n", local.path());
    assert!(read_to_end(&waiting.connect(&none)).starts_with("HTTP/1.0 421 "));
    waiting.finish();
}

#[test]
fn a_foreign_origin_is_refused_everywhere() {
    let waiting = Waiting::start(&[]);
    let callback = waiting.callback();
    let elsewhere = format!("{}1", waiting.origin());
    for origin in ["https://evil.example", "null", &elsewhere] {
        for url in [&waiting.local, &callback, &waiting.url("/"), &waiting.url("/favicon.ico")] {
            let page = send("GET", url, &[("Origin", origin)]);
            assert_eq!((page.status, page.location()), (403, None), "{origin} at {url}");
            assert!(is_still_waiting(&page), "{page:#?}");
        }
        assert_eq!(send("OPTIONS", &waiting.local, &[("Origin", origin)]).status, 403);
    }
    assert_eq!(waiting.provider.count("/token"), 0);
    assert_eq!(send("GET", &waiting.local, &[("Origin", &waiting.origin())]).status, 302);
    waiting.finish();
}

#[test]
fn a_callback_that_is_no_page_view_is_refused() {
    let waiting = Waiting::start(&[]);
    let callback = waiting.callback();
    for mode in ["cors", "no-cors", "same-origin", "websocket", ""] {
        let page = send("GET", &callback, &[("Sec-Fetch-Mode", mode)]);
        assert_eq!(page.status, 403, "{mode:?}");
        assert!(is_still_waiting(&page), "{page:#?}");
    }
    assert_eq!(waiting.provider.count("/token"), 0);
    waiting.finish();
}

#[test]
fn only_get_is_answered() {
    let waiting = Waiting::start(&[]);
    let callback = waiting.callback();
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "FROB"] {
        for url in [&waiting.local, &callback, &waiting.url("/")] {
            let page = send(method, url, &[]);
            assert_eq!((page.status, page.header("allow")), (405, Some("GET, HEAD")), "{method} {url}");
            assert!(is_still_waiting(&page), "{page:#?}");
        }
    }
    assert_eq!(waiting.provider.count("/token"), 0);
    waiting.finish();
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let waiting = Waiting::start(&[]);
    let cookie = |length| ("Cookie", "x".repeat(length));
    let (name, value) = cookie(60 * 1024);
    assert_eq!(send("GET", &waiting.local, &[(name, &value)]).status, 302);
    // A single read may exceed the limit a little.
    let (name, value) = cookie(160 * 1024);
    assert_eq!(send("GET", &waiting.local, &[(name, &value)]).status, 431);
    waiting.finish();
}

#[test]
fn silent_and_slow_connections_time_out_while_the_real_one_is_served() {
    let waiting = Waiting::start(&[]);
    let host = Url::parse(&waiting.local).unwrap().authority().to_owned();
    let streams = [
        waiting.connect(""),
        waiting.connect("GET / HTTP/1.1\r\nHost: "),
        waiting.connect(&format!("POST /callback HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100\r\n\r\ncode=")),
    ];
    let opened = Instant::now();
    assert_eq!(get(&waiting.local).status, 302);
    assert!(opened.elapsed() < Duration::from_secs(5), "the real one had to wait");
    for stream in &streams {
        read_to_end(stream);
        assert!(opened.elapsed() < Duration::from_secs(20), "{stream:?}");
    }
    waiting.finish();
}

#[test]
fn of_too_many_connections_the_one_that_is_silent_longest_is_closed() {
    let waiting = Waiting::start(&[]);
    let opened = Instant::now();
    let streams: Vec<TcpStream> = (0..=MOST_CONNECTIONS).map(|_| waiting.connect("")).collect();
    assert_eq!(read_to_end(&streams[0]), "");
    assert!(opened.elapsed() < Duration::from_secs(8), "closed for its silence, and not for the others");
    waiting.finish();
}

#[test]
fn a_request_that_waits_for_its_answer_keeps_its_connection_whoever_comes() {
    let waiting = Waiting::start(&[]);
    let callback = waiting.callback();
    waiting.provider.configure(|behaviour| behaviour.hold = vec!["/token"]);
    let answered = thread::spawn(move || get(&callback));
    waiting.provider.wait_for("/token", 1);
    let _junk: Vec<TcpStream> = (0..2 * MOST_CONNECTIONS).map(|_| waiting.connect("")).collect();
    // All of them have been accepted when this is answered.
    get(&waiting.url("/"));
    waiting.provider.configure(|behaviour| behaviour.hold = Vec::new());
    let page = answered.join().unwrap();
    assert_eq!(get(&page.location().unwrap()).status, 200);
    waiting.running.wait().credential();
}

#[test]
fn connections_are_taken_at_a_bounded_pace() {
    let waiting = Waiting::start(&[]);
    let turned_away = "GET / HTTP/1.1\r\nHost: rebound.example.com\r\n\r\n";
    // Another process may use the processor for a while, but hardly each time.
    let fastest = (0..20).map(|_| {
        let started = Instant::now();
        let streams: Vec<TcpStream> = (0..50).map(|_| waiting.connect(turned_away)).collect();
        streams.iter().for_each(|stream| assert!(read_to_end(stream).starts_with("HTTP/1.1 421 ")));
        started.elapsed()
    });
    // 2 ms each, except the first ones: the listener was idle for longer than that.
    let fastest = fastest.min().unwrap();
    assert!(fastest >= Duration::from_millis(45 * 2), "{fastest:?}");
    waiting.finish();
}

#[test]
#[cfg(unix)]
fn five_hundred_connections_of_junk_do_not_stop_a_sign_in() {
    let home = Home::new(Mode::Note);
    let provider = Provider::start();
    let kubekey = home.kubekey_for(&provider);
    // Fewer files than connections, as on macOS.
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", r#"ulimit -n 128; exec "$0""#]).arg(kubekey.get_program()).env_clear();
    shell.envs(kubekey.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let running = Running::start(&mut shell);
    let waiting = Waiting { local: home.browser.wait_for_url(), provider, running, home };
    let host = Url::parse(&waiting.local).unwrap().authority().to_owned();
    let junk = [
        String::new(),
        "\u{16}\u{3}\u{1} no HTTP at all\r\n\r\n".into(),
        format!("GET {} HTTP/1.1\r\nHost: {host}\r\nX-Half", "/x".repeat(100)),
        format!("POST /callback HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000\r\n\r\nstate="),
    ];
    let streams: Vec<TcpStream> = (0..500).map(|index| waiting.connect(&junk[index % junk.len()])).collect();
    waiting.finish();
    drop(streams);
}

#[test]
fn the_cookie_of_the_start_path_has_to_fit_if_it_comes_back() {
    let waiting = Waiting::start(&[]);
    let start = get(&waiting.local);
    let set = start.header("set-cookie").unwrap();
    for attribute in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Max-Age=180"] {
        assert!(set.contains(attribute), "{set}");
    }
    let cookie = cookie_of(&start);
    let (name, value) = cookie.split_once('=').unwrap();
    assert!(value.len() >= 22 && !waiting.callback().contains(value), "{set}");

    let callback = waiting.callback();
    for wrong in [format!("{name}=x"), format!("{name}="), format!("a=b; {cookie}x; c=d"), format!("{name}={value}, ")]
    {
        let page = send("GET", &callback, &[("Cookie", &wrong)]);
        assert_eq!(page.status, 400, "{wrong}");
        assert!(is_still_waiting(&page), "{page:#?}");
    }
    assert_eq!(waiting.provider.count("/token"), 0);
    let page = send("GET", &callback, &[("Cookie", &format!("{name}x=y; {cookie}; {name}=planted"))]);
    get(&page.location().unwrap());
    waiting.running.wait().credential();

    let other = Waiting::start(&[]);
    let other_cookie = cookie_of(&get(&other.local));
    assert!(!other_cookie.starts_with(&format!("{name}=")) && !other_cookie.ends_with(value), "{other_cookie}");
    // Browsers send the cookies of all ports of a host.
    let page = send("GET", &other.callback(), &[("Cookie", &cookie)]);
    get(&page.location().expect("none of this sign-in is as good as the right one"));
    other.running.wait().credential();
}

/// A connection with a GET request whose answer was not read.
fn sent(url: &str) -> TcpStream {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut connection = TcpStream::connect(host).unwrap();
    write!(connection, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    connection
}

#[test]
fn the_code_is_taken_once() {
    let waiting = Waiting::start(&[]);
    let callback = waiting.callback();
    let again = format!("{}?code=another&state={}", waiting.url("/callback"), state_of(&callback));
    waiting.provider.configure(|behaviour| {
        behaviour.hold = vec!["/token"];
        behaviour.authorization_response_iss_parameter_supported = false;
    });
    let first = {
        let callback = callback.clone();
        thread::spawn(move || get(&callback))
    };
    waiting.provider.wait_for("/token", 1);
    // Sent before the next request, so that kubekey has them when the sign-in ends.
    let others = [callback, again].map(|url| sent(&url));
    assert_eq!(get(&waiting.url("/")).status, 404);
    waiting.provider.configure(|behaviour| behaviour.hold = Vec::new());
    let first = first.join().unwrap();
    assert_eq!(first.status, 303);
    for mut other in others {
        let mut answer = String::new();
        other.read_to_string(&mut answer).unwrap();
        let location = answer.lines().find_map(|line| line.strip_prefix("location: "));
        let location = location.map(|path| waiting.url(path));
        assert!(answer.starts_with("HTTP/1.1 303 ") && location == first.location(), "{answer}");
    }
    for _ in 0..3 {
        assert!(get(&first.location().unwrap()).body.contains("You are signed in as <bdi>Jane"));
    }
    waiting.running.wait().credential();
    assert_eq!(waiting.provider.count("/token"), 1);
}

#[test]
fn a_reload_during_the_exchange_gets_the_result_and_a_new_beginning_a_page() {
    let waiting = Waiting::start(&[]);
    let callback = waiting.callback();
    waiting.provider.configure(|behaviour| behaviour.hold = vec!["/token"]);
    let given_up = waiting.connect(&head("GET", &callback));
    waiting.provider.wait_for("/token", 1);
    drop(given_up);
    let reloaded = waiting.connect(&head("GET", &callback));
    // By the time of this response the listener has seen both.
    let start = get(&waiting.local);
    assert_eq!(start.status, 409);
    assert!(start.body.contains("already has the response"), "{start:#?}");
    waiting.provider.configure(|behaviour| behaviour.hold = Vec::new());
    let reloaded = read_page(&reloaded, "GET", &callback).unwrap();
    assert_eq!(reloaded.status, 303);
    assert!(get(&reloaded.location().unwrap()).body.contains("You are signed in as <bdi>Jane"));
    waiting.running.wait().credential();
    assert_eq!(waiting.provider.count("/token"), 1);
}

#[test]
fn twenty_forged_states_are_turned_away_and_one_more_ends_the_sign_in() {
    let waiting = Waiting::start(&[]);
    let forged = waiting.url("/callback?code=forged&state=forged");
    for number in 1..=20 {
        let page = get(&forged);
        assert_eq!(page.status, 400, "{number}");
        assert!(is_still_waiting(&page), "{page:#?}");
    }
    let page = get(&get(&forged).location().unwrap());
    assert!(page.body.contains("Sign-in failed") && page.body.contains("more than 20 responses"), "{page:#?}");
    let finished = waiting.running.wait();
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(3), ""));
    assert!(finished.stderr.contains("more than 20 responses arrived that do not belong"), "{finished:#?}");
    assert!(finished.stderr.contains("hint: ") && finished.stderr.contains("run 'kubekey login'"), "{finished:#?}");
    assert_eq!(waiting.provider.count("/token"), 0);
}

#[test]
fn twenty_forged_states_do_not_keep_the_real_answer_out() {
    let waiting = Waiting::start(&[]);
    for _ in 0..20 {
        get(&waiting.url("/callback?code=forged&state=forged"));
    }
    for _ in 0..20 {
        // Nobody forges a response without a state; a user may have typed this.
        assert_eq!(get(&waiting.url("/callback?code=stray")).status, 400);
    }
    waiting.finish();
}

#[test]
fn no_query_remains_in_the_address_bar() {
    for refusal in [None, Some(("access_denied".to_owned(), "not you".to_owned()))] {
        let status = if refusal.is_none() { 200 } else { 403 };
        let waiting = Waiting::start_at(|behaviour| behaviour.refusal = refusal, &[]);
        let journey = waiting.home.browser.open(&waiting.local);
        let (callback, last) = (&journey.pages[journey.pages.len() - 2], journey.last());
        assert_eq!((callback.status, last.status), (303, status));
        assert!(callback.url.contains("state=") && callback.body.is_empty(), "{callback:#?}");
        let (local, last) = (Url::parse(&waiting.local).unwrap(), Url::parse(&last.url).unwrap());
        assert_eq!((last.origin(), last.query(), last.fragment()), (local.origin(), None, None));
        assert!(last.path().len() == 17 && last.path() != local.path(), "{last}");
        waiting.running.wait();
    }
}

#[test]
fn the_page_with_the_result_is_awaited_for_two_seconds_at_most() {
    let waiting = Waiting::start(&[]);
    let page = get(&waiting.callback());
    assert_eq!(page.status, 303);
    let redirected = Instant::now();
    waiting.running.wait().credential();
    let awaited = redirected.elapsed();
    // The response took a moment to arrive.
    assert!(awaited >= Duration::from_millis(1500) && awaited < Duration::from_secs(10), "{awaited:?}");
}

#[test]
fn a_browser_that_has_gone_is_not_awaited() {
    let waiting = Waiting::start(&[]);
    let callback = waiting.callback();
    waiting.provider.configure(|behaviour| behaviour.hold = vec!["/token"]);
    let stream = waiting.connect(&head("GET", &callback));
    waiting.provider.wait_for("/token", 1);
    drop(stream);
    // By the time of this response the listener has seen that it is gone.
    assert_eq!(get(&waiting.url("/")).status, 404);
    let told = Instant::now();
    waiting.provider.configure(|behaviour| behaviour.hold = Vec::new());
    waiting.running.wait().credential();
    assert!(told.elapsed() < Duration::from_secs(2), "{:?}", told.elapsed());
}

#[test]
fn an_unfinished_request_does_not_delay_the_end() {
    let waiting = Waiting::start(&[]);
    let callback = waiting.callback();
    let host = Url::parse(&waiting.local).unwrap().authority().to_owned();
    let _unfinished = [
        waiting.connect("GET / HTTP/1.1\r\nHost: "),
        waiting.connect(&format!("POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100\r\n\r\nx")),
    ];
    let began = Instant::now();
    get(&get(&callback).location().unwrap());
    waiting.running.wait().credential();
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[test]
fn a_client_that_does_not_read_its_page_delays_the_end_by_seconds_at_most() {
    let folder = TempDir::new().unwrap();
    let page = format!("{{% set part %}}{}{{% endset %}}{}", "x".repeat(1_000_000), "{{ part }}".repeat(4));
    fs::write(folder.path().join("sign_in_failed.html"), page).unwrap();
    let waiting = Waiting::start(&["--template-dir", folder.path().to_str().unwrap()]);
    let callback = waiting.callback();
    let host = Url::parse(&waiting.local).unwrap().authority().to_owned();
    let request = head("GET", &waiting.url("/"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut unread = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        // Otherwise the system would buffer the whole page for a client that does not read.
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = socket.connect(host.parse().unwrap()).await.unwrap().into_std().unwrap();
        stream.set_nonblocking(false).unwrap();
        stream
    });
    unread.write_all(request.as_bytes()).unwrap();
    unread.read_exact(&mut [0; 9]).unwrap();
    let began = Instant::now();
    get(&get(&callback).location().unwrap());
    waiting.running.wait().credential();
    let delay = began.elapsed();
    assert!(delay > Duration::from_secs(3), "it was not awaited, so this shows nothing: {delay:?}");
    assert!(delay < Duration::from_secs(15), "{delay:?}");
}

/// Only the result's own URL shows who the user is; guessed paths do not.
#[test]
fn the_result_is_shown_at_its_own_address_and_nowhere_else() {
    let waiting = Waiting::start(&[]);
    let result = get(&waiting.callback()).location().expect("a redirect to the result");
    let elsewhere = get(&waiting.url("/elsewhere"));
    assert!(elsewhere.status == 404 && !elsewhere.body.contains("Jane"), "{elsewhere:#?}");
    let page = get(&result);
    assert!(page.status == 200 && page.body.contains("Jane"), "{page:#?}");
    waiting.running.wait().credential();
}

/// A page on its way has five seconds; before that, the browser waits as long as the provider needs.
#[test]
fn a_provider_that_takes_its_time_costs_nobody_the_page() {
    let waiting = Waiting::start_at(|behaviour| behaviour.token_delay = Duration::from_secs(6), &[]);
    let page = get(&get(&waiting.callback()).location().expect("a redirect to the result"));
    assert_eq!(page.status, 200);
    waiting.running.wait().credential();
}

#[test]
fn the_listener_is_gone_when_the_sign_in_has_failed() {
    let refused = Waiting::start_at(|behaviour| behaviour.refusal = Some(("access_denied".into(), "no".into())), &[]);
    refused.home.browser.open(&refused.local).last();
    assert_eq!(refused.running.wait().code(), Some(3));
    assert!(Waiting::is_gone(&refused.local));

    let unanswered = Waiting::start(&["--login-timeout", "1"]);
    assert_eq!(unanswered.running.wait().code(), Some(3));
    assert!(Waiting::is_gone(&unanswered.local));
}

#[test]
fn every_answer_says_what_browsers_must_not_do_with_it() {
    let waiting = Waiting::start(&[]);
    let callback = waiting.callback();
    let mut answers = vec![
        get(&waiting.local),
        send("HEAD", &waiting.local, &[]),
        send("POST", &waiting.local, &[]),
        send("GET", &waiting.local, &[("Origin", "null")]),
        get(&waiting.url("/")),
        get(&waiting.url("/callback?state=forged&code=x")),
        get(&callback),
    ];
    answers.push(get(&answers[6].location().unwrap()));
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [302, 204, 405, 403, 404, 400, 303, 200]);
    for answer in answers {
        let policy = answer.header("content-security-policy").unwrap();
        for directive in ["default-src", "base-uri", "form-action", "frame-ancestors"] {
            assert!(policy.split("; ").any(|part| part == format!("{directive} 'none'")), "{directive}: {policy}");
        }
        assert!(!policy.contains("script"), "{policy}");
        for (name, value) in [
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{answer:#?}");
        }
    }
    waiting.running.wait().credential();
}

#[test]
fn no_page_repeats_what_the_request_said() {
    let waiting = Waiting::start(&[]);
    for url in [
        waiting.url("/callback?state=canary&code=canary&error=canary&error_description=canary&iss=canary"),
        waiting.url("/callback?canary"),
        waiting.url("/canary?canary=canary"),
    ] {
        let page = send("GET", &url, &[("Cookie", "canary=canary"), ("Referer", "https://canary.example")]);
        assert!(is_still_waiting(&page) && !page.body.contains("canary"), "{page:#?}");
    }
    waiting.finish();
}
