//! A kubeconfig: it is refused, or what was put into it is there, and to put it in again changes nothing.
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

fn entry(kind: Kind, name: &str, fields: Value, excludes: &'static [&'static str]) -> Entry {
    let Value::Object(fields) = fields else { unreachable!("a mapping") };
    Entry { kind, name: name.to_owned(), fields, excludes }
}
