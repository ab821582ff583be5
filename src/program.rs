//! The whole program: parses the arguments, runs the command, reports what went wrong, sets the exit code.

use std::env::consts;
use std::io;

use crate::cli::{Cli, Command, Examine};
use crate::error::Result;
use crate::log_level::{self, Level};
use crate::{clock, commands, get_token, log, terminal, told};

/// The exit code of `--detailed-exitcode` for a run that changed something.
const CHANGED: u8 = 10;

/// The exit code of a run that did what it should.
const DONE: u8 = 0;

/// Runs `kubekey` with the arguments of this process, and returns its exit code.
pub fn main() -> u8 {
    #[cfg(windows)]
    crate::sign_in::open_for_parent();
    log::start();
    let result = match commands::words_to_complete() {
        Some(words) => commands::complete(&words, &mut io::stdout().lock()).map(|()| DONE),
        None => Cli::parse_arguments().and_then(run),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            let error = told::once(error);
            terminal::error(&error);
            error.kind().exit_code()
        }
    }
}

fn run(cli: Cli) -> Result<u8> {
    clock::check()?;
    log::debug(format_args!("v{} on {} {}", env!("CARGO_PKG_VERSION"), consts::OS, consts::ARCH));
    if commands::is_bare() {
        return commands::introduce(&mut io::stdout().lock()).map(|()| DONE);
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
        Command::Logout(asked) => commands::logout(&asked, &cli.settings)?,
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
        Command::Pages { write: Some(dir), .. } => commands::write_pages(&dir)?,
        Command::Pages { dir, .. } => commands::preview_pages(&cli.settings, dir.as_deref())?,
        Command::Completions { shell } => commands::print_script(shell, &mut io::stdout().lock())?,
        Command::Version => commands::version(&mut io::stdout().lock())?,
        Command::Setup(asked) => {
            let setup = if asked.system { commands::setup_system } else { commands::setup };
            let is_changed = setup(cli.settings, &asked, &mut io::stdout().lock())?;
            return Ok(if is_changed && asked.detailed_exitcode { CHANGED } else { DONE });
        }
    }
    Ok(DONE)
}
