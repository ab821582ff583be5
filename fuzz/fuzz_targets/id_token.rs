//! An ID token, which is the first line of the input, and a key set: nothing here knows a private key, so no signature
//! may ever be accepted. The last part tries the claims alone, as if the signature were good.
#![no_main]

use kubekey::oidc::id_token::{Claims, Jwt};
use kubekey::oidc::key_set::KeySet;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (token, rest) = text.split_once('\n').unwrap_or((text, ""));
    let document = serde_json::from_str(rest).unwrap_or_default();
    if let (Ok(jwt), Ok(keys)) = (Jwt::parse(token), KeySet::parse(&document)) {
        assert!(jwt.claims(&keys).is_err(), "a signature by nobody");
    }
    if let Ok(claims) = serde_json::from_str::<Claims>(rest) {
        let picture = claims.person().picture;
        assert!(picture.is_empty() || picture.starts_with("https://"));
    }
});
