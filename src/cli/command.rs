//! The subcommands, and which settings mean nothing to them.

use clap::{Args, FromArgMatches, Subcommand};

use super::config::Config;
use super::examine::Examine;
use super::logout::Logout;
use super::of_context::OfContext;
use super::output::{Format, StatusOutput};
use super::setup::Setup;
use super::shell::Shell;
use crate::config::Flags;
use crate::config::keys::Key;

/// The settings that mean something to a preview of the pages, beside the folder with the templates.
const OF_PREVIEW: [&str; 3] = ["profile", "browser-command", "skip-open-browser"];

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
    /// The command that these words begin with, as far as they are understood.
    pub(super) fn begun_with(words: &[&str]) -> Option<Self> {
        let command = Flags::augment_args(Self::augment_subcommands(clap::Command::new("kubekey")));
        let words = std::iter::once(&"kubekey").chain(words);
        let matches = command.ignore_errors(true).try_get_matches_from(words).ok()?;
        Self::from_arg_matches(&matches).ok()
    }

    /// Its name, if this setting means nothing to it.
    pub(super) fn name_without(&self, key: &Key) -> Option<&'static str> {
        match self {
            Self::Status { .. } => Some("status"),
            Self::Config(Config::Check { file: Some(_), .. }) => Some("config check"),
            Self::Config(Config::Schema { .. }) => Some("config schema"),
            Self::Pages { write: Some(_), .. } => Some("pages"),
            Self::Pages { preview: true, dir, .. } => {
                let is_for_it = OF_PREVIEW.contains(&key.flag) || key.flag == "template-dir" && dir.is_none();
                (!is_for_it).then_some("pages --preview")
            }
            Self::Setup(asked) => asked.name_without_settings(),
            Self::Completions { .. } => Some("completions"),
            Self::Version => Some("version"),
            _ => None,
        }
    }
}
