//! The command line: subcommands that clap derives, and a flag for each setting of the table. Values are unparsed
//! strings here; [`crate::config`] parses them.

mod context;
mod kubelogin;
mod print;
mod settings;
mod setup;

use std::ffi::OsString;

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::config::Flags;
use crate::config::keys::variable_of;
use crate::error::{Error, Result};
use crate::{log_level, terminal};
use kubelogin::Words;

pub use context::{Examine, Format, OfContext};
pub use print::{Document, Print};
pub use setup::{From, Setup};

/// What clap makes of a command line.
type Parsed<T> = std::result::Result<T, clap::Error>;

/// Each paragraph is one line, because clap wraps it to the width of the terminal.
macro_rules! examples {
    ($files:literal) => {
        concat!(
            "\
In a kubeconfig:
  users:
  - name: me
    user:
      exec:
        apiVersion: client.authentication.k8s.io/v1
        command: kubekey
        args: [--issuer-url, https://login.example.com, --client-id, kubernetes]
        interactiveMode: IfAvailable
        provideClusterInfo: true

Every flag --foo-bar is also the variable KUBEKEY_FOO_BAR and the key foo_bar of a config.toml: ",
            $files,
            ". Variables win over files, and flags over variables; \
'kubekey config show --origin' shows the effective settings and their origins.
IDP_ISSUER_URL, CLIENT_ID and CLIENT_SECRET are read too; the latter two only when IDP_ISSUER_URL is set.
A variable for a repeatable flag has its values separated by spaces; one for files separates them as PATH does.
HTTPS_PROXY and NO_PROXY are respected; a provider on this machine is never reached through a proxy.
KUBEKEY_LOG sets the log level on stderr: error, warn, info (the default), debug or trace.

Exit codes: 0 done, 1 failed, 2 usage, 3 sign-in failed or none usable, 4 not allowed by policy, 5 provider unreachable, 6 storage; \
with --detailed-exitcode 10 changed."
        )
    };
}

const EXAMPLES: &str = if cfg!(windows) {
    examples!(
        r"%ProgramData%\kubekey\config.toml, %ProgramData%\kubekey\config.d\*.toml, %AppData%\kubekey\config.toml"
    )
} else if cfg!(target_os = "macos") {
    examples!(
        "/Library/Application Support/kubekey/config.toml, /Library/Application Support/kubekey/config.d/*.toml, \
         ~/Library/Application Support/kubekey/config.toml"
    )
} else {
    examples!("/etc/kubekey/config.toml, /etc/kubekey/config.d/*.toml, ~/.config/kubekey/config.toml")
};

/// Kubernetes credential plugin that signs users in with OpenID Connect.
///
/// Prints one ExecCredential: with the saved ID token while it is valid, else after a silent refresh, else after a
/// sign-in in the browser.
#[derive(Parser)]
#[command(
    name = "kubekey",
    version = concat!("v", env!("CARGO_PKG_VERSION")),
    disable_version_flag = true,
    after_help = EXAMPLES,
)]
pub struct Cli {
    /// The subcommand; without one, `get-token`.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Settings, the same for every command.
    #[command(flatten)]
    pub settings: Flags,

    /// Print the version
    #[arg(short = 'v', short_alias = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
}

/// The command line of client-go: settings and nothing else. Without subcommands, clap builds only half as much.
#[derive(Parser)]
#[command(disable_help_flag = true, disable_version_flag = true)]
struct Plugin {
    #[command(flatten)]
    settings: Flags,
}

impl Plugin {
    fn parse(read: &Words) -> Parsed<Self> {
        let program = OsString::from("kubekey");
        let is_named = read.words.first().is_some_and(|first| first == "get-token");
        Self::try_parse_from(std::iter::once(&program).chain(&read.words[usize::from(is_named)..]))
    }
}

