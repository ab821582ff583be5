//! Kubeconfigs of any form: `kubekey setup` adds its entries, a second run changes nothing, and the rest stays.

use kubekey::kubeconfig::{Document, Entry, Kind};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

/// How a list is written.
#[derive(Clone, Copy, Debug)]
enum Style {
    /// With this many spaces before each entry.
    Block(usize),
    Flow,
    /// In brackets over several lines, with this string wherever a line can end.
    Lines(&'static str),
    /// Without a value.
    Nothing,
}

fn style() -> impl Strategy<Value = Style> {
    prop_oneof![(0_usize..5).prop_map(Style::Block), Just(Style::Flow), lines(), Just(Style::Nothing)]
}

fn lines() -> impl Strategy<Value = Style> {
    prop::sample::select(vec!["\n", "\n  ", "\n\t", "\n\n", " # {c\n", "\n# ]\n "]).prop_map(Style::Lines)
}

/// A quoted name: all characters that a terminal shows, and some with a meaning in YAML.
fn name() -> impl Strategy<Value = String> {
    "[a-cé:#{}&*!|> '\"\\\\-]{1,6}".prop_map(|name| Value::from(name).to_string())
}

/// A list with its entries, and comments and empty lines where they are allowed.
fn list(key: &'static str, field: &'static str) -> impl Strategy<Value = String> {
    (style(), vec((name(), any::<bool>()), 0..4)).prop_map(move |(style, mut entries)| {
        entries.sort();
        entries.dedup_by(|one, other| one.0 == other.0);
        match style {
            Style::Block(indent) if !entries.is_empty() => {
                let space = " ".repeat(indent);
                let entry = |(name, is_commented): &(String, bool)| {
                    let comment = if *is_commented { format!("{space}# c\n\n") } else { String::new() };
                    format!("{comment}{space}- name: {name} # n\n{space}  {field}: {{x-y: [1, 'b']}}\n")
                };
                format!("{key}:\n{}", entries.iter().map(entry).collect::<String>())
            }
            Style::Flow => {
                let entry = |(name, _): &(String, bool)| format!("{{name: {name}, {field}: {{}}}}");
                format!("{key}: [{}]\n", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
            }
            Style::Lines(end) => {
                let entry =
                    |(name, _): &(String, bool)| format!("{{{end}name: {name},{end}{field}: {{{end}}}{end}}}{end}");
                let entries = entries.iter().map(entry).collect::<Vec<_>>();
                format!("{key}: [{end}{}]\n", entries.join(&format!(",{end}")))
            }
            _ => format!("{key}:\n"),
        }
    })
}

/// With lists in any order, either kind of line ending, and a last line that may lack one.
fn kubeconfig() -> impl Strategy<Value = String> {
    let lists = (list("clusters", "cluster"), list("users", "user"), list("contexts", "context"));
    let parts = lists.prop_map(|(clusters, users, contexts)| vec![clusters, users, contexts, "kind: Config\n".into()]);
    let ends = (any::<bool>(), any::<bool>(), any::<bool>());
    (parts.prop_shuffle(), ends).prop_map(|(parts, (is_crlf, is_ended, has_mark))| {
        let text = parts.concat();
        let text = if is_ended { text.as_str() } else { text.trim_end() };
        let text = if is_crlf { text.replace('\n', "\r\n") } else { text.to_owned() };
        format!("{}{text}", if has_mark { "\u{feff}" } else { "" })
    })
}

/// Whether all of `old` is in `new` in order, except the characters of an empty value.
fn is_kept(old: &str, new: &str) -> bool {
    let mut new = new.chars();
    old.chars().filter(|c| !c.is_whitespace() && !"[]{}".contains(*c)).all(|c| new.any(|new| new == c))
}

fn entries(name: &str) -> [Entry; 3] {
    let entry = |kind, fields: Value| {
        let Value::Object(fields) = fields else { unreachable!("a mapping") };
        Entry { kind, name: name.to_owned(), fields, excludes: &[], replaces: None, keeps: &[] }
    };
    [
        entry(Kind::Cluster, json!({"server": "https://k8s.example.com"})),
        entry(
            Kind::User,
            json!({"exec": {"command": "kubekey", "args": ["--client-id=n", "y"], "provideClusterInfo": true}}),
        ),
        entry(Kind::Context, json!({"cluster": name, "user": name})),
    ]
}

proptest! {
    // A failing case is printed, and no file is needed to repeat it.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_is_put_in_twice_is_there_once(text in kubeconfig(), name in "[a-z:#é ]{1,5}") {
        let entries = entries(&name);
        let mut document = Document::parse(&text).map_err(TestCaseError::fail)?;
        for entry in &entries {
            prop_assert_eq!(document.put(entry), Ok(true));
        }
        document.set_current_context(&name).map_err(TestCaseError::fail)?;
        let written = document.into_text().map_err(TestCaseError::fail)?;
        let mut again = Document::parse(&written).map_err(TestCaseError::fail)?;
        prop_assert_eq!(again.current_context().unwrap_or_default(), if name.is_empty() { "" } else { &name });
        for entry in &entries {
            prop_assert_eq!(again.put(entry), Ok(false), "{}", written);
        }
        prop_assert!(is_kept(&text, &written), "{}", written);
        prop_assert_eq!(again.into_text(), Ok(written));
    }
}
