//! The command line: subcommands as clap derives them, and a flag for each setting of the table. Values are plain text
//! here; [`crate::config`] parses them.

mod print;
mod settings;

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::config::Flags;

pub use print::{Document, Print};

const EXAMPLES: &str = "\
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

Every flag --foo-bar is also the variable KUBEKEY_FOO_BAR and the key foo_bar of a config.toml: /etc/kubekey/config.toml,
/etc/kubekey/config.d/*.toml, ~/.config/kubekey/config.toml. Variables win over files, and flags over variables;
'kubekey config show --origin' shows what holds and why.
IDP_ISSUER_URL, CLIENT_ID and CLIENT_SECRET are read too; the latter two only when IDP_ISSUER_URL is set.
A variable for a repeatable flag holds several values with spaces in between, one for files as PATH does.
HTTPS_PROXY and NO_PROXY are respected; a provider on this computer is never reached through a proxy.
KUBEKEY_LOG sets how much is said on stderr: error, warn, info (the default), debug or trace.

Exit codes: 0 done, 1 failed, 2 usage, 3 sign-in failed, 4 refused by policy, 5 provider unreachable, 6 storage;
with --detailed-exitcode 10 changed.";

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
    /// What to do; nothing said means `get-token`.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Settings, the same for every command.
    #[command(flatten)]
    pub settings: Flags,

    /// Print the version
    #[arg(short = 'v', short_alias = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
}

/// What client-go runs: settings and nothing else. Without subcommands clap has half as much to build.
#[derive(Parser)]
#[command(disable_help_flag = true, disable_version_flag = true)]
struct Plugin {
    #[command(flatten)]
    settings: Flags,
}

impl Cli {
    /// Parses the program's arguments: those of a plugin on the short way, and all others, wrong ones included, on the
    /// long one.
    ///
    /// # Errors
    /// What cannot be understood; and what is no error, the help and the version.
    pub fn parse_arguments() -> Result<Self, clap::Error> {
        let arguments = std::env::args_os().enumerate();
        let settings = arguments.filter(|(index, argument)| *index != 1 || argument != "get-token");
        match Plugin::try_parse_from(settings.map(|(_, argument)| argument)) {
            Ok(plugin) => Ok(Self { command: None, settings: plugin.settings, version: None }),
            Err(_) => {
                let mut command = Self::command().mut_subcommand("setup", |setup| setup.mut_args(with_variable));
                let mut matches = command.try_get_matches_from_mut(std::env::args_os())?;
                Self::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
            }
        }
    }
}

/// A flag of a subcommand, with what its variable says if it is not given; an empty one is as good as none. Those of the
/// settings are a layer of their own in [`crate::config`].
fn with_variable(arg: Arg) -> Arg {
    let variable = arg.get_long().map(|long| format!("KUBEKEY_{}", long.replace('-', "_").to_uppercase()));
    let is_set = |name: &String| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let Some(variable) = variable.filter(is_set) else { return arg };
    let arg = match arg.get_action() {
        ArgAction::SetTrue => arg.value_parser(BoolishValueParser::new()),
        _ => arg,
    };
    // The library keeps only names that live as long as the program.
    arg.env(&*variable.leak()).hide_env(true)
}

/// The subcommands.
#[derive(Subcommand)]
pub enum Command {
    /// Print an ExecCredential for kubectl (what kubekey does without a subcommand)
    GetToken,
    /// Sign in now, whatever is saved
    Login,
    /// Forget the saved sign-in
    Logout,
    /// Look at the configuration files and at what they come to
    #[command(subcommand)]
    Config(Config),
    /// Write clusters, with a user and a context each, into the kubeconfig
    Setup(Box<Setup>),
}

/// What `setup` writes and where. Settings that are given as flags beside these are written into the user's entry.
#[derive(Args, Clone)]
pub struct Setup {
    /// Write the settings for all users of this computer instead, into /etc/kubekey/config.toml: as root, without a question
    #[arg(long, conflicts_with_all = ["user", "set_current", "print"])]
    pub system: bool,

    /// With --system: a file as config.toml is one, with settings, profiles and clusters; - is standard input
    #[arg(long, value_name = "FILE", requires = "system")]
    pub answers: Option<String>,

    /// A cluster of the configuration files, or with --server a new one [default: all clusters of the files]
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,

    /// The address of the API server of a cluster that is in no configuration file
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,

    /// A CA certificate in PEM to trust for the provider, repeatable; --certificate-authority is the cluster's here
    #[arg(long, value_name = "FILE")]
    pub issuer_certificate_authority: Vec<String>,

    /// The name of the context [default: as in the file, else the cluster's]
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,

    /// The name of the user's entry [default: kubekey- and the cluster's]
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,

    /// The namespace of the context
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,

    /// Make the (first) context the current one, even if there is one
    #[arg(long)]
    pub set_current: bool,

    /// The file to change [default: as kubectl, from KUBECONFIG, else ~/.kube/config; with --system: none]
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<String>,

    /// Write 'kubekey' as the command instead of the whole path
    #[arg(long)]
    pub command_name: bool,

    /// Write the client secret into the file, which others may read
    #[arg(long)]
    pub include_client_secret: bool,

    /// Do not ask the provider whether it is one
    #[arg(long)]
    pub offline: bool,

    /// Show what would be changed, as a diff, and write nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Say what was done: in words (text) or on stdout (json)
    #[arg(long, value_name = "FORMAT")]
    pub output: Option<String>,

    /// Exit with 10 if something was changed
    #[arg(long)]
    pub detailed_exitcode: bool,

    /// Something to print instead.
    #[command(flatten)]
    pub print: Print,
}

/// What to do with the configuration.
#[derive(Subcommand)]
pub enum Config {
    /// Print the settings that hold, secrets hidden
    Show {
        /// Say where each comes from
        #[arg(long)]
        origin: bool,
        /// How to print them
        #[arg(long, value_enum, default_value = "toml")]
        output: Output,
    },
    /// Look for mistakes in all configuration files, or in one
    Check {
        /// A file that need not be in its place yet
        file: Option<std::path::PathBuf>,
        /// The file is a policy
        #[arg(long, requires = "file")]
        policy: bool,
    },
    /// Print the JSON schema of a configuration file, for editors
    Schema {
        /// That of a policy
        #[arg(long)]
        policy: bool,
    },
}

/// A form of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// As in a file.
    Toml,
    /// For programs: with origins, whether or not they are asked for.
    Json,
}
