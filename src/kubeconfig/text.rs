//! A text as kubectl reads it, or the reason why kubectl does not read it or why it cannot be changed safely.

use std::ops::Range;
use std::str::FromStr;

use serde_json::Value;
use yaml_edit::validator::{Severity, Validator, Violation};
use yaml_edit::{YamlFile, YamlValue};

use super::value::to_json;
use super::{aliases, brackets};

/// The result, or the reason why there is none.
pub type Result<T> = std::result::Result<T, String>;

/// Reads a text that has one document, or none.
///
/// # Errors
/// If it has more, or is not YAML.
pub fn parse(text: &str) -> Result<YamlFile> {
    let parsed = YamlFile::from_str(text);
    let brackets = parsed.as_ref().map(brackets::find).unwrap_or_default();
    refuse_tabs(text, &brackets)?;
    let file = parsed.map_err(|error| shortened(&error.to_string()))?;
    match file.documents().count() {
        0 => Ok(file),
        1 => refuse_invalid(&file, text, &brackets).map(|()| file),
        count => Err(format!("it has {count} documents, and kubectl reads only the first")),
    }
}

/// Rejects invalid YAML: the editor reads much that is not YAML, and kubectl does not. Of the invalid YAML that kubectl
/// does read, only lines in brackets are certain to mean at any indentation what the editor reads.
fn refuse_invalid(file: &YamlFile, text: &str, brackets: &[Range<usize>]) -> Result<()> {
    let Err(why) = validate(file) else { return Ok(()) };
    let indented = YamlFile::from_str(&brackets::indented(text, brackets)).map_err(|_| why.clone())?;
    match validate(&indented).is_ok() && meaning(&indented) == meaning(file) {
        true => Ok(()),
        false => Err(why),
    }
}

fn validate(file: &YamlFile) -> Result<()> {
    let violations = file.document().map(|document| Validator::new().validate(&document)).unwrap_or_default();
    match violations.iter().find(|violation| violation.severity == Severity::Error) {
        Some(Violation { message, location, .. }) => {
            let place = location.iter().map(|place| format!("line {place}: ").replacen(':', ", column ", 1));
            Err(place.chain([shortened(message)]).collect())
        }
        None => Ok(()),
    }
}

/// The library's message, without the parts that are for its developers.
fn shortened(message: &str) -> String {
    let message = message.trim_end().trim_start_matches("Parse error at ");
    let ends = [". Expected: ", " (semantically equal"].iter().filter_map(|beside| message.find(beside));
    message[..ends.min().unwrap_or(message.len())].to_owned()
}

/// The values of a text, whatever its form.
///
/// # Errors
/// If JSON cannot represent them, or they are too many.
pub fn meaning(file: &YamlFile) -> Result<Value> {
    let Some(document) = file.document() else { return Ok(Value::Null) };
    aliases::refuse_too_many(file, &document)?;
    let value = YamlValue::from_document(&document).map_err(|error| error.to_string())?;
    to_json(&value).ok_or_else(|| "it has values that a kubeconfig cannot have".into())
}

/// YAML forbids tabs as indentation (YAML 1.2 §6.1) except in brackets, and kubectl does not read a file with one
/// elsewhere.
fn refuse_tabs(text: &str, brackets: &[Range<usize>]) -> Result<()> {
    let mut start = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
        let is_bad = !line.trim().is_empty() && line[..indentation].contains('\t');
        if is_bad && !brackets::contain(brackets, start) {
            return Err(format!("line {} is indented with a tab, which YAML forbids", index + 1));
        }
        start += line.len();
    }
    Ok(())
}

/// Rejects a block string at the end of a file that has no final line break: anything added after it would add a line
/// break to the string (YAML 1.2 §8.1.1.2).
///
/// # Errors
/// If the file ends like that.
pub fn refuse_open_end(text: &str) -> Result<()> {
    let indentation = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let is_block = |line: &str| {
        let header = line
            .split(" #")
            .next()
            .unwrap_or_default()
            .trim_end()
            .trim_end_matches(|c: char| "+-".contains(c) || c.is_ascii_digit());
        header.ends_with(['|', '>'])
    };
    let mut lines = text.lines().rev().filter(|line| !line.trim().is_empty());
    let Some(last) = lines.next().filter(|_| !text.ends_with('\n')) else { return Ok(()) };
    let mut depth = indentation(last);
    for line in lines {
        if indentation(line) < depth && is_block(line) {
            return Err(
                "its last line has no line break, and adding one would change that string: add the line break yourself"
                    .into(),
            );
        }
        depth = depth.min(indentation(line));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn what_is_wrong_is_said_with_its_place_and_in_one_sentence() {
        for (text, why) in [
            ("users: [\n", "line 2, column 1: Unclosed flow sequence"),
            ("a: 1\na: 2\n", "line 2, column 1: Duplicate key: \"a\""),
            ("users:\n\t- a\n", "line 2 is indented with a tab, which YAML forbids"),
        ] {
            assert_eq!(parse(text).err().as_deref(), Some(why), "{text:?}");
        }
    }
}
