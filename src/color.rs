//! The colors of labels such as `hint:`, where a terminal shows them and the user wants them.

use std::env::var_os;
use std::io::{self, IsTerminal as _};

/// How a label looks: parameters of SGR (ECMA-48, section 8.3.117).
#[derive(Clone, Copy)]
pub struct Style(&'static str);

/// Of an error: bold red.
pub const ERROR: Style = Style("1;31");

/// Of a warning: bold yellow.
pub const WARNING: Style = Style("1;33");

/// Of a hint: bold.
pub const HINT: Style = Style("1");

/// The line with the label at its start in this style, if stderr shows colors.
pub fn with_label(line: &str, label: &str, style: Style) -> String {
    match line.strip_prefix(label) {
        Some(rest) if is_shown() => format!("\x1b[{}m{label}\x1b[0m{rest}", style.0),
        _ => line.to_owned(),
    }
}

/// Nothing forces colors: what is not a terminal is a file, or another program.
#[expect(clippy::disallowed_methods, reason = "nothing is written")]
fn is_shown() -> bool {
    // https://no-color.org and https://bixense.com/clicolors.
    let is_unwanted = var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || var_os("CLICOLOR").is_some_and(|value| value == "0");
    !is_unwanted && io::stderr().is_terminal() && understands_escapes()
}

#[cfg(not(windows))]
fn understands_escapes() -> bool {
    var_os("TERM").is_some_and(|terminal| !terminal.is_empty() && terminal != "dumb")
}

/// The mode is the console's, which other programs use as well: kubekey leaves it as it is.
#[cfg(windows)]
#[expect(clippy::disallowed_methods, reason = "nothing is written")]
fn understands_escapes() -> bool {
    var_os("TERM").is_none_or(|terminal| terminal != "dumb") && crate::windows::console::shows_escapes(&io::stderr())
}
