//! The flags of `setup`.

use clap::Args;
use clap::builder::NonEmptyStringValueParser as NonEmpty;

use super::print::{Document, Print};

/// The flags that have no effect on users who are moved.
const NOT_MOVED: [&str; 11] = [
    "system",
    "cluster",
    "server",
    "issuer_certificate_authority",
    "namespace",
    "set_current",
    "include_client_secret",
    "offline",
    "no_login",
    "print",
    "answers",
];

/// The flags that would change what a published file says.
const NOT_PUBLISHED: [&str; 14] = [
    "system",
    "cluster",
    "server",
    "issuer_certificate_authority",
    "context",
    "user",
    "namespace",
    "include_client_secret",
    "print",
    "answers",
    "remove",
    "from_kubelogin",
    "from_original",
    "from_auth_provider",
];

const CLUSTERS: &str = "Clusters";
const ENTRY: &str = "The user's entry";
const MACHINE: &str = "All users of this machine";

/// Users of the kubeconfig who sign in with another program, to move to kubekey.
#[derive(Args, Clone, Copy, Default)]
#[command(next_help_heading = "Users of other programs")]
pub struct From {
    /// Move users of kubelogin (kubectl oidc-login)
    ///
    /// All of the kubeconfig, or that of --user or --context.
    #[arg(long, conflicts_with_all = NOT_MOVED)]
    pub from_kubelogin: bool,

    /// Move the users of the original kubekey, with its environment variables
    #[arg(long, conflicts_with_all = NOT_MOVED)]
    pub from_original: bool,

    /// Move the users of kubectl's old 'auth-provider: oidc'
    #[arg(long, conflicts_with_all = NOT_MOVED)]
    pub from_auth_provider: bool,
}

impl From {
    /// Whether any users are to be moved.
    pub fn is_asked(self) -> bool {
        self.from_kubelogin || self.from_original || self.from_auth_provider
    }
}

/// What `setup` writes and where. Settings that are given as flags beside these are written into the user's entry.
#[derive(Args, Clone)]
pub struct Setup {
    /// Take over what your platform team published at this https address, or in this file
    ///
    /// The settings and clusters go into your own configuration and kubeconfig, after you have seen them.
    #[arg(long = "from", value_name = "URL|FILE", value_parser = NonEmpty::new(), conflicts_with_all = NOT_PUBLISHED)]
    pub published: Option<String>,

    /// Show the changes as a diff, and write nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Ask no questions, also in a terminal, and write
    #[arg(long)]
    pub yes: bool,

    /// Do not check the provider
    #[arg(long)]
    pub offline: bool,

    /// Do not offer to sign in after a change
    #[arg(long)]
    pub no_login: bool,

    /// How to report what was done: text on stderr, or json on stdout
    #[arg(short, long, value_name = "FORMAT", value_parser = NonEmpty::new())]
    pub output: Option<String>,

    /// Exit with 10 if something was changed
    #[arg(long)]
    pub detailed_exitcode: bool,

    /// A cluster of the configuration files, or with --server a new one [default: all clusters of the files]
    #[arg(help_heading = CLUSTERS, long, value_name = "NAME", value_parser = NonEmpty::new())]
    pub cluster: Option<String>,

    /// The URL of the API server of a new cluster
    #[arg(help_heading = CLUSTERS, long, value_name = "URL", value_parser = NonEmpty::new())]
    pub server: Option<String>,

    /// The name of the context [default: the one in the configuration file, else the cluster's name]
    #[arg(help_heading = CLUSTERS, long, value_name = "NAME", value_parser = NonEmpty::new())]
    pub context: Option<String>,

    /// The name of the user's entry [default: kubekey- and the cluster's name]
    #[arg(help_heading = CLUSTERS, long, value_name = "NAME", value_parser = NonEmpty::new())]
    pub user: Option<String>,

    /// The namespace of the context
    #[arg(help_heading = CLUSTERS, long, value_name = "NAME", value_parser = NonEmpty::new())]
    pub namespace: Option<String>,

    /// The file to change [default: as with kubectl: KUBECONFIG, else ~/.kube/config; with --system: none]
    #[arg(help_heading = CLUSTERS, long, value_name = "FILE", value_parser = NonEmpty::new())]
    pub kubeconfig: Option<String>,

    /// Make the (first) context the current one, even if another one is current
    #[arg(help_heading = CLUSTERS, long)]
    pub set_current: bool,

    /// Write 'kubekey' as the command instead of its full path; 'kubectl-kubekey' if krew installed it
    #[arg(help_heading = ENTRY, long)]
    pub command_name: bool,

    /// The ExecCredential version that kubectl requests: v1, or v1beta1 for older clients [default: the entry's, else v1]
    #[arg(help_heading = ENTRY, long, value_name = "VERSION", value_parser = NonEmpty::new())]
    pub exec_api_version: Option<String>,

    /// Write the client secret into the file, which others may read
    #[arg(help_heading = ENTRY, long)]
    pub include_client_secret: bool,

    /// Write settings for all users of this machine instead
    ///
    #[cfg_attr(windows, doc = r"To %ProgramData%\kubekey\config.toml; needs an administrator and asks no questions.")]
    #[cfg_attr(
        target_os = "macos",
        doc = "To /Library/Application Support/kubekey/config.toml; needs root and asks no questions."
    )]
    #[cfg_attr(
        not(any(windows, target_os = "macos")),
        doc = "To /etc/kubekey/config.toml; needs root and asks no questions."
    )]
    #[arg(help_heading = MACHINE, long, conflicts_with_all = ["user", "set_current", "print"])]
    pub system: bool,

    /// With --system: a file in the format of config.toml, with settings, profiles and clusters; - for standard input
    #[arg(help_heading = MACHINE, long, value_name = "FILE", value_parser = NonEmpty::new())]
    pub answers: Option<String>,

    /// With --system: write to etc/kubekey in the prefix of the Homebrew that installed kubekey, for all its users
    #[arg(help_heading = MACHINE, long, hide = cfg!(windows), requires = "system", conflicts_with = "remove")]
    pub homebrew: bool,

    #[cfg(windows)]
    /// With --system: use the properties of the MSI, which are in HKLM\Software\kubekey\Setup
    #[arg(help_heading = MACHINE, long, requires = "system")]
    pub from_registry: bool,

    /// With --system: remove the settings that it wrote, unless they were edited, and do nothing else
    #[arg(help_heading = MACHINE, long, requires = "system", conflicts_with_all = ["answers", "dry_run", "kubeconfig", "output"])]
    pub remove: bool,

    /// A CA certificate in PEM to trust for the provider, repeatable; in setup, --certificate-authority is for the cluster
    #[arg(help_heading = "Provider", long, value_name = "FILE", value_parser = NonEmpty::new())]
    pub issuer_certificate_authority: Vec<String>,

    /// What to move to kubekey instead of writing clusters.
    #[command(flatten)]
    pub from: From,

    /// The flags of `--print`.
    #[command(flatten)]
    pub print: Print,
}

impl Setup {
    /// The command in words, if it writes nothing that a setting could change.
    pub(super) fn name_without_settings(&self) -> Option<&'static str> {
        match self.print.print {
            Some(Document::Rbac) => Some("setup --print rbac"),
            Some(Document::Kuberc) => Some("setup --print kuberc"),
            Some(Document::Onboarding) => Some("setup --print onboarding"),
            Some(Document::KubeApiserver) => None,
            None => self.remove.then_some("setup --system --remove"),
        }
    }
}
