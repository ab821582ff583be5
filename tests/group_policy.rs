//! The templates for group policy: that an editor accepts them, and that kubekey reads what they make Windows write.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use kubekey::config::policy_keys::POLICY_KEYS;
use roxmltree::{Document, Node, ParsingOptions};

const NAMESPACE: &str = "http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions";

/// The field in a dialog for each type of element.
const FIELDS: [(&str, &str); 2] = [("text", "textBox"), ("multiText", "multiTextBox")];

fn text_of(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/fleet/windows").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn parsed(text: &str) -> Document<'_> {
    Document::parse_with_options(text, ParsingOptions::default()).expect("XML")
}

fn all<'a>(document: &'a Document<'_>, name: &str) -> Vec<Node<'a, 'a>> {
    document.descendants().filter(|node| node.has_tag_name((NAMESPACE, name))).collect()
}

fn only<'a>(node: Node<'a, 'a>, name: &str) -> Node<'a, 'a> {
    let found: Vec<_> = node.descendants().filter(|node| node.has_tag_name((NAMESPACE, name))).collect();
    let [found] = &*found else { panic!("{} {name} in {}", found.len(), said(node)) };
    *found
}

fn attribute<'a>(node: Node<'a, '_>, name: &str) -> &'a str {
    node.attribute(name).unwrap_or_else(|| panic!("{name} of {}", said(node)))
}

/// For messages: the element as it is in the file.
fn said(node: Node<'_, '_>) -> String {
    node.document().input_text()[node.range()].chars().take(200).collect()
}

/// An attribute of each of these nodes, which differs among them.
fn unique<'a>(nodes: &[Node<'a, '_>], name: &str) -> BTreeSet<&'a str> {
    let values: BTreeSet<_> = nodes.iter().map(|node| attribute(*node, name)).collect();
    assert_eq!(values.len(), nodes.len(), "each {name} once: {values:?}");
    // What the schema allows, without the letters of other languages.
    let is_name = |value: &&str| value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    assert!(values.iter().all(is_name), "{values:?}");
    values
}

fn elements_of<'a>(policy: Node<'a, 'a>) -> Vec<Node<'a, 'a>> {
    let elements = policy.children().find(|node| node.has_tag_name((NAMESPACE, "elements")));
    elements.into_iter().flat_map(|elements| elements.children()).filter(Node::is_element).collect()
}

#[test]
fn each_key_of_the_policy_is_in_the_template() {
    let text = text_of("kubekey.admx");
    let template = parsed(&text);
    let policies = all(&template, "policy");
    assert!(policies.iter().map(|policy| attribute(*policy, "name")).eq(POLICY_KEYS.iter().map(|key| key.name)));
}

/// A group policy editor rejects a template whose parts do not fit together, and hardly says why.
#[test]
fn every_reference_in_the_template_has_one_target() {
    let (template, texts) = (text_of("kubekey.admx"), text_of("en-US/kubekey.adml"));
    let (template, texts) = (parsed(&template), parsed(&texts));
    for (kind, ids) in ["string", "presentation"].map(|kind| (kind, unique(&all(&texts, kind), "id"))) {
        let open = format!("$({kind}.");
        let values = template.descendants().flat_map(|node| node.attributes()).map(|attribute| attribute.value());
        let used: BTreeSet<_> = values.filter_map(|value| value.strip_prefix(&open)?.strip_suffix(')')).collect();
        assert_eq!(used, ids, "each {kind} is used, and each that is used exists");
    }
    for (reference, target) in [("parentCategory", "category"), ("supportedOn", "definition")] {
        let names = unique(&all(&template, target), "name");
        let policies = all(&template, "policy");
        assert!(policies.len() > 5);
        for policy in policies {
            let name = attribute(only(policy, reference), "ref");
            assert!(names.contains(name), "{name}: {}", said(policy));
        }
    }
    unique(&all(&template, "policy"), "name");
}

