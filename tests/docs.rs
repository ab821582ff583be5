//! What the documentation says of the tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use kubekey::config::keys::Kind;
use kubekey::config::policy::keys::POLICY_KEYS;

/// `module::name` in backquotes names a test.
#[test]
fn every_promise_names_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/security.md")).unwrap();
    let names: Vec<_> =
        page.split('`').skip(1).step_by(2).filter(|text| text.contains("::") && !text.ends_with("::")).collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        let (path, function) = name.rsplit_once("::").unwrap();
        let file = match path.strip_suffix("::tests") {
            Some(module) => source_of(&root.join("src").join(module.replace("::", "/"))),
            None => root.join("tests").join(path).with_extension("rs"),
        };
        let source = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{name}: {}: {error}", file.display()));
        assert!(
            source.contains(&format!("#[test]\n    fn {function}()"))
                || source.contains(&format!("#[test]\nfn {function}()")),
            "{name}"
        );
    }
}

fn source_of(module: &Path) -> PathBuf {
    let file = module.with_extension("rs");
    if file.exists() { file } else { module.join("mod.rs") }
}

#[test]
fn what_is_made_from_the_table_of_policy_keys_is_as_the_table_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = tempfile::tempdir().unwrap();
    fs::create_dir(made.path().join("docs")).unwrap();
    fs::copy(root.join("docs/policy.md"), made.path().join("docs/policy.md")).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_kubekey")).with_file_name("examples/policy_files");
    assert!(Command::new(program).arg(made.path()).status().unwrap().success());
    let fleet = ["windows/kubekey.admx", "windows/en-US/kubekey.adml", "macos/kubekey.mobileconfig"];
    for file in fleet.map(|file| format!("packaging/fleet/{file}")).iter().map(String::as_str).chain(["docs/policy.md"])
    {
        let is_same = fs::read(root.join(file)).unwrap() == fs::read(made.path().join(file)).unwrap();
        assert!(is_same, "{file}: run 'cargo run --example policy_files'");
    }
}

#[test]
fn the_profile_for_macos_has_each_key_in_its_type() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let profile = plist::Value::from_file(root.join("packaging/fleet/macos/kubekey.mobileconfig")).unwrap();
    let payload = &profile.as_dictionary().unwrap()["PayloadContent"].as_array().unwrap()[0];
    let payload = payload.as_dictionary().unwrap();
    for key in &POLICY_KEYS {
        let value = &payload[key.name];
        let is_right = match key.kind {
            Kind::Switch => value.as_boolean().is_some(),
            Kind::Texts => value.as_array().is_some_and(|items| items.iter().all(|item| item.as_string().is_some())),
            Kind::Text | Kind::Secret | Kind::Time => value.as_string().is_some(),
        };
        assert!(is_right, "{}: {value:?}", key.name);
    }
}

/// A group policy editor refuses a template whose parts do not fit together, and says little of why.
#[test]
fn the_templates_for_windows_fit_together() {
    let windows = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/fleet/windows");
    let definitions = fs::read_to_string(windows.join("kubekey.admx")).unwrap();
    let texts = fs::read_to_string(windows.join("en-US/kubekey.adml")).unwrap();
    for kind in ["string", "presentation"] {
        let references: Vec<_> = definitions.split(&format!("$({kind}.")).skip(1).collect();
        assert!(references.len() > 5, "{kind}");
        for reference in references {
            let name = reference.split(')').next().unwrap();
            assert_eq!(texts.matches(&format!("<{kind} id=\"{name}\">")).count(), 1, "{kind} {name}");
        }
    }
    for file in ["kubekey.admx", "en-US/kubekey.adml"] {
        let parse = ["-c", "import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])"];
        let output = Command::new("python3").args(parse).arg(windows.join(file)).output().unwrap();
        assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
