//! Requests through a real SOCKS 5 proxy, and messages about one that refuses.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread::{self, JoinHandle};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::proxy::{PASSWORD, SocksProxy, USER, own_address};
use crate::support::run::Finished;
use crate::support::tls::COMPANY;

fn far_provider() -> (Provider, String) {
    let host = own_address();
    let provider = Provider::start_at(host, Some(COMPANY.server(&host.to_string(), |_| ())));
    let port = Url::parse(&provider.issuer()).unwrap().port().unwrap();
    (provider, format!("{host}:{port}"))
}

fn kubekey(home: &Home, provider: &Provider, (variable, value): (&str, &str)) -> Command {
    let mut kubekey = home.kubekey_for(provider);
    kubekey.env("KUBEKEY_CERTIFICATE_AUTHORITY_DATA", STANDARD.encode(COMPANY.pem())).env(variable, value);
    kubekey
}

#[test]
#[cfg(unix)]
fn a_socks_5_proxy_is_used_with_its_user_name_and_password_by_each_of_its_names() {
    let ((provider, address), proxy) = (far_provider(), SocksProxy::start());
    let plain = format!("{USER}:{PASSWORD}@");
    let encoded: String = PASSWORD.bytes().map(|byte| format!("%{byte:02x}")).collect();
    for (round, (variable, url)) in [
        ("HTTPS_PROXY", proxy.url("socks5", &plain)),
        ("https_proxy", proxy.url("socks5h", &plain)),
        ("ALL_PROXY", proxy.url("socks", &plain)),
        ("all_proxy", proxy.url("SOCKS", &plain) + "/"),
        ("ALL_PROXY", proxy.url("socks5", &format!("%6A{}:{encoded}@", &USER[1..]))),
    ]
    .iter()
    .enumerate()
    {
        let home = Home::new(Mode::Follow);
        let finished = home.run(&mut kubekey(&home, &provider, (variable, url)));
        finished.credential();
        assert!(proxy.connections_to(&address) > round, "{url}");
        assert!(!format!("{finished:?}").contains(PASSWORD), "{finished:#?}");
    }
}

/// The output if the proxy refuses: the message and the hint.
fn fails(provider: &Provider, value: &str) -> [String; 2] {
    let home = Home::new(Mode::Follow);
    let finished = home.run(&mut kubekey(&home, provider, ("ALL_PROXY", value)));
    assert_unreachable(&finished);
    assert_eq!((provider.count_all(), home.browser.urls().len()), (0, 0), "{finished:#?}");
    let lines: Vec<_> = finished.stderr.lines().map(String::from).collect();
    lines.try_into().unwrap_or_else(|lines| panic!("not an error and a hint: {lines:?}"))
}

fn assert_unreachable(finished: &Finished) {
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(5), ""), "{finished:#?}");
    assert!(!format!("{finished:?}").contains("canary"), "{finished:#?}");
}

#[test]
#[cfg(unix)]
fn a_socks_proxy_that_wants_a_password_or_another_one_is_named() {
    let ((provider, _), proxy) = (far_provider(), SocksProxy::start());
    for (credentials, words) in [
        ("".to_owned(), "requires a user name and password"),
        (format!("{USER}:canary-wrong@"), "rejected the user name or password"),
        (format!("joe:{PASSWORD}@"), "rejected the user name or password"),
        (format!("{USER}:canary{}@", "x".repeat(300)), "cannot be used: the user name or password is too long"),
    ] {
        for scheme in ["socks5", "socks5h"] {
            let [message, hint] = fails(&provider, &proxy.url(scheme, &credentials));
            assert_eq!(message, format!("kubekey: the proxy {} {words}", proxy.url(scheme, "")));
            assert!(hint.starts_with("hint: "), "{hint}");
        }
    }
}

