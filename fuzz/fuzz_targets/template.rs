//! A page of an administrator's own: it is rendered or refused, within its limits.
#![no_main]

use std::path::Path;

use kubekey::sign_in::pages::render_override;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|source: &str| {
    let page = json!({ "name": "<b>Jane</b>", "email": "", "picture": "", "cluster": "", "client_id": "k", "issuer": "i" });
    if let Ok(html) = render_override(Path::new("signed_in.html"), source, &page) {
        assert!(source.contains('|') || source.contains("filter") || source.contains("autoescape") || !html.contains("<b>Jane</b>"));
    }
});
