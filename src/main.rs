//! The `kubekey` program: parses the arguments, runs the command, says what went wrong, sets the exit code.

use std::env::consts;
use std::io;
use std::process::ExitCode;

use kubekey::cli::{Cli, Command};
use kubekey::error::{Error, Result};
use kubekey::{commands, get_token, log, terminal};

/// The exit code of `--detailed-exitcode` for a run that changed something.
const CHANGED: u8 = 10;

fn main() -> ExitCode {
    log::start();
    match Cli::parse_arguments().map_err(refuse).and_then(run) {
        Ok(code) => code,
        Err(error) => {
            terminal::error(&error);
            ExitCode::from(error.kind().exit_code())
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode> {
    log::debug(format_args!("v{} on {} {}", env!("CARGO_PKG_VERSION"), consts::OS, consts::ARCH));
    match cli.command.unwrap_or(Command::GetToken) {
        Command::GetToken => get_token::get_token(&cli.settings, &mut io::stdout().lock())?,
        Command::Login => commands::login(&cli.settings)?,
        Command::Logout => commands::logout(&cli.settings)?,
        Command::Config(config) => commands::config(&config, &cli.settings, &mut io::stdout().lock())?,
        Command::Setup(asked) => {
            let setup = if asked.system { commands::setup_system } else { commands::setup };
            let is_changed = setup(cli.settings, &asked, &mut io::stdout().lock())?;
            return Ok(ExitCode::from(if is_changed && asked.detailed_exitcode { CHANGED } else { 0 }));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Ends the run with the help or the version where that is what was asked for. What is wrong is not printed by clap,
/// which repeats the arguments of a kubeconfig as they are.
fn refuse(error: clap::Error) -> Error {
    if !error.use_stderr() {
        error.exit();
    }
    error.into()
}

/// Nothing but minijinja's operator `**` calls `pow`, and with one in the program no libm is loaded at each start, which
/// costs an eighth of the start.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(
    unsafe_code,
    reason = "the linker finds a function only under its own name, which has to be that of the C library's"
)]
#[unsafe(no_mangle)]
extern "C" fn pow(base: f64, exponent: f64) -> f64 {
    libm::pow(base, exponent)
}
