//! Requests through a real proxy; and those that must bypass it.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::proxy::{PASSWORD, Proxy, USER, own_address};
use crate::support::run::Finished;
use crate::support::tls::COMPANY;

/// A provider that may be reached through a proxy, its address, and that proxy.
fn provider_and_proxy() -> (Provider, String, Proxy) {
    let provider = far_provider();
    let address = Url::parse(&provider.issuer()).unwrap();
    let address = format!("{}:{}", address.host_str().unwrap(), address.port().unwrap());
    let proxy = Proxy::start(Url::parse(&provider.issuer()).unwrap().port().unwrap());
    (provider, address, proxy)
}

fn far_provider() -> Provider {
    let host = own_address();
    Provider::start_at(host, Some(COMPANY.server(&host.to_string(), |_| ())))
}

fn kubekey(home: &Home, provider: &Provider, variables: &[(&str, &str)]) -> Command {
    let mut kubekey = home.kubekey_for(provider);
    kubekey.env("KUBEKEY_CERTIFICATE_AUTHORITY_DATA", STANDARD.encode(COMPANY.pem())).envs(variables.iter().copied());
    kubekey
}

/// A run that must sign in.
fn signs_in(provider: &Provider, variables: &[(&str, &str)]) {
    let home = Home::new(Mode::Follow);
    let finished = home.run(&mut kubekey(&home, provider, variables));
    finished.credential();
    assert_no_password(&home, &finished);
}

/// A run that must not reach the provider; returns its first line and its hint.
fn fails(provider: &Provider, code: i32, variables: &[(&str, &str)]) -> [String; 2] {
    let home = Home::new(Mode::Follow);
    let finished = home.run(&mut kubekey(&home, provider, variables));
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(code), ""), "{finished:#?}");
    assert_eq!((provider.count_all(), home.browser.urls().len()), (0, 0), "{finished:#?}");
    assert_no_password(&home, &finished);
    let lines: Vec<_> = finished.stderr.lines().map(String::from).collect();
    lines.try_into().unwrap_or_else(|lines| panic!("not an error and a hint: {lines:?}"))
}

/// All passwords of these tests begin like this.
fn assert_no_password(home: &Home, finished: &Finished) {
    assert!(!format!("{finished:?}").contains("canary"), "{finished:#?}");
    for file in home.files() {
        assert!(!String::from_utf8_lossy(&fs::read(&file).unwrap()).contains("canary"), "{}", file.display());
    }
}

#[test]
#[cfg(unix)]
fn https_goes_through_the_proxy_with_its_user_name_and_password() {
    let (provider, address, proxy) = provider_and_proxy();
    let plain = proxy.url_with(&format!("{USER}:{PASSWORD}"));
    let encoded: String = PASSWORD.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let encoded = proxy.url_with(&format!("%6A{}:{encoded}", &USER[1..]));
    let without_scheme = plain.strip_prefix("http://").unwrap();
    for (round, variable) in [
        ("HTTPS_PROXY", plain.as_str()),
        ("https_proxy", &plain),
        ("HTTPS_PROXY", &encoded),
        ("HTTPS_PROXY", without_scheme),
        ("ALL_PROXY", &plain),
    ]
    .iter()
    .enumerate()
    {
        signs_in(&provider, &[*variable]);
        assert!(proxy.connections_to(&address) > round, "{variable:?}");
    }
}

#[test]
#[cfg(unix)]
fn what_no_proxy_names_is_reached_without_the_proxy() {
    let (provider, address, proxy) = provider_and_proxy();
    let host = own_address().to_string();
    for variable in ["NO_PROXY", "no_proxy"] {
        for value in [host.clone(), format!("example.com, {host}/32")] {
            signs_in(&provider, &[("HTTPS_PROXY", &proxy.url()), (variable, &value)]);
        }
    }
    assert_eq!(proxy.connections_to(&address), 0);
}

#[test]
#[cfg(unix)]
fn http_proxy_is_not_for_https() {
    let (provider, address, proxy) = provider_and_proxy();
    signs_in(&provider, &[("HTTP_PROXY", &proxy.url()), ("http_proxy", &proxy.url())]);
    assert_eq!(proxy.connections_to(&address), 0);
}

#[test]
fn a_provider_on_this_computer_is_never_reached_through_a_proxy() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let all: Vec<_> = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .iter()
        .map(|name| (*name, proxy.as_str()))
        .collect();
    signs_in(&Provider::start(), &all);
    let loopback = Ipv4Addr::LOCALHOST;
    signs_in(&Provider::start_at(loopback.into(), Some(COMPANY.server("127.0.0.1", |_| ()))), &all);
    let named = Provider::start();
    named.call("localhost");
    signs_in(&named, &all);
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "somebody asked the proxy");
}