#[test]
fn a_socks_proxy_that_is_not_there_is_named() {
    let (provider, _) = far_provider();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let [message, hint] = fails(&provider, &format!("socks5://{USER}:{PASSWORD}@{closed}"));
    assert_eq!(message, format!("kubekey: the proxy socks5://{closed} cannot be reached: connection failed"));
    assert!(hint.contains("NO_PROXY"), "{hint}");
    let [message, _] = fails(&provider, "socks://proxy.invalid");
    let beginning = "kubekey: the proxy socks5h://proxy.invalid:1080 cannot be reached: the name 'proxy.invalid' could not be looked up";
    assert!(message.starts_with(beginning), "{message}");
    let [_, hint] = fails(&provider, "socks5://proxy.invalid");
    assert!(!hint.contains("socks5h"), "it is the proxy's own name: {hint}");
}

/// A proxy for one connection, which answers the greeting and the request with these bytes; returns the request's
/// bytes.
fn answering(greeting: &'static [u8], reply: &'static [u8]) -> (String, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 300];
        let _ = stream.read(&mut request[..3]);
        stream.write_all(greeting).unwrap();
        let length = stream.read(&mut request).unwrap_or_default();
        let _ = stream.write_all(reply);
        request[..length].to_vec()
    });
    (address, served)
}

#[test]
fn what_a_socks_proxy_refuses_is_said_in_words() {
    let host = own_address();
    for (greeting, reply, words) in [
        (
            &[5, 0][..],
            &[5, 2, 0, 1, 0, 0, 0, 0, 0, 0][..],
            format!("did not connect to {host}: its rules do not allow it"),
        ),
        (&[5, 0], &[5, 5, 0, 1, 0, 0, 0, 0, 0, 0], format!("did not connect to {host}: connection refused")),
        (&[5, 0], &[5, 1, 0, 1, 0, 0, 0, 0, 0, 0], format!("did not connect to {host}: general failure")),
        (&[5, 0], &[5, 3, 0, 1, 0, 0, 0, 0, 0, 0], format!("did not connect to {host}: the network is unreachable")),
        (&[5, 0], &[5, 6, 0, 1, 0, 0, 0, 0, 0, 0], format!("did not connect to {host}: no response")),
        (
            &[5, 0],
            &[5, 7, 0, 1, 0, 0, 0, 0, 0, 0],
            format!("did not connect to {host}: it does not support connections"),
        ),
        (
            &[5, 0],
            &[5, 8, 0, 1, 0, 0, 0, 0, 0, 0],
            format!(
                "did not connect to {host}: it does not support this type of address (socks5h:// leaves the name look-up to the proxy, socks5:// does not)"
            ),
        ),
        (&[5, 0], b"", "did not respond with SOCKS 5".to_owned()),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", "did not respond with SOCKS 5".to_owned()),
        (&[5, 255], b"", "requires a user name and password".to_owned()),
    ] {
        let (provider, _) = far_provider();
        let (address, served) = answering(greeting, reply);
        let [message, hint] = fails(&provider, &format!("socks5://{address}"));
        assert_eq!(message, format!("kubekey: the proxy socks5://{address} {words}"));
        assert!(hint.starts_with("hint: "), "{hint}");
        served.join().unwrap();
    }
}

#[test]
fn names_are_looked_up_by_the_proxy_unless_it_is_socks5() {
    for (scheme, looks_up) in [("socks", true), ("socks5h", true), ("socks5", false)] {
        let (address, served) = answering(&[5, 0], &[5, 4, 0, 1, 0, 0, 0, 0, 0, 0]);
        let home = Home::new(Mode::Absent);
        let mut kubekey = home.kubekey();
        kubekey.env("KUBEKEY_ISSUER_URL", "https://login.invalid").env("KUBEKEY_CLIENT_ID", "kubernetes");
        let finished = home.run(kubekey.env("ALL_PROXY", format!("{scheme}://{address}")));
        assert_unreachable(&finished);
        match looks_up {
            true => {
                assert!(served.join().unwrap().windows(13).any(|name| name == b"login.invalid"), "{scheme}");
                assert!(finished.stderr.contains("did not connect to login.invalid: the host is unreachable"));
            }
            false => {
                assert!(finished.stderr.contains("the name 'login.invalid' could not be looked up"), "{finished:#?}");
                assert!(finished.stderr.contains("hint: write socks5h:// in place of socks5://"), "{finished:#?}");
            }
        }
    }
}
