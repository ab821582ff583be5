//! The flags of `setup --print`.

use clap::{Args, ValueEnum};

/// A document for others who have to know of kubekey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Document {
    /// How the API server finds out who somebody is: its AuthenticationConfiguration.
    KubeApiserver,
    /// What a group may do: a ClusterRoleBinding.
    Rbac,
    /// That kubectl may run kubekey and no other plugin: a Preference.
    Kuberc,
}

/// What to print, and the mapping of claims to Kubernetes' users and groups.
#[derive(Args, Clone)]
#[command(next_help_heading = "For others")]
pub struct Print {
    /// Print what the API server, its RBAC or a kuberc file needs to know, and write nothing
    #[arg(long, value_name = "DOCUMENT", value_enum)]
    pub print: Option<Document>,

    /// The claim that is the user's name, for kube-apiserver
    #[arg(long, value_name = "CLAIM", default_value = "sub", requires = "print")]
    pub username_claim: String,

    /// What comes before it; '-' is nothing [default: the issuer URL and '#', before email nothing]
    #[arg(long, value_name = "TEXT", requires = "print")]
    pub username_prefix: Option<String>,

    /// The claim that has the user's groups, for kube-apiserver
    #[arg(long, value_name = "CLAIM", default_value = "groups", requires = "print")]
    pub groups_claim: String,

    /// What comes before each of them, for kube-apiserver and rbac; '-' is nothing
    #[arg(long, value_name = "TEXT", default_value = "oidc:", requires = "print")]
    pub groups_prefix: String,

    /// The group, as in the token, for rbac
    #[arg(long, value_name = "NAME", requires = "print")]
    pub group: Option<String>,

    /// The ClusterRole that it gets, for rbac
    #[arg(long, value_name = "NAME", default_value = "view", requires = "print")]
    pub role: String,
}
