//! A kubeconfig: it is refused, or the entries that were put into it are there, and putting them in again changes
//! nothing.
#![no_main]

use kubekey::kubeconfig::{Document, Entry, Kind};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|text: &str| {
    let entries = [
        entry(Kind::Cluster, "a", json!({"server": "https://a"}), &["insecure-skip-tls-verify"]),
        entry(Kind::User, "a", json!({"exec": {"command": "c", "args": ["--b=n"]}}), &["token"]),
        entry(Kind::Context, "a", json!({"cluster": "a", "user": "a"}), &[]),
    ];
    assert_rest_stays(text);
    let Ok(mut document) = Document::parse(text) else { return };
    if entries.iter().any(|entry| document.put(entry).is_err()) || document.set_current_context("a").is_err() {
        return;
    }
    let Ok(text) = document.into_text() else { return };
    let mut again = Document::parse(&text).expect("what is written can be read");
    assert_eq!(again.current_context().as_deref(), Some("a"));
    for entry in &entries {
        assert_eq!(again.put(entry), Ok(false), "it is there");
    }
    assert_eq!(again.into_text(), Ok(text));
});

/// If the entries are new, nothing is removed but the notation of an empty list.
fn assert_rest_stays(text: &str) {
    let Ok(mut document) = Document::parse(text) else { return };
    let entries = [Kind::Cluster, Kind::User, Kind::Context].map(|kind| entry(kind, "kubekey-new", json!({}), &[]));
    if entries.iter().any(|entry| document.has(entry) || document.put(entry).is_err()) {
        return;
    }
    let Ok(written) = document.into_text() else { return };
    // Empty lists are also `null`, `~`, `!!seq []` or `&a []`.
    let means_something = |c: &char| !c.is_whitespace() && !"[]{}nulNUL~".contains(*c);
    let mut new = written.chars();
    let is_kept = text.contains(['&', '!']) || text.chars().filter(means_something).all(|c| new.any(|new| new == c));
    assert!(is_kept, "{written}");
}

fn entry(kind: Kind, name: &str, fields: Value, excludes: &'static [&'static str]) -> Entry {
    let Value::Object(fields) = fields else { unreachable!("a mapping") };
    Entry { kind, name: name.to_owned(), fields, excludes, replaces: None, keeps: &[] }
}
