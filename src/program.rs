//! The whole program: parses the arguments, runs the command, reports what went wrong, sets the exit code.

use std::env::consts;
use std::io;
use std::process::ExitCode;

use crate::cli::{Cli, Command, Examine};
use crate::error::Result;
use crate::log_level::{self, Level};
use crate::{clock, commands, get_token, log, terminal, told};

/// The exit code of `--detailed-exitcode` for a run that changed something.
const CHANGED: u8 = 10;

/// Runs `kubekey` with the arguments of this process.
pub fn main() -> ExitCode {
    #[cfg(windows)]
    crate::sign_in::open_for_parent();
    log::start();
    match Cli::parse_arguments().and_then(run) {
        Ok(code) => code,
        Err(error) => {
            let error = told::once(error);
            terminal::error(&error);
            ExitCode::from(error.kind().exit_code())
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode> {
    clock::check()?;
    log::debug(format_args!("v{} on {} {}", env!("CARGO_PKG_VERSION"), consts::OS, consts::ARCH));
    if commands::is_bare() {
        return commands::introduce(&mut io::stdout().lock()).map(|()| ExitCode::SUCCESS);
    }
    let command = cli.command.unwrap_or(Command::GetToken);
    if let Command::Doctor(Examine { share: true, .. }) = &command {
        // Notices and warnings have names.
        log_level::set(Level::Error);
    }
    commands::take_context(&command, &cli.settings)?;
    match command {
        Command::GetToken => get_token::get_token(&cli.settings, &mut io::stdout().lock())?,
        Command::Login(_) => commands::login(&cli.settings)?,
        Command::Logout(_) => commands::logout(&cli.settings)?,
        Command::Status { output, of } => commands::status(output, &of, &mut io::stdout().lock())?,
        Command::Token { decode, .. } => {
            let (_, id_token) = get_token::valid_token(&cli.settings)?;
            commands::token(&id_token, decode, &mut io::stdout().lock())?;
        }
        Command::Whoami { output, of } => {
            let server = commands::server_of(&of)?;
            let (_, id_token) = get_token::valid_token(&cli.settings)?;
            commands::whoami(&server, &id_token, output, &mut io::stdout().lock())?;
        }
        Command::Doctor(asked) => commands::doctor(&cli.settings, &asked, &mut io::stdout().lock())?,
        Command::Config(config) => commands::config(&config, &cli.settings, &mut io::stdout().lock())?,
        Command::Pages { write } => commands::write_pages(&write)?,
        Command::Version => commands::version(&mut io::stdout().lock())?,
        Command::Setup(asked) => {
            let setup = if asked.system { commands::setup_system } else { commands::setup };
            let is_changed = setup(cli.settings, &asked, &mut io::stdout().lock())?;
            return Ok(ExitCode::from(if is_changed && asked.detailed_exitcode { CHANGED } else { 0 }));
        }
    }
    Ok(ExitCode::SUCCESS)
}
