//! Collections in brackets, the "flow style". kubectl reads their lines at any indentation; YAML 1.2 §7.4 requires them
//! to be indented more than the block that contains them, including the closing bracket.

use std::ops::Range;

use yaml_edit::{YamlFile, YamlNode};

/// How far lines are moved at most, in bytes. A bracket further to the right follows a long key, and only the start of
/// that key matters.
const FARTHEST: usize = 60;

/// Where the outermost collections in brackets are, in bytes and in order.
pub fn find(file: &YamlFile) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let root = file.document().and_then(|document| document.as_mapping());
    root.into_iter().for_each(|root| collect(&YamlNode::Mapping(root), &mut found));
    found
}

/// Whether a line that begins at `line` is within one of them.
pub fn contain(brackets: &[Range<usize>], line: usize) -> bool {
    let next = brackets.partition_point(|range| range.end <= line);
    brackets.get(next).is_some_and(|range| range.start < line)
}

fn collect(node: &YamlNode, found: &mut Vec<Range<usize>>) {
    let is_in_brackets = match node {
        YamlNode::Mapping(mapping) => mapping.is_flow_style(),
        YamlNode::Sequence(items) => items.is_flow_style(),
        _ => return,
    };
    if is_in_brackets {
        let range = node.byte_range();
        found.push(range.start as usize..range.end as usize);
        return;
    }
    match node {
        YamlNode::Mapping(mapping) => mapping.values().for_each(|node| collect(&node, found)),
        YamlNode::Sequence(items) => items.values().for_each(|node| collect(&node, found)),
        _ => {}
    }
}

/// The same text with the lines in brackets indented as YAML 1.2 requires. Spaces at the start of a line have no
/// meaning there, not even in quotes (YAML 1.2 §6.9, §7.3), but a line that ends the document would no longer end it,
/// so it stays.
pub fn indented(text: &str, brackets: &[Range<usize>]) -> String {
    let mut indented = String::with_capacity(text.len());
    let mut done = 0;
    for range in brackets {
        let line = text[..range.start].rfind('\n').map_or(0, |end| end + 1);
        let indentation = " ".repeat((range.start - line).min(FARTHEST));
        for (end, _) in text[range.clone()].match_indices('\n') {
            let next = range.start + end + 1;
            indented.push_str(&text[done..next]);
            done = next;
            let is_marker = ["---", "...", "%"].iter().any(|marker| text[next..].starts_with(marker));
            indented.push_str(if is_marker { "" } else { &indentation });
        }
    }
    indented + &text[done..]
}
