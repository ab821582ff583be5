//! A page of an administrator's own: it is rendered or refused, within its limits.
#![no_main]

use std::path::Path;

use kubekey::sign_in::pages::render_override;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|source: &str| {
    let page = json!({ "name": "<b>Jane</b>", "email": "", "picture": "", "cluster": "", "client_id": "k", "issuer": "i" });
    // The template's own text may have it, and so may what it declares to be safe.
    let may_have_it = ["<b>Jane", "|", "filter", "autoescape"].iter().any(|part| source.contains(part));
    if let Ok(html) = render_override(Path::new("signed_in.html"), source, &page) {
        assert!(may_have_it || !html.contains("<b>Jane"), "a variable that is not escaped");
    }
});
