//! A template that replaces a built-in page: its rendering, within limits.

use std::error::Error as _;
use std::io::{self, Write};
use std::path::Path;

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior};
use serde::Serialize;

use crate::error::root_cause;

/// The largest page, in bytes.
pub(super) const LARGEST_PAGE: usize = 4 * 1024 * 1024;

/// How many instructions a template may run; the built-in one needs a few hundred.
const FUEL: u64 = 100_000;

/// Renders the text of the template at `path`.
///
/// # Errors
/// What is wrong with it, and where.
pub fn render_override(path: &Path, source: &str, page: &impl Serialize) -> Result<String, String> {
    let name = path.display().to_string();
    let mut environment = Environment::new();
    // Whatever the extension of the file.
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    // A misspelt variable is an error with its line, not an unnoticed gap in the page.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    // A namespace can contain itself, and printing that overflows the stack.
    environment.remove_global("namespace");
    let describe = |error: minijinja::Error| {
        // The detail of a write error is that it is one.
        let of_writer = error.source().filter(|_| error.kind() == ErrorKind::WriteFailure).map(root_cause);
        let what = of_writer.or_else(|| error.detail().map(str::to_owned)).or_else(|| error.source().map(root_cause));
        let what = what.unwrap_or_else(|| error.kind().to_string());
        let line = error.line().and_then(|line| Some((line, source.lines().nth(line.checked_sub(1)?)?.trim())));
        match line {
            Some((line, text)) => format!("{name} line {line}: {what}: {text}"),
            None => format!("{name}: {what}"),
        }
    };
    environment.add_template(&name, source).map_err(describe)?;
    let template = environment.get_template(&name).map_err(describe)?;
    let mut html = Capped(Vec::new());
    template.render_captured_to(Serde(page), &mut html).map_err(describe)?;
    String::from_utf8(html.0).map_err(|error| format!("{name}: {error}"))
}

/// Accepts at most [`LARGEST_PAGE`] bytes.
struct Capped(Vec<u8>);

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LARGEST_PAGE {
            return Err(io::Error::other(format!("the page is larger than {LARGEST_PAGE} bytes")));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
