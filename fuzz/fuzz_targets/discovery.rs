//! A discovery document: whatever it contains, its endpoints are https and it is from the requested issuer, or it is
//! refused.
#![no_main]

use kubekey::oidc::discovery::read_metadata;
use libfuzzer_sys::fuzz_target;
use openidconnect::IssuerUrl;
use serde_json::{Map, Value};

const ISSUER: &str = "https://login.example.com";

fuzz_target!(|text: &str| {
    let Ok(mut document) = serde_json::from_str::<Map<String, Value>>(text) else { return };
    // Otherwise hardly any document would pass the first check.
    document.entry("issuer").or_insert(ISSUER.into());
    for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        document.entry(name).or_insert("https://login.example.com/x".into());
    }
    let issuer = IssuerUrl::new(ISSUER.into()).expect("a URL");
    if let Ok(metadata) = read_metadata(&issuer, &document.into()) {
        assert_eq!(metadata.issuer, issuer);
        for url in [&metadata.authorization_endpoint, &metadata.token_endpoint, &metadata.jwks_uri] {
            assert_eq!(url.scheme(), "https");
        }
    }
});
