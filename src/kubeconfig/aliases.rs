//! Aliases of aliases: a few lines of them can expand to more than fits into memory.

use std::collections::HashMap;

use yaml_edit::anchor_resolution::AnchorRegistry;
use yaml_edit::{Document, YamlFile, YamlNode};

/// The most that a document's aliases may expand to, in nodes of the syntax tree.
const LARGEST: usize = 1_000_000;

/// The most levels of anchors within anchors.
const DEEPEST: usize = 16;

/// Checks the sizes before anything is expanded.
///
/// # Errors
/// If the expanded document would be too large.
pub fn refuse_too_many(file: &YamlFile, document: &Document) -> Result<(), String> {
    let anchors = AnchorRegistry::from_document(document);
    let mut sizes = HashMap::new();
    let sizes = anchors.anchor_names().map(|name| size(name, &anchors, &mut sizes, 0));
    // Each alias has one asterisk.
    let largest = sizes.max().unwrap_or_default();
    let aliases = if largest == 0 { 0 } else { file.to_string().matches('*').count() };
    match largest.saturating_mul(aliases) > LARGEST {
        true => Err("its aliases expand to too many values".into()),
        false => Ok(()),
    }
}

/// The size of what an alias of this name expands to.
fn size(name: &str, anchors: &AnchorRegistry, known: &mut HashMap<String, usize>, depth: usize) -> usize {
    if let Some(size) = known.get(name) {
        return *size;
    }
    let Some(node) = anchors.resolve(name).filter(|_| depth < DEEPEST) else { return LARGEST };
    let sizes = node.descendants().map(|node| match YamlNode::from_syntax(node) {
        Some(YamlNode::Alias(alias)) => size(&alias.name(), anchors, known, depth + 1),
        _ => 1,
    });
    let sum = sizes.fold(0_usize, usize::saturating_add);
    known.insert(name.to_owned(), sum);
    sum
}
