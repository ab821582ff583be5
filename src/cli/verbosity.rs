//! The flags `-v`, as kubelogin and kubectl have it, and `--verbose`.

use std::ffi::OsString;
use std::iter::Peekable;

use crate::error::{Error, ErrorKind, Result};
use crate::log_level::Level;

/// The log level of `--verbose`, and of `-v1`, `-v=1`, `-v 1`, `--v=1` and `--v 1`; `-v` alone is for the version.
pub(super) fn level(text: &str, rest: &mut Peekable<impl Iterator<Item = OsString>>) -> Option<Level> {
    let number = |text: &str| text.parse::<u8>().ok();
    let verbosity = match text {
        "--verbose" => Some(1),
        "-v" | "--v" => {
            let next = rest.next_if(|next| next.to_str().and_then(number).is_some())?;
            next.to_str().and_then(number)
        }
        _ => {
            number(text.strip_prefix("--v=").or_else(|| text.strip_prefix("-v=")).or_else(|| text.strip_prefix("-v"))?)
        }
    };
    verbosity.map(|verbosity| match verbosity {
        0 => Level::Info,
        1 => Level::Debug,
        _ => Level::Trace,
    })
}

/// Whatever is attached to these letters, clap would print the version or the help.
pub(super) fn refuse_attached(text: &str) -> Result<()> {
    let (why, hint) = match ["-v", "-V", "-h"].into_iter().find(|letter| text.starts_with(letter) && text != *letter) {
        None => return Ok(()),
        Some("-v") => {
            ("-v takes a number".to_owned(), "-v1 or --verbose prints the steps of a run; -v alone prints the version")
        }
        Some(letter) => (format!("{letter} takes no value"), "give it alone"),
    };
    Err(Error::new(ErrorKind::Usage, format!("'{text}' cannot be used: {why}")).hint(hint))
}
