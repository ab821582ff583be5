//! Connections to the provider that end early, and names that cannot be resolved. A request that only reads may be sent
//! again; a code or a refresh token is sent once, on a new connection.

use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::connection::{Cut, End};
use crate::support::run::Finished;
use crate::support::tls::COMPANY;

const DISCOVERY: &str = "/.well-known/openid-configuration";
const EVERY_END: [End; 3] = [End::Close, End::Drop, End::Reset];

/// Before the response, in its status line, in its head and in its body.
const PLACES: [usize; 4] = [0, 5, 40, 400];

fn secure_provider() -> Provider {
    Provider::start_at([127, 0, 0, 1].into(), Some(COMPANY.server("127.0.0.1", |_| ())))
}

fn kubekey(home: &Home, provider: &Provider) -> Command {
    let mut kubekey = home.kubekey_for(provider);
    kubekey.env("KUBEKEY_CERTIFICATE_AUTHORITY_DATA", STANDARD.encode(COMPANY.pem()));
    kubekey
}

/// A user who signed in some time ago: the ID token has expired, the refresh token is valid, and the metadata is
/// cached.
fn signed_in_before(provider: &Provider) -> Home {
    let home = Home::with_keyring(Mode::Follow);
    home.run(&mut kubekey(&home, provider)).credential();
    home.edit_saved(|set| set["expires_at"] = 1.into());
    provider.forget_requests();
    home
}

/// A run that must find the provider unreachable; returns what it printed.
fn fails(home: &Home, provider: &Provider) -> String {
    let finished = home.run(&mut kubekey(home, provider));
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(5), ""), "{finished:#?}");
    assert!(finished.stderr.contains("\nhint: "), "{finished:#?}");
    for words_of_a_library in ["close_notify", "docs.rs", "before message", "handshake eof"] {
        assert!(!finished.stderr.contains(words_of_a_library), "{finished:#?}");
    }
    finished.stderr
}

fn signs_in(provider: &Provider) -> Finished {
    let home = Home::new(Mode::Follow);
    let finished = home.run(&mut kubekey(&home, provider));
    finished.credential();
    finished
}

#[test]
fn connections_that_are_lost_after_one_answer_cost_neither_a_sign_in_nor_a_refresh() {
    for end in [End::Reset, End::Drop, End::Silence] {
        for provider in [Provider::start(), secure_provider()] {
            provider.configure(|behaviour| {
                behaviour.second_request = Some(end);
                behaviour.cache_control = Some("no-store".into());
            });
            let home = signed_in_before(&provider);
            home.run(&mut kubekey(&home, &provider)).credential();
            assert_eq!(home.browser.urls().len(), 1, "{end:?}");
            let counts = [DISCOVERY, "/jwks", "/token"].map(|path| provider.count(path));
            assert_eq!((counts, provider.connections()), ([1, 1, 1], 3), "{end:?}: each has a connection of its own");
        }
    }
}

#[test]
fn what_breaks_off_is_asked_once_more() {
    for provider in [Provider::start(), secure_provider()] {
        for end in EVERY_END {
            for after in PLACES {
                provider.forget_requests();
                let cut = Cut { after, end };
                provider.configure(|behaviour| behaviour.cuts = vec![(DISCOVERY, cut), ("/jwks", cut)]);
                let finished = signs_in(&provider);
                let counts = [DISCOVERY, "/jwks", "/token"].map(|path| provider.count(path));
                assert_eq!(counts, [2, 2, 1], "{cut:?}: {finished:#?}");
            }
        }
    }
}

#[test]
fn what_breaks_off_twice_is_an_error() {
    let provider = Provider::start();
    for end in EVERY_END {
        let home = Home::new(Mode::Follow);
        provider.forget_requests();
        provider.configure(|behaviour| behaviour.cuts = vec![(DISCOVERY, Cut { after: 5, end }); 2]);
        let message = fails(&home, &provider);
        assert!(
            message
                .starts_with(&format!("kubekey: {}{DISCOVERY} did not send a complete response: ", provider.issuer())),
            "{message}"
        );
        assert_eq!((provider.count(DISCOVERY), home.browser.urls().len()), (2, 0), "{end:?}");
    }
}

