//! The command line: subcommands that clap derives, and a flag for each setting of the table. Values are unparsed
//! strings here; [`crate::config`] parses them.

mod command;
mod config;
mod examine;
mod flag_value;
mod help;
mod kubelogin;
mod logout;
mod misplaced;
mod of_context;
mod other_names;
mod output;
mod print;
mod refused;
mod secret_values;
mod settings;
mod setup;
mod shell;
mod verbosity;

use std::ffi::OsString;
use std::io::{self, Write as _};

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, CommandFactory, FromArgMatches, Parser};

use crate::config::Flags;
use crate::config::keys::variable_of;
use crate::error::{Error, ErrorKind, Result};
use crate::output::written;
use crate::{log_level, terminal};
use kubelogin::Words;

pub use command::Command;
pub use config::Config;
pub use examine::Examine;
pub use logout::Logout;
pub use of_context::OfContext;
pub use output::{Format, Output, StatusOutput};
pub use print::{Document, Print};
pub use setup::{From, Setup};
pub use shell::Shell;

/// What clap makes of a command line.
type Parsed<T> = std::result::Result<T, clap::Error>;

/// Kubernetes credential plugin that signs users in with OpenID Connect.
///
/// Prints one ExecCredential: with the saved ID token while it is valid, else after a silent refresh, else after a
/// sign-in in the browser.
#[derive(Parser)]
#[command(
    name = "kubekey",
    version = concat!("v", env!("CARGO_PKG_VERSION")),
    disable_version_flag = true,
    after_help = help::EXAMPLES,
)]
pub struct Cli {
    /// The subcommand; without one, `get-token`.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Settings, the same for every command.
    #[command(flatten)]
    pub settings: Flags,

    /// Print each step and decision of the run to stderr, and no secret: as KUBEKEY_LOG=debug
    #[arg(long)]
    verbose: bool,

    /// Print the version
    #[arg(short = 'v', short_alias = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
}

impl Cli {
    /// Parses the program's arguments: first as those of client-go, settings and nothing else, then, if they are not, with the
    /// complete command line, which also reports errors.
    ///
    /// # Errors
    /// For arguments that clap or [`Words`] rejects. The help or the version, if that is requested, ends the process, unless
    /// it cannot be written.
    pub fn parse_arguments() -> Result<Self> {
        let read = Words::read(std::env::args_os().skip(1), Self::command)?;
        read.level.into_iter().for_each(log_level::set);
        let mut cli = match settings::alone_and_quickly(read.settings()) {
            Ok(settings) => Self { command: None, settings, verbose: false, version: None },
            Err(_) => Self::parse_all(&read).map_err(|error| {
                secret_values::hide(&read.words);
                refuse(error, &read.words)
            })?,
        };
        cli.refuse_without_effect(&read)?;
        cli.settings.1 = read.kubelogin;
        Ok(cli)
    }

    /// A setting that would be ignored is a mistake.
    fn refuse_without_effect(&self, read: &Words) -> Result<()> {
        let Some(command) = &self.command else { return Ok(()) };
        let useless = self.settings.0.iter().find_map(|(key, _)| Some((command.name_without(key)?, key)));
        let Some((command, key)) = useless else { return Ok(()) };
        let message = format!("{} has no effect on 'kubekey {command}'", read.typed(key));
        let hint = "leave it out; to list the flags of this command, run:";
        Err(Error::new(ErrorKind::Usage, message).hint(hint).commands([format!("kubekey {command} --help")]))
    }

    fn parse_all(read: &Words) -> Parsed<Self> {
        let is_short = read.words.iter().any(|word| word == "-h");
        let command = help::arrange(Self::command(), is_short).bin_name(terminal::called());
        let mut command = command.mut_subcommand("setup", |setup| setup.mut_args(with_variable));
        let program = std::env::args_os().next().unwrap_or_default();
        let words = settings::behind_command(&read.words, &command);
        let mut matches = command.try_get_matches_from_mut(std::iter::once(&program).chain(&words))?;
        Self::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
    }
}

/// Parses the arguments of a kubeconfig's user.
///
/// # Errors
/// If kubekey rejects them, as it would when kubectl runs it.
pub fn flags_of(arguments: &[String]) -> Result<Flags> {
    flags_in(Words::read(arguments.iter().map(Into::into), Cli::command)?)
}

/// The same for a user of kubelogin who moves to kubekey: what is refused on purpose and is not needed becomes a warning.
///
/// # Errors
/// If kubekey rejects them.
pub fn moved_flags_of(arguments: &[String]) -> Result<Flags> {
    flags_in(Words::read_to_move(arguments.iter().map(Into::into), Cli::command)?)
}

fn flags_in(read: Words) -> Result<Flags> {
    // Between flags the command may stand as well.
    let flags = settings::alone(read.settings()).or_else(|error| {
        settings::alone(&read.without_command()).map_err(|_| {
            secret_values::hide(&read.words);
            error
        })
    });
    let mut flags = flags?;
    flags.1 = read.kubelogin;
    Ok(flags)
}

/// Ends the run with the help or the version if that was requested and is written. clap does not print the errors: it
/// repeats the arguments of a kubeconfig as they are.
fn refuse(error: clap::Error, words: &[OsString]) -> Error {
    if error.use_stderr() {
        let commands: Vec<_> = Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
        return misplaced::error(error, words, &commands);
    }
    match written(error.print().and_then(|()| io::stdout().flush())) {
        Ok(()) => std::process::exit(0),
        Err(error) => error,
    }
}

/// Adds its variable to a flag of a subcommand; an empty variable is ignored. Variables of settings are not read here:
/// they are a layer of [`crate::config`].
fn with_variable(arg: Arg) -> Arg {
    let variable = arg.get_long().filter(|_| !arg.is_global_set()).map(variable_of);
    let is_set = |name: &String| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let Some(variable) = variable.filter(is_set) else { return arg };
    let arg = match arg.get_action() {
        ArgAction::SetTrue => arg.value_parser(BoolishValueParser::new()),
        _ => arg,
    };
    // clap requires a name with a static lifetime.
    arg.env(&*variable.leak()).hide_env(true)
}
