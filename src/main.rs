//! The `kubekey` program: parses the arguments, runs the command, says what went wrong, sets the exit code.

use std::io;
use std::process::ExitCode;

use clap::Parser;
use kubekey::cli::{Cli, Command};
use kubekey::{commands, get_token, terminal};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command.unwrap_or(Command::GetToken) {
        Command::GetToken => get_token::get_token(&cli.settings, &mut io::stdout().lock()),
        Command::Login => commands::login(&cli.settings),
        Command::Logout => commands::logout(&cli.settings),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::error(&error);
            ExitCode::from(error.kind().exit_code())
        }
    }
}
