//! The flags of `setup --print`.

use clap::{Args, ValueEnum};

/// A document that `setup --print` can print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Document {
    /// How the API server identifies users: its AuthenticationConfiguration.
    KubeApiserver,
    /// What a group may do: a ClusterRoleBinding.
    Rbac,
    /// A Preference that lets kubectl run kubekey and no other plugin.
    Kuberc,
    /// A file for 'setup --from', with the clusters that are set up here.
    Onboarding,
}

/// The flags for what `setup` writes, which have no effect on a printed document. Of a cluster only the profile is
/// used; a context and its kubeconfig name the provider for the API server.
const NOT_PRINTED: [&str; 8] =
    ["server", "user", "namespace", "set_current", "exec_api_version", "dry_run", "output", "detailed_exitcode"];

/// What to print, and the mapping of claims to Kubernetes' users and groups.
#[derive(Args, Clone)]
#[command(next_help_heading = "Output for other programs")]
pub struct Print {
    /// Print what the API server, its RBAC, a kuberc file or other users need to know, and write nothing
    #[arg(long, value_name = "DOCUMENT", value_enum, conflicts_with_all = NOT_PRINTED)]
    pub print: Option<Document>,

    /// The claim with the user's name, for kube-apiserver [default: sub]
    #[arg(long, value_name = "CLAIM")]
    pub username_claim: Option<String>,

    /// The prefix of the user's name; '-' for none [default: the issuer URL and '#'; none for the claim email]
    #[arg(long, value_name = "TEXT")]
    pub username_prefix: Option<String>,

    /// The claim with the user's groups, for kube-apiserver [default: groups]
    #[arg(long, value_name = "CLAIM")]
    pub groups_claim: Option<String>,

    /// The prefix of each group, for kube-apiserver and rbac; '-' for none [default: oidc:]
    #[arg(long, value_name = "TEXT")]
    pub groups_prefix: Option<String>,

    /// The group, as in the token, for rbac
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,

    /// The ClusterRole to bind the group to, for rbac [default: view]
    #[arg(long, value_name = "NAME")]
    pub role: Option<String>,
}

impl Print {
    /// The flags that were given, for a printed document alone. clap cannot require `--print` for them: it waives that
    /// if a flag is given that conflicts with `--print`.
    pub fn given(&self) -> impl Iterator<Item = &'static str> {
        let flags = [
            ("username-claim", &self.username_claim),
            ("username-prefix", &self.username_prefix),
            ("groups-claim", &self.groups_claim),
            ("groups-prefix", &self.groups_prefix),
            ("group", &self.group),
            ("role", &self.role),
        ];
        flags.into_iter().filter(|(_, text)| text.is_some()).map(|(flag, _)| flag)
    }
}
