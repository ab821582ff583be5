//! An administrator's own page: it is rendered or refused, within its limits.
#![no_main]

use std::path::Path;

use kubekey::sign_in::template::render_override;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|source: &str| {
    let page = json!({ "name": "<b>Jane</b>", "email": "", "picture": "", "cluster": "", "client_id": "k", "issuer": "i" });
    // The template's own text may contain it, and so may what the template declares to be safe.
    let may_have_it = ["<b>Jane", "|", "filter", "autoescape"].iter().any(|part| source.contains(part));
    if let Ok(html) = render_override(Path::new("signed_in.html"), source, &page) {
        assert!(may_have_it || !html.contains("<b>Jane"), "a variable that is not escaped");
    }
});