#[test]
fn a_proxy_that_is_not_there_is_named_without_its_password() {
    let provider = far_provider();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let [message, hint] = fails(&provider, 5, &[("HTTPS_PROXY", &format!("http://{USER}:{PASSWORD}@{closed}"))]);
    assert!(message.starts_with(&format!("kubekey: the proxy http://{closed} cannot be reached: ")), "{message}");
    assert!(message.contains("refused"), "{message}");
    assert!(hint.contains("check HTTPS_PROXY") && hint.contains("NO_PROXY"), "{hint}");
}

#[test]
#[cfg(unix)]
fn a_proxy_that_wants_a_password_is_named_and_how_to_give_it() {
    let (provider, _, proxy) = provider_and_proxy();
    let [message, hint] = fails(&provider, 5, &[("HTTPS_PROXY", &proxy.url())]);
    assert_eq!(message, format!("kubekey: the proxy {} requires a user name and password", proxy.url()));
    assert!(hint.contains("HTTPS_PROXY: ") && hint.contains("http://USER:PASSWORD@HOST:PORT"), "{hint}");
}

#[test]
#[cfg(unix)]
fn a_proxy_that_refuses_the_password_or_the_provider_is_named() {
    let (provider, _, proxy) = provider_and_proxy();
    let for_nobody = Proxy::start(1);
    for (proxy, credentials) in [
        (&proxy, format!("{USER}:canary-wrong")),
        (&proxy, format!("joe:{PASSWORD}")),
        (&for_nobody, format!("{USER}:{PASSWORD}")),
    ] {
        let [message, hint] = fails(&provider, 5, &[("HTTPS_PROXY", &proxy.url_with(&credentials))]);
        assert_eq!(message, format!("kubekey: the proxy {} refused a connection to {}", proxy.url(), own_address()));
        assert!(hint.contains("the password in HTTPS_PROXY") && hint.contains("NO_PROXY"), "{hint}");
    }
}

#[test]
#[cfg(unix)]
fn an_untrusted_certificate_behind_a_proxy_is_explained_as_such() {
    let host = own_address();
    let provider = Provider::start_at(host, Some(COMPANY.server("login.example.com", |_| ())));
    let proxy = Proxy::start(Url::parse(&provider.issuer()).unwrap().port().unwrap());
    let [message, _] = fails(&provider, 5, &[("HTTPS_PROXY", &proxy.url_with(&format!("{USER}:{PASSWORD}")))]);
    assert!(message.contains(&format!("the certificate of {host}, issued by ")), "{message}");
}

#[test]
fn a_proxy_that_is_not_understood_is_a_usage_error_and_not_passed_over() {
    let provider = far_provider();
    for (variable, value, why) in [
        ("HTTPS_PROXY", "http://jane:canary#1@proxy.example.com:8080", "it is not the URL of a proxy"),
        ("https_proxy", "http://jane:canary/1@proxy.example.com:8080", "it is not the URL of a proxy"),
        ("HTTPS_PROXY", "http://jane:canary@1@proxy.example.com:8080", "it is not the URL of a proxy"),
        ("HTTPS_PROXY", "http://jane:8080#canary@proxy.example.com:8080", "it is not the URL of a proxy"),
        ("ALL_PROXY", "canary proxy", "it is not the URL of a proxy"),
        ("HTTPS_PROXY", "ftp://jane:canary@proxy.example.com", "it is not the URL of a proxy"),
        ("HTTPS_PROXY", "socks://jane:canary#1@proxy.example.com", "it is not the URL of a proxy"),
        ("ALL_PROXY", "socks5://jane:canary@1@proxy.example.com:1080", "it is not the URL of a proxy"),
        ("ALL_PROXY", "socks6://jane:canary@proxy.example.com:1080", "it is not the URL of a proxy"),
        ("ALL_PROXY", "socks4://canary@proxy.example.com:1080", "it is a SOCKS 4 proxy, which is not supported"),
        ("all_proxy", "socks4a://canary@proxy.example.com:1080", "it is a SOCKS 4 proxy, which is not supported"),
    ] {
        let [message, hint] = fails(&provider, 2, &[(variable, value)]);
        // Windows has one variable, in whichever case.
        let variable = if cfg!(windows) { variable.to_uppercase() } else { variable.to_owned() };
        assert_eq!(message, format!("kubekey: {variable} cannot be used: {why}"));
        assert!(hint.contains("http://HOST:PORT") && hint.contains("socks5://HOST:PORT"), "{hint}");
        let without = format!("if {0} can be reached without it, add {0} to NO_PROXY", own_address());
        assert!(hint.ends_with(&without), "{hint}");
    }
    // If it would not be used, it does not matter.
    let host = own_address().to_string();
    signs_in(&provider, &[("HTTPS_PROXY", "ftp://proxy.example.com"), ("NO_PROXY", &host)]);
    for socks in ["socks4://proxy.example.com", "socks5://proxy.example.com", "socks://proxy.example.com"] {
        signs_in(&provider, &[("ALL_PROXY", socks), ("NO_PROXY", &host)]);
    }
    signs_in(&provider, &[("HTTPS_PROXY", ""), ("ALL_PROXY", "")]);
}
