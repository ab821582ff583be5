//! Responses of a provider that cannot be used: each is named, with who can change it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use serde_json::json;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::{Behaviour, edit};
use crate::support::provider::server::Answer;

/// A sign-in at a provider that behaves like this fails with these words, in the message or the hint.
fn fails(arguments: &[&str], words: &[&str], configure: impl FnOnce(&mut Behaviour)) {
    let (home, provider) = (Home::new(Mode::Follow), Provider::start());
    provider.configure(configure);
    let finished = home.run(home.kubekey_for(&provider).args(arguments));
    assert!(!finished.status.success() && finished.stdout.is_empty(), "{words:?}: {finished:#?}");
    for words in words {
        assert!(finished.stderr.contains(words), "{words}: {finished:#?}");
    }
    assert!(finished.stderr.contains("\nhint: "), "{finished:#?}");
}

#[test]
fn a_discovery_document_that_is_none_is_named() {
    for (answer, words) in [
        (Answer::json(200, &json!([])), "its discovery document is not a JSON object"),
        (Answer::json(200, &json!({})), "its discovery document has no 'issuer'"),
        (Answer::new(200, "application/json", "{"), "its discovery document cannot be read: "),
        (
            Answer::new(200, "application/json", b"\x0b\x02".to_vec()).with_header("Content-Encoding", "br"),
            "a response encoded as 'br', which was not requested",
        ),
        (
            Answer::new(200, "application/json", b"\x1f\x8b\x08".to_vec()).with_header("Content-Encoding", "gzip"),
            "a response that cannot be decompressed: ",
        ),
    ] {
        fails(&[], &[words], |behaviour| behaviour.discovery_answer = Some(answer));
    }
}

#[test]
fn a_response_of_another_endpoint_that_lacks_a_field_is_named() {
    fails(
        &["--flow=device"],
        &["it has no 'verification_uri'", "tell the provider's administrator; try --flow=browser"],
        |behaviour| {
            behaviour.offers_device = true;
            behaviour.device_response = edit(|response| {
                for name in ["verification_uri", "verification_url", "verification_uri_complete"] {
                    response.remove(name);
                }
            });
        },
    );
    let pushed = |behaviour: &mut Behaviour| {
        behaviour.discovery = edit(|document| {
            let issuer = document["issuer"].as_str().unwrap().to_owned();
            document.insert("pushed_authorization_request_endpoint".into(), format!("{issuer}/par").into());
        });
        behaviour.push_answer = Some(Answer::json(201, &json!({ "expires_in": 60 })));
    };
    fails(&["--par"], &["has no 'request_uri'", "tell the provider's administrator"], pushed);
    fails(&["--par"], &["the pushed authorization request endpoint does not exist"], |behaviour| {
        pushed(behaviour);
        behaviour.push_answer = Some(Answer::html(404, "no"));
    });
    let required = |behaviour: &mut Behaviour| {
        let name = "require_pushed_authorization_requests";
        behaviour.discovery = edit(move |document| drop(document.insert(name.into(), true.into())));
    };
    fails(
        &[],
        &["the provider does not support pushed authorization requests", "it requires them: tell the provider's"],
        required,
    );
}

#[test]
fn an_access_token_that_is_no_word_is_refused() {
    fails(
        &["--use-access-token"],
        &["is not a word of visible ASCII characters", "the provider is at fault"],
        |behaviour| {
            behaviour.at_hash = false;
            behaviour.token_response =
                edit(|response| drop(response.insert("access_token".into(), "two words".into())));
        },
    );
    let program = ["--flow=client-credentials", "--client-secret=s3cret-of-the-client"];
    fails(&program, &["has no access token", "set --use-access-token=false for an ID token"], |behaviour| {
        behaviour.offers_machine_grants = true;
        behaviour.client_secret = Some("s3cret-of-the-client".into());
        behaviour.token_response = edit(|response| drop(response.remove("access_token")));
        behaviour.machine_answer = Some(Answer::json(200, &json!({ "token_type": "Bearer", "id_token": "a.b.c" })));
    });
}

#[test]
fn a_refusal_names_what_is_missing() {
    for (code, arguments, words) in [
        (
            "consent_required",
            &["--prompt=none"][..],
            "the provider needs to show you a page: sign in without --prompt=none",
        ),
        (
            "invalid_target",
            &["--resource=https://k8s.example.com"],
            "check --resource: it must be a resource that the provider knows",
        ),
    ] {
        fails(arguments, &[words], |behaviour| behaviour.refusal = Some((code.into(), String::new())));
    }
}

