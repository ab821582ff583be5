//! The command line, as clap derives it. Values are plain text here; [`crate::config`] parses them.

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};

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
    pub settings: Settings,

    /// Print the version
    #[arg(short = 'v', short_alias = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
}

/// What client-go runs: settings and nothing else. Without subcommands clap has half as much to build.
#[derive(Parser)]
#[command(disable_help_flag = true, disable_version_flag = true)]
struct Plugin {
    #[command(flatten)]
    settings: Settings,
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
            Err(_) => Self::parse_commands(),
        }
    }

    fn parse_commands() -> Result<Self, clap::Error> {
        let matches = Self::command().try_get_matches()?;
        let mut cli = Self::from_arg_matches(&matches)?;
        if let (Some(Command::Setup(setup)), Some((_, own))) = (&mut cli.command, matches.subcommand()) {
            setup.flags = flags(&matches);
            if is_flag(own, "issuer_certificate_authority") {
                let files = setup.issuer_certificate_authority.iter();
                setup.flags.extend(files.map(|file| format!("--certificate-authority={file}")));
            }
            // Here the flag is the cluster's, as in `kubectl config set-cluster`; the variable is always the provider's.
            if is_flag(&matches, CERTIFICATE_AUTHORITY) {
                setup.cluster_certificate_authority = cli.settings.certificate_authority.pop();
            }
        }
        Ok(cli)
    }
}

/// The flags, by clap's names, that `setup` does not repeat in a kubeconfig as they are.
const NOT_REPEATED: [&str; 4] = ["issuer_url", "client_id", "client_secret", CERTIFICATE_AUTHORITY];
const CERTIFICATE_AUTHORITY: &str = "certificate_authority";

/// The settings that were given as flags, in the form that a kubeconfig takes.
fn flags(matches: &ArgMatches) -> Vec<String> {
    let all = Settings::augment_args(clap::Command::new("settings"));
    let given = all.get_arguments().filter(|flag| {
        let id = flag.get_id().as_str();
        !NOT_REPEATED.contains(&id) && is_flag(matches, id)
    });
    let values = |flag: &clap::Arg| {
        let name = flag.get_long().unwrap_or_default().to_owned();
        let values = matches.get_many::<String>(flag.get_id().as_str()).into_iter().flatten();
        values.map(|value| format!("--{name}={value}")).collect::<Vec<_>>()
    };
    given.flat_map(values).collect()
}

fn is_flag(matches: &ArgMatches, id: &str) -> bool {
    matches.value_source(id) == Some(ValueSource::CommandLine)
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
    /// Write a cluster, its user and its context into the kubeconfig
    Setup(Box<Setup>),
}

/// What `setup` writes and where. Settings that are given as flags beside these are written into the user's entry.
#[derive(Args, Default)]
pub struct Setup {
    /// The name of the cluster's entry
    #[arg(long, value_name = "NAME")]
    pub cluster: String,

    /// The address of the cluster's API server
    #[arg(long, value_name = "URL")]
    pub server: String,

    /// Set by --certificate-authority, which is the cluster's here.
    #[arg(skip)]
    pub cluster_certificate_authority: Option<String>,

    /// A CA certificate in PEM to trust for the provider, repeatable; --certificate-authority is the cluster's here
    #[arg(long, value_name = "FILE", env = "KUBEKEY_CERTIFICATE_AUTHORITY")]
    pub issuer_certificate_authority: Vec<String>,

    /// The name of the context [default: the cluster's]
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,

    /// The name of the user's entry [default: kubekey- and the cluster's]
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,

    /// The namespace of the context
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,

    /// Make the context the current one, even if there is one
    #[arg(long)]
    pub set_current: bool,

    /// The file to change [default: as kubectl, from KUBECONFIG, else ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<String>,

    /// Write 'kubekey' as the command instead of the whole path
    #[arg(long)]
    pub command_name: bool,

    /// Write the client secret into the kubeconfig
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

    /// The settings that were given as flags, for the user's entry.
    #[arg(skip)]
    pub flags: Vec<String>,
}

/// Settings as given by flags or, where a flag is absent, by their environment variable. No `Debug`: a secret is in them.
#[derive(Args, Clone, Default)]
pub struct Settings {
    /// The provider's issuer URL, as in its discovery document [also IDP_ISSUER_URL]
    #[arg(long, value_name = "URL", env = "KUBEKEY_ISSUER_URL", alias = "oidc-issuer-url", global = true)]
    pub issuer_url: Option<String>,

