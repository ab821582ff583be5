//! The three entries that make a cluster usable, from what was given.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::command_path::command;
use super::server::{check_name, check_server};
use crate::cli;
use crate::config::{Flags, Settings};
use crate::error::{Error, ErrorKind, Result};
use crate::kubeconfig::{Entry, Kind};

const API_VERSION: &str = "client.authentication.k8s.io/v1";
const INSTALL_HINT: &str = "kubekey is needed to sign in to this cluster";

/// With one of these client-go uses another certificate authority, or refuses the cluster.
const OTHER_TRUST: [&str; 2] = ["certificate-authority-data", "insecure-skip-tls-verify"];

/// With one of these client-go signs in otherwise and never runs a plugin, or refuses the user.
const OTHER_CREDENTIALS: [&str; 9] = [
    "token",
    "tokenFile",
    "username",
    "password",
    "auth-provider",
    "client-certificate",
    "client-certificate-data",
    "client-key",
    "client-key-data",
];

/// The cluster, the user and the context, in the order in which they have to be written.
///
/// # Errors
/// [`ErrorKind::Usage`] for a name or an address that cannot be used.
pub fn entries(arguments: Vec<String>, asked: &cli::Setup, authority: Option<&Path>) -> Result<[Entry; 3]> {
    let cluster = check_name("cluster", &asked.cluster)?;
    let user = check_name("user", &asked.user.clone().unwrap_or_else(|| format!("kubekey-{cluster}")))?;
    let context = check_name("context", asked.context.as_ref().unwrap_or(&cluster))?;
    let namespace = asked.namespace.as_ref().map(|text| check_name("namespace", text)).transpose()?;
    let exec = json!({
        "apiVersion": API_VERSION,
        "command": command(asked.command_name)?,
        "args": arguments,
        "interactiveMode": "IfAvailable",
        "provideClusterInfo": true,
        "installHint": INSTALL_HINT,
    });
    let trust = authority.map(|path| path.to_string_lossy().into_owned());
    let excludes: &[&str] = if trust.is_some() { &OTHER_TRUST } else { &[] };
    let server = check_server(&asked.server)?;
    let cluster_fields = fields([("server", Some(server)), ("certificate-authority", trust)]);
    let context_fields =
        fields([("cluster", Some(cluster.clone())), ("user", Some(user.clone())), ("namespace", namespace)]);
    let user_fields = Map::from_iter([("exec".to_owned(), exec)]);
    Ok([
        Entry { kind: Kind::Cluster, name: cluster, fields: cluster_fields, excludes },
        Entry { kind: Kind::User, name: user, fields: user_fields, excludes: &OTHER_CREDENTIALS },
        Entry { kind: Kind::Context, name: context, fields: context_fields, excludes: &[] },
    ])
}

/// Refuses to write a secret that nobody asked to have written.
///
/// # Errors
/// [`ErrorKind::Usage`], with what to do instead.
pub fn require_no_secret(is_there: bool, asked: &cli::Setup) -> Result<()> {
    match !is_there || asked.include_client_secret {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Usage, "the client secret would stand in the kubeconfig for all to read")
            .hint("give --client-secret-file with a file that everybody who uses the kubeconfig has, or ask for it with --include-client-secret")),
    }
}

/// The provider and the client however they were given, and of the other settings those that were flags: a variable is
/// this session's.
pub fn arguments(settings: &Settings, mut flags: Flags, secret: Option<&str>) -> Vec<String> {
    let mut arguments = vec![
        format!("--issuer-url={}", settings.issuer_url.as_str()),
        format!("--client-id={}", settings.client_id.as_str()),
    ];
    arguments.extend(secret.map(|secret| format!("--client-secret={secret}")));
    for name in ["issuer-url", "client-id"] {
        flags.replace(name, &[]);
    }
    let others = flags
        .0
        .into_iter()
        .flat_map(|(key, texts)| texts.into_iter().map(move |text| format!("--{}={text}", key.flag)));
    arguments.extend(others);
    arguments
}

fn fields<const N: usize>(fields: [(&str, Option<String>); N]) -> Map<String, Value> {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect()
}