#[test]
fn connections_that_end_at_the_door_are_made_once_more() {
    for end in EVERY_END {
        for provider in [Provider::start(), secure_provider()] {
            provider.configure(|behaviour| behaviour.turn_away = vec![end]);
            signs_in(&provider);
            provider.configure(|behaviour| behaviour.turn_away = vec![end; 2]);
            provider.forget_requests();
            fails(&Home::new(Mode::Follow), &provider);
            assert_eq!((provider.count_all(), provider.connections()), (0, 2), "{end:?}");
        }
    }
}

/// It accepts the connection and never says anything in it, not even TLS's first words.
#[test]
fn a_provider_that_keeps_silent_from_the_beginning_is_given_up_after_ten_seconds() {
    let provider = secure_provider();
    provider.configure(|behaviour| behaviour.turn_away = vec![End::Silence]);
    let message = fails(&Home::new(Mode::Follow), &provider);
    let expected = format!("kubekey: {}{DISCOVERY} cannot be reached: no connection within 10 s\n", provider.issuer());
    assert!(message.starts_with(&expected), "{message}");
    assert_eq!((provider.count_all(), provider.connections()), (0, 1), "it is not tried again");
}

#[test]
fn a_refresh_goes_out_once_and_what_the_provider_did_not_see_is_as_good_as_before() {
    for end in EVERY_END {
        for provider in [Provider::start(), secure_provider()] {
            let home = signed_in_before(&provider);
            let before = home.saved();
            provider.configure(|behaviour| behaviour.turn_away = vec![end]);
            fails(&home, &provider);
            assert_eq!((provider.count_all(), provider.connections()), (0, 1), "{end:?}");
            assert_eq!((home.saved(), home.browser.urls().len()), (before, 1), "{end:?}");

            home.run(&mut kubekey(&home, &provider)).credential();
            assert_eq!(home.browser.urls().len(), 1, "{end:?}");
        }
    }
}

#[test]
fn a_form_whose_answer_breaks_off_is_not_sent_again() {
    let provider = secure_provider();
    for end in EVERY_END {
        for after in PLACES {
            let cut = Cut { after, end };
            let home = signed_in_before(&provider);
            provider.configure(|behaviour| behaviour.cuts = vec![("/token", cut)]);
            let message = fails(&home, &provider);
            assert!(message.contains("/token did not send a complete response: "), "{cut:?}: {message}");
            assert_eq!(provider.count("/token"), 1, "{cut:?}: the refresh token");

            let home = Home::new(Mode::Follow);
            provider.forget_requests();
            provider.configure(|behaviour| behaviour.cuts = vec![("/token", cut)]);
            fails(&home, &provider);
            assert_eq!((provider.count("/token"), home.browser.urls().len()), (1, 1), "{cut:?}: the code");
        }
    }
}

#[test]
fn a_certificate_that_is_not_trusted_is_not_asked_for_again() {
    let (home, provider) = (Home::new(Mode::Follow), secure_provider());
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_eq!((finished.code(), provider.connections()), (Some(5), 1), "{finished:#?}");
}

#[test]
fn a_name_that_does_not_exist_is_called_so_be_it_the_providers_or_the_proxys() {
    let home = Home::new(Mode::Follow);
    let run = |proxy: &str| {
        let mut kubekey = home.kubekey();
        kubekey.env("KUBEKEY_ISSUER_URL", "https://login.invalid").env("KUBEKEY_CLIENT_ID", "x");
        let finished = home.run(kubekey.env("HTTPS_PROXY", proxy));
        assert_eq!(finished.code(), Some(5), "{finished:#?}");
        finished.stderr
    };
    let lookup = |name: &str| format!(" cannot be reached: the name '{name}' could not be looked up");
    let (direct, proxied) = (run(""), run("http://proxy.invalid:8080"));
    assert!(
        direct.starts_with(&format!("kubekey: https://login.invalid{DISCOVERY}{}", lookup("login.invalid"))),
        "{direct}"
    );
    assert!(proxied.contains(&lookup("proxy.invalid")), "{proxied}");
    for stderr in [direct, proxied] {
        assert!(!stderr.contains("failed to lookup") && stderr.contains("\nhint: "), "{stderr}");
    }
}
