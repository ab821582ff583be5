//! The `kubekey` program: parses the arguments, runs the command, says what went wrong, sets the exit code.

use std::io;
use std::process::ExitCode;

use clap::Parser;
use kubekey::cli::Cli;
use kubekey::{get_token, terminal};

fn main() -> ExitCode {
    // `get-token` is the only command so far and the default, so the settings are all there is to look at.
    let cli = Cli::parse();
    match get_token::get_token(&cli.settings, &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::error(&error);
            ExitCode::from(error.kind().exit_code())
        }
    }
}