#[test]
fn the_files_are_of_the_version_that_editors_read() {
    for (file, root) in [("kubekey.admx", "policyDefinitions"), ("en-US/kubekey.adml", "policyDefinitionResources")] {
        let text = text_of(file);
        let document = parsed(&text);
        let element = document.root_element();
        assert!(element.has_tag_name((NAMESPACE, root)), "{file}");
        assert_eq!(["revision", "schemaVersion"].map(|name| attribute(element, name)), ["1.0"; 2], "{file}");
        assert!(text.starts_with(r#"<?xml version="1.0" encoding="utf-8"?>"#), "{file}");
    }
    let text = text_of("kubekey.admx");
    let template = parsed(&text);
    let children: Vec<_> =
        template.root_element().children().filter(Node::is_element).map(|node| node.tag_name().name()).collect();
    assert_eq!(children, ["policyNamespaces", "resources", "supportedOn", "categories", "policies"]);
    let target = only(template.root_element(), "target");
    assert_eq!((attribute(target, "prefix"), attribute(target, "namespace")), ("kubekey", "kubekey.policies"));
}

#[test]
fn each_policy_has_the_fields_of_its_dialog() {
    let (template, texts) = (text_of("kubekey.admx"), text_of("en-US/kubekey.adml"));
    let (template, texts) = (parsed(&template), parsed(&texts));
    // The schema has them in this order.
    let order = ["parentCategory", "supportedOn", "enabledValue", "disabledValue", "elements"];
    for policy in all(&template, "policy") {
        let children = policy.children().filter(Node::is_element).map(|node| node.tag_name().name());
        let places: Vec<_> = children.map(|name| order.iter().position(|known| *known == name)).collect();
        assert!(places.is_sorted() && !places.contains(&None), "{}", said(policy));
        assert_eq!(attribute(policy, "class"), "Machine");
        let elements = elements_of(policy);
        assert_ne!(elements.is_empty(), policy.attribute("valueName").is_none(), "{}", said(policy));
        assert_eq!(elements.is_empty(), policy.attribute("presentation").is_none(), "{}", said(policy));
        unique(&elements, "id");
        for element in &elements {
            has_a_field(*element, policy, &texts);
        }
    }
}

fn has_a_field(element: Node<'_, '_>, policy: Node<'_, '_>, texts: &Document<'_>) {
    let name = attribute(policy, "presentation").trim_start_matches("$(presentation.").trim_end_matches(')');
    let presentation = all(texts, "presentation").into_iter().find(|node| node.attribute("id") == Some(name));
    let fields: Vec<_> = presentation.expect(name).children().filter(Node::is_element).collect();
    let fields: Vec<_> =
        fields.into_iter().filter(|field| field.attribute("refId") == element.attribute("id")).collect();
    let [field] = &*fields else { panic!("{} fields for {}", fields.len(), said(element)) };
    let kinds = (element.tag_name().name(), field.tag_name().name());
    assert!(FIELDS.contains(&kinds), "{kinds:?}");
    let label = field.descendants().filter_map(|node| node.text()).collect::<String>();
    assert!(!label.trim().is_empty(), "a field without a label: {}", said(*field));
}

/// What Windows does with a template.
#[cfg(windows)]
mod applied {
    use kubekey::config::policy_keys::PolicyKey;
    use serde_json::{Value, json};
    use windows_registry::LOCAL_MACHINE;

    use super::*;
    use crate::support::browser::Mode;
    use crate::support::home::Home;

    const POLICY: &str = r"Software\Policies\kubekey";

    /// The policies of the machine, none before and none at the end.
    struct Machine;

    impl Machine {
        fn new() -> Self {
            let values = LOCAL_MACHINE.open(POLICY).map_or(0, |key| key.values().unwrap().count());
            assert_eq!(values, 0, "{POLICY} must not have values");
            Self
        }
    }

    impl Drop for Machine {
        fn drop(&mut self) {
            drop(LOCAL_MACHINE.remove_tree(POLICY));
        }
    }

    /// A policy that is enabled writes its value and those of its elements, with what was typed into their fields.
    fn enable(policy: Node<'_, '_>, typed: &Value) {
        let key = LOCAL_MACHINE.create(attribute(policy, "key")).unwrap();
        if let Some(name) = policy.attribute("valueName") {
            key.set_u32(name, decimal(policy, "enabledValue")).unwrap();
        }
        for element in super::elements_of(policy) {
            let name = attribute(element, "valueName");
            let line = || typed.as_str().unwrap_or_else(|| panic!("{name} is one line"));
            match (element.tag_name().name(), element.attribute("expandable")) {
                ("text", None) => key.set_string(name, line()),
                ("text", Some("true")) => key.set_expand_string(name, line()),
                ("multiText", None) => {
                    let lines = typed.as_array().unwrap_or_else(|| panic!("{name} has lines"));
                    let lines: Vec<_> = lines.iter().map(|line| line.as_str().unwrap()).collect();
                    key.set_multi_string(name, &lines)
                }
                other => panic!("{other:?}: tell this test what Windows writes"),
            }
            .unwrap();
        }
    }

    /// One that is disabled writes its other value, and removes those of its elements.
    fn disable(policy: Node<'_, '_>) {
        let key = LOCAL_MACHINE.create(attribute(policy, "key")).unwrap();
        match policy.attribute("valueName") {
            Some(name) => key.set_u32(name, decimal(policy, "disabledValue")).unwrap(),
            None => {
                elements_of(policy).iter().for_each(|element| drop(key.remove_value(attribute(*element, "valueName"))))
            }
        }
    }

    fn decimal(policy: Node<'_, '_>, name: &str) -> u32 {
        attribute(only(only(policy, name), "decimal"), "value").parse().unwrap()
    }

    /// The keys and values that hold, or null if there is no policy.
    fn read(home: &Home) -> Value {
        let finished = home.run(home.kubekey().args(["config", "show", "--output=json"]));
        assert_eq!(finished.code(), Some(0), "{finished:#?}");
        let shown: Value = serde_json::from_str(&finished.stdout).unwrap();
        let Value::Object(keys) = &shown["policy"]["keys"] else { return shown["policy"].clone() };
        let origin = json!(format!(r"HKLM\{POLICY}"));
        let values = keys.iter().map(|(name, key)| {
            assert_eq!(key["origin"], origin, "{name}");
            (name.clone(), key["value"].clone())
        });
        Value::Object(values.collect())
    }

    fn example(key: &PolicyKey) -> Value {
        let text = format!("value = {}", key.windows_example.unwrap_or(key.example));
        let table: toml::Table = toml::from_str(&text).unwrap();
        serde_json::to_value(&table["value"]).unwrap()
    }

    /// With the folders that Windows has for the names in it.
    fn with_folders(typed: &Value) -> Value {
        let Some(text) = typed.as_str() else { return typed.clone() };
        let folders = ["ProgramFiles", "ProgramData"].map(|name| (format!("%{name}%"), std::env::var(name).unwrap()));
        folders.iter().fold(text.to_owned(), |text, (name, folder)| text.replace(name, folder)).into()
    }

    #[ignore = "every other run on this machine is under the policy meanwhile"]
    #[test]
    fn kubekey_reads_what_each_policy_of_the_template_writes() {
        let (text, home) = (text_of("kubekey.admx"), Home::new(Mode::Absent));
        let template = parsed(&text);
        let _machine = Machine::new();
        let (mut together, mut count) = (serde_json::Map::new(), 0);
        for policy in all(&template, "policy") {
            let name = attribute(policy, "name");
            let is_switch = elements_of(policy).is_empty();
            let typed = if is_switch { json!(true) } else { example(PolicyKey::named(name).unwrap()) };
            let expected = with_folders(&typed);
            enable(policy, &typed);
            assert_eq!(read(&home), json!({ name: expected }), "{name} enabled");
            disable(policy);
            let disabled = if is_switch { json!({ name: false }) } else { Value::Null };
            assert_eq!(read(&home), disabled, "{name} disabled");
            LOCAL_MACHINE.remove_tree(POLICY).unwrap();
            together.insert(name.to_owned(), expected);
            count += 1;
        }
        assert_eq!(count, POLICY_KEYS.len());
        for policy in all(&template, "policy") {
            let typed = PolicyKey::named(attribute(policy, "name")).map(example).unwrap();
            enable(policy, &typed);
        }
        assert_eq!(read(&home), Value::Object(together), "all enabled");
    }
}