#[test]
fn an_id_token_is_not_taken_without_the_keys() {
    fails(&[], &["the response is not JSON"], |behaviour| {
        behaviour.jwks_answer = Some(Answer::new(200, "application/json", "{"));
    });
    fails(&[], &["it has no list 'keys'", "run the command again; if that does not help"], |behaviour| {
        behaviour.jwks_answer = Some(Answer::json(200, &json!({})));
    });
}

#[test]
fn a_redirect_to_another_issuer_names_it() {
    let elsewhere = "https://id.example.com/a/.well-known/openid-configuration";
    let words = "if that is your provider, use the issuer URL in its document there, probably https://id.example.com/a";
    fails(&[], &[words], |behaviour| behaviour.discovery_answer = Some(Answer::redirect(elsewhere)));
}

/// A server for one connection, which answers whatever it gets with these bytes.
fn answering(answer: &'static [u8]) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        _ = stream.read(&mut [0; 1000]);
        _ = stream.write_all(answer);
    });
    (address, served)
}

#[test]
fn a_proxy_that_refuses_the_credentials_is_named_with_their_variable() {
    const DENIED: &[u8] = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
    for (scheme, answer, words) in [
        ("http://jane:wrong-password@", DENIED, "hint: check them in HTTPS_PROXY (special characters as %XX)"),
        (
            "https://",
            DENIED,
            "hint: most proxies are reached over http, even for https URLs: set HTTPS_PROXY=http://HOST:PORT",
        ),
        (
            "socks5://jane:wrong-password@",
            &[5, 255],
            "hint: remove them from the proxy's variable; Kerberos is not supported",
        ),
    ] {
        let home = Home::new(Mode::Absent);
        let (address, served) = answering(answer);
        let mut kubekey = home.kubekey();
        kubekey.env("KUBEKEY_ISSUER_URL", "https://192.0.2.1").env("KUBEKEY_CLIENT_ID", "kubernetes");
        let finished = home.run(kubekey.env("HTTPS_PROXY", format!("{scheme}{address}")).arg("login"));
        assert_eq!(finished.code(), Some(5), "{words}: {finished:#?}");
        assert!(finished.stderr.contains(words), "{words}: {finished:#?}");
        served.join().unwrap();
    }
}

/// Answers of servers that begin no TLS with kubekey: alerts (RFC 8446, section 6) and broken records.
const NO_TLS: [(&[u8], &str); 9] = [
    (&[21, 3, 3, 0, 2, 2, 40], "the server accepts none of kubekey's cipher suites and signatures (TLS 1.2, 1.3)"),
    (&[21, 3, 3, 0, 2, 2, 70], "the server supports neither TLS 1.2 nor TLS 1.3"),
    (&[21, 3, 3, 0, 2, 2, 80], "the server ended the connection: "),
    (&[21, 3, 3, 0, 2, 2, 112], "the server does not know this host name"),
    (&[21, 3, 3, 0, 2, 2, 116], "the server requires a client certificate, which kubekey does not support"),
    (&[22, 3, 3, 0, 4, 14, 0, 0, 0], "the server sent an unexpected TLS message"),
    (&[22, 3, 3, 0, 5, 2, 0, 0, 1, 0], "the server sent a broken TLS message: "),
    // A ServerHello that chooses a cipher suite of 1999.
    (
        b"\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x0312345678901234567890123456789012\x00\x00\x05\x00",
        "the server violated the TLS protocol: selected unoffered cipher suite\n",
    ),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", "the response is not TLS: is this the port for https?"),
];

#[test]
fn a_server_that_begins_no_tls_is_named_with_what_it_said() {
    for (answer, words) in NO_TLS {
        let home = Home::new(Mode::Absent);
        let (address, served) = answering(answer);
        let mut kubekey = home.kubekey();
        kubekey.env("KUBEKEY_ISSUER_URL", format!("https://{address}")).env("KUBEKEY_CLIENT_ID", "kubernetes");
        let finished = home.run(kubekey.arg("login"));
        assert_eq!(finished.code(), Some(5), "{words}: {finished:#?}");
        assert!(finished.stderr.contains(words) && finished.stderr.contains("\nhint: "), "{words}: {finished:#?}");
        served.join().unwrap();
    }
}
