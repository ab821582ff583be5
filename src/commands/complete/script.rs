//! The scripts of the shells.

use std::io::Write;

use crate::cli::Shell;
use crate::error::Result;
use crate::output::print;

/// The script with which a shell completes kubekey's words.
pub fn completion_script(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => include_str!("../../../templates/completions/bash"),
        Shell::Zsh => include_str!("../../../templates/completions/zsh"),
        Shell::Fish => include_str!("../../../templates/completions/fish"),
        Shell::Powershell => include_str!("../../../templates/completions/powershell"),
        Shell::Elvish => include_str!("../../../templates/completions/elvish"),
    }
}

/// Prints it.
///
/// # Errors
/// If standard output cannot be written to.
pub fn print_script(shell: Shell, out: &mut impl Write) -> Result<()> {
    print(out, completion_script(shell))
}
