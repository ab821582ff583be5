//! The command line: subcommands that clap derives, and a flag for each setting of the table. Values are unparsed
//! strings here; [`crate::config`] parses them.

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
mod secret_values;
mod settings;
mod setup;
mod shell;
mod verbosity;

use std::ffi::OsString;
use std::io::{self, Write as _};

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::Flags;
use crate::config::keys::variable_of;
use crate::error::{Error, ErrorKind, Result};
use crate::output::written;
use crate::{log_level, terminal};
use kubelogin::Words;

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
        let command = self.command.as_ref().and_then(Command::name_without_settings);
        match (command, self.settings.0.first()) {
            (Some(command), Some((key, _))) => {
                let message = format!("{} has no effect on 'kubekey {command}'", read.typed(key));
                let hint = "leave it out; to list the flags of this command, run:";
                Err(Error::new(ErrorKind::Usage, message).hint(hint).commands([format!("kubekey {command} --help")]))
            }
            _ => Ok(()),
        }
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

/// The subcommands.
#[derive(Subcommand)]
pub enum Command {
    /// Print an ExecCredential for kubectl: the default
    GetToken,
    /// Sign in now, even if a sign-in is saved
    Login(OfContext),
    /// Remove the saved sign-in, or several
    Logout(Logout),
    /// List the saved sign-ins; exit code 3 if none can be used
    Status {
        /// The output format
        #[arg(short, long, value_enum, default_value = "text")]
        output: StatusOutput,
        /// Only the sign-in of this context.
        #[command(flatten)]
        of: OfContext,
    },
    /// Print the token alone, for scripts
    Token {
        /// Print its header and claims instead, without the signature
        #[arg(long)]
        decode: bool,
        /// The context to use.
        #[command(flatten)]
        of: OfContext,
    },
    /// Ask the API server who you are, and compare it with the token
    Whoami {
        /// The output format
        #[arg(short, long, value_enum, default_value = "text")]
        output: Format,
        /// The context to ask.
        #[command(flatten)]
        of: OfContext,
    },
    /// Check all that a sign-in depends on, and say what to do
    Doctor(Examine),
    /// Show and check the configuration
    #[command(subcommand)]
    Config(Config),
    /// Write clusters, each with a user and a context, to the kubeconfig
    Setup(Box<Setup>),
    /// Write the built-in pages of the browser into a folder, to start from, or show all pages with sample data
    Pages {
        /// Write the built-in pages into this folder, which is made if it is missing; existing files are not overwritten
        #[arg(long, value_name = "DIR", required_unless_present = "preview", conflicts_with = "preview")]
        write: Option<std::path::PathBuf>,
        /// Show all pages in the browser with sample data, until Ctrl-C
        #[arg(long)]
        preview: bool,
        /// The folder with your templates for --preview [default: as for a sign-in]
        #[arg(long, value_name = "DIR", requires = "preview")]
        dir: Option<std::path::PathBuf>,
    },
    /// Print the script with which a shell completes kubekey's commands, flags, contexts, clusters and profiles
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the version
    Version,
}

impl Command {
    /// Its name, if no setting means anything to it.
    fn name_without_settings(&self) -> Option<&'static str> {
        match self {
            Self::Status { .. } => Some("status"),
            Self::Config(Config::Check { file: Some(_), .. }) => Some("config check"),
            Self::Config(Config::Schema { .. }) => Some("config schema"),
            Self::Pages { write: Some(_), .. } => Some("pages"),
            Self::Completions { .. } => Some("completions"),
            Self::Version => Some("version"),
            _ => None,
        }
    }
}