    /// The client ID registered with the provider [also CLIENT_ID]
    #[arg(long, value_name = "ID", env = "KUBEKEY_CLIENT_ID", alias = "oidc-client-id", global = true)]
    pub client_id: Option<String>,

    /// The client secret, if the provider wants one [also CLIENT_SECRET]
    #[arg(
        long,
        value_name = "SECRET",
        env = "KUBEKEY_CLIENT_SECRET",
        hide_env_values = true,
        alias = "oidc-client-secret",
        global = true
    )]
    pub client_secret: Option<String>,

    /// A file with the client secret on its first line
    #[arg(long, value_name = "FILE", env = "KUBEKEY_CLIENT_SECRET_FILE", global = true)]
    pub client_secret_file: Option<String>,

    /// A CA certificate in PEM to trust besides the system's, repeatable
    #[arg(long, value_name = "FILE", env = "KUBEKEY_CERTIFICATE_AUTHORITY", global = true)]
    pub certificate_authority: Vec<String>,

    /// The same as base64 of the PEM, repeatable
    #[arg(
        long,
        value_name = "BASE64",
        env = "KUBEKEY_CERTIFICATE_AUTHORITY_DATA",
        hide_env_values = true,
        global = true
    )]
    pub certificate_authority_data: Vec<String>,

    /// Believe every certificate: whoever is between here and the provider can take your sign-in
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        env = "KUBEKEY_INSECURE_SKIP_TLS_VERIFY",
        global = true
    )]
    pub insecure_skip_tls_verify: Option<String>,

    /// A scope to ask for, repeatable [default: openid, email, profile and what the provider needs for a refresh token]
    #[arg(long, value_name = "SCOPE", env = "KUBEKEY_SCOPE", alias = "oidc-extra-scope", global = true)]
    pub scope: Vec<String>,

    /// Where to listen for the browser's answer, repeatable, tried in order [default: 127.0.0.1 on a free port]
    #[arg(long, value_name = "HOST:PORT", env = "KUBEKEY_LISTEN_ADDRESS", global = true)]
    pub listen_address: Vec<String>,

    /// The redirect URL registered with the provider, repeatable, tried in order [default: /callback at the listen address]
    #[arg(long, value_name = "URL", env = "KUBEKEY_REDIRECT_URL", alias = "oidc-redirect-url", global = true)]
    pub redirect_url: Vec<String>,

    /// How long to wait for the browser's answer: seconds, or 90s, 3m [default: 180s]
    #[arg(
        long,
        value_name = "TIME",
        env = "KUBEKEY_LOGIN_TIMEOUT",
        alias = "authentication-timeout-sec",
        global = true
    )]
    pub login_timeout: Option<String>,

    /// How the provider sends its answer: auto, form_post or query [default: auto, form_post where it is offered]
    #[arg(long, value_name = "MODE", env = "KUBEKEY_RESPONSE_MODE", global = true)]
    pub response_mode: Option<String>,

    /// The program to open the browser with, and its arguments; %s in one is replaced by the address [default: BROWSER,
    /// else the desktop's]
    #[arg(long, value_name = "COMMAND", env = "KUBEKEY_BROWSER_COMMAND", global = true)]
    pub browser_command: Option<String>,

    /// Open no browser, only print the address
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        env = "KUBEKEY_SKIP_OPEN_BROWSER",
        global = true
    )]
    pub skip_open_browser: Option<String>,

    /// Where to keep a sign-in: auto, keyring, kernel, file or none [default: auto]
    #[arg(long, value_name = "PLACE", env = "KUBEKEY_TOKEN_STORAGE", alias = "token-cache-storage", global = true)]
    pub token_storage: Option<String>,

    /// The folder for --token-storage=file [default: tokens, in kubekey's state folder]
    #[arg(long, value_name = "DIR", env = "KUBEKEY_TOKEN_DIR", alias = "token-cache-dir", global = true)]
    pub token_dir: Option<String>,

    /// A folder with signed_in.html and sign_in_failed.html of your own [also KUBEKEY_TEMPLATEDIR]
    #[arg(long, value_name = "DIR", env = "KUBEKEY_TEMPLATE_DIR", global = true)]
    pub template_dir: Option<String>,
}
