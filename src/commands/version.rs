//! `kubekey version`.

use std::io::Write;

use crate::error::Result;
use crate::output::print;

/// Prints the version, as `--version` does.
///
/// # Errors
/// If standard output cannot be written to.
pub fn version(out: &mut impl Write) -> Result<()> {
    print(out, concat!("kubekey v", env!("CARGO_PKG_VERSION"), "\n"))
}
