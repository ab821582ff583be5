//! How the client authenticates at the token endpoint: RFC 6749 §2.3.1.

use serde_json::json;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::edit;
use crate::support::provider::server::Request;

/// Every character with a special meaning in a form or a header.
const SECRET: &str = "p%20+&=:ä \"";

/// The token requests of a sign-in and of a refresh, at this provider, which offers these methods.
fn token_requests(provider: &Provider, offered: &'static [&'static str], secret: Option<&str>) -> Vec<Request> {
    let home = Home::with_keyring(Mode::Follow);
    provider.configure(|behaviour| {
        behaviour.client_secret = secret.map(str::to_owned);
        behaviour.discovery = edit(move |document| {
            document.insert("token_endpoint_auth_methods_supported".into(), json!(offered));
        });
    });
    for _ in 0..2 {
        let mut kubekey = home.kubekey_for(provider);
        home.run(kubekey.env("KUBEKEY_CLIENT_SECRET", secret.unwrap_or_default())).credential();
        home.edit_saved(|set| set["expires_at"] = 1.into());
    }
    let requests = provider.requests("/token");
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].param("grant_type"), Some("refresh_token"));
    requests
}

#[test]
fn a_client_secret_goes_into_the_header_where_that_is_offered() {
    for offered in [&["client_secret_basic"][..], &["client_secret_post", "client_secret_basic"], &["private_key_jwt"]]
    {
        for request in token_requests(&Provider::start(), offered, Some(SECRET)) {
            assert!(request.header("authorization").is_some_and(|value| value.starts_with("Basic ")), "{offered:?}");
            assert_eq!(request.param("client_secret"), None, "{offered:?}");
        }
    }
}

#[test]
fn a_client_secret_goes_into_the_form_where_only_that_is_offered() {
    for request in token_requests(&Provider::start(), &["client_secret_post", "none"], Some(SECRET)) {
        assert_eq!((request.header("authorization"), request.param("client_secret")), (None, Some(SECRET)));
    }
}

#[test]
fn a_client_without_a_secret_says_its_name_and_no_more() {
    let provider = Provider::start();
    for request in token_requests(&provider, &["none"], None) {
        assert_eq!((request.header("authorization"), request.param("client_secret")), (None, None));
        assert_eq!(request.param("client_id"), Some(&*provider.client_id()));
    }
}
