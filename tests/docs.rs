//! What the documentation says of the tests.

use std::fs;
use std::path::Path;

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
            Some(module) => root.join("src").join(module.replace("::", "/")).with_extension("rs"),
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