impl Cli {
    /// Parses the program's arguments: first with the small command line of the plugin, then, if that rejects them,
    /// with the complete one, which also reports errors.
    ///
    /// # Errors
    /// For arguments that clap or [`Words`] rejects. The help or the version, if that is requested, ends the process.
    pub fn parse_arguments() -> Result<Self> {
        let read = Words::read(std::env::args_os().skip(1))?;
        read.level.into_iter().for_each(log_level::set);
        let mut cli = match Plugin::parse(&read) {
            Ok(plugin) => Self { command: None, settings: plugin.settings, version: None },
            Err(_) => Self::parse_all(&read).map_err(refuse)?,
        };
        cli.settings.1 = read.kubelogin;
        Ok(cli)
    }

    fn parse_all(read: &Words) -> Parsed<Self> {
        let mut command =
            Self::command().bin_name(terminal::called()).mut_subcommand("setup", |setup| setup.mut_args(with_variable));
        let program = std::env::args_os().next().unwrap_or_default();
        let mut matches = command.try_get_matches_from_mut(std::iter::once(&program).chain(&read.words))?;
        Self::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
    }
}

/// Parses the arguments of a kubeconfig's user.
///
/// # Errors
/// If kubekey rejects them, as it would when kubectl runs it.
pub fn flags_of(arguments: &[String]) -> Result<Flags> {
    flags_in(Words::read(arguments.iter().map(Into::into))?)
}

/// The same for a user of kubelogin who moves to kubekey: what is refused on purpose and is not needed becomes a warning.
///
/// # Errors
/// If kubekey rejects them.
pub fn moved_flags_of(arguments: &[String]) -> Result<Flags> {
    flags_in(Words::read_to_move(arguments.iter().map(Into::into))?)
}

fn flags_in(read: Words) -> Result<Flags> {
    let mut flags = Plugin::parse(&read)?.settings;
    flags.1 = read.kubelogin;
    Ok(flags)
}

/// Ends the run with the help or the version if that was requested. clap does not print the errors: it repeats the
/// arguments of a kubeconfig as they are.
fn refuse(error: clap::Error) -> Error {
    if !error.use_stderr() {
        error.exit();
    }
    error.into()
}

/// Adds its variable to a flag of a subcommand; an empty variable is ignored. Variables of settings are not read here:
/// they are a layer of [`crate::config`].
fn with_variable(arg: Arg) -> Arg {
    let variable = arg.get_long().map(variable_of);
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
    /// Print an ExecCredential for kubectl (what kubekey does without a subcommand)
    GetToken,
    /// Sign in now, even if a sign-in is saved
    Login(OfContext),
    /// Remove the saved sign-in
    Logout(OfContext),
    /// List the saved sign-ins; exit code 3 if none can be used
    Status {
        /// The output format
        #[arg(long, value_enum, default_value = "text")]
        output: StatusOutput,
        /// Only the sign-in of this context.
        #[command(flatten)]
        of: OfContext,
    },
    /// Print the ID token alone, for scripts
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
        #[arg(long, value_enum, default_value = "text")]
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
    /// Write the built-in pages of the browser into a folder, to start from
    Pages {
        /// The folder, which is made if it is missing; existing files are not overwritten
        #[arg(long, value_name = "DIR")]
        write: std::path::PathBuf,
    },
    /// Print the version
    Version,
}

/// What to do with the configuration.
#[derive(Subcommand)]
pub enum Config {
    /// Print the effective settings, with secrets hidden
    Show {
        /// Show where each setting comes from
        #[arg(long)]
        origin: bool,
        /// The output format
        #[arg(long, value_enum, default_value = "toml")]
        output: Output,
        /// The context to show.
        #[command(flatten)]
        of: OfContext,
    },
    /// Look for mistakes in all configuration files, or in one
    Check {
        /// A file to check before it is installed
        file: Option<std::path::PathBuf>,
        /// The file is a policy
        #[arg(long, requires = "file")]
        policy: bool,
    },
    /// Print the JSON schema of a configuration file, for editors
    Schema {
        /// Print the schema of a policy instead
        #[arg(long)]
        policy: bool,
    },
}

/// An output format of `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StatusOutput {
    /// A table.
    Text,
    /// A table with where each sign-in is saved, and when it was made and refreshed.
    Wide,
    /// For programs.
    Json,
}

/// An output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// As in a file.
    Toml,
    /// For programs, always with origins.
    Json,
}
