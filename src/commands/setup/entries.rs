//! The three entries that make a cluster usable.

use serde_json::{Map, Value, json};

use super::sign_in::SignIn;
use super::wanted::Wanted;
use crate::cli;
use crate::config::given::Origin;
use crate::config::{Authority, Flags, variable};
use crate::error::{Error, ErrorKind, Result};
use crate::kubeconfig::{Entry, Kind};

const API_VERSION: &str = "client.authentication.k8s.io/v1";
const INSTALL_HINT: &str = "kubekey is needed to sign in to this cluster";

/// With one of these client-go uses another certificate authority, or refuses the cluster.
const OTHER_THAN_FILE: [&str; 2] = ["certificate-authority-data", "insecure-skip-tls-verify"];
const OTHER_THAN_DATA: [&str; 2] = ["certificate-authority", "insecure-skip-tls-verify"];

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
pub fn entries(wanted: &Wanted, command: &str, arguments: Vec<String>) -> [Entry; 3] {
    let exec = json!({
        "apiVersion": API_VERSION,
        "command": command,
        "args": arguments,
        "interactiveMode": "IfAvailable",
        "provideClusterInfo": true,
        "installHint": INSTALL_HINT,
    });
    let (trust, excludes): (_, &[&str]) = match &wanted.authority {
        Some(Authority::File(path)) => {
            (Some(("certificate-authority", path.to_string_lossy().into_owned())), &OTHER_THAN_FILE)
        }
        Some(Authority::Data(data)) => (Some(("certificate-authority-data", data.clone())), &OTHER_THAN_DATA),
        None => (None, &[]),
    };
    let cluster_fields = [("server", wanted.server.clone())].into_iter().chain(trust);
    let context_fields = [("cluster", wanted.name.clone()), ("user", wanted.user.clone())].into_iter();
    let context_fields = context_fields.chain(wanted.namespace.clone().map(|namespace| ("namespace", namespace)));
    let user_fields = Map::from_iter([("exec".to_owned(), exec)]);
    let entry = |kind, name: &str, fields, excludes| Entry { kind, name: name.to_owned(), fields, excludes };
    [
        entry(Kind::Cluster, &wanted.name, fields(cluster_fields), excludes),
        entry(Kind::User, &wanted.user, user_fields, &OTHER_CREDENTIALS),
        entry(Kind::Context, &wanted.context, fields(context_fields), &[]),
    ]
}

/// The client secret that is to be written: one that was given, but not by its file, and asked to be written.
///
/// # Errors
/// [`ErrorKind::Usage`] for one that nobody asked to have written, with what to do instead.
pub fn secret(flags: &Flags, asked: &cli::Setup) -> Result<Option<String>> {
    let given =
        flags.0.iter().find(|(key, _)| key.flag == "client-secret").and_then(|(_, texts)| texts.last().cloned());
    let secret = given.or_else(|| variable("KUBEKEY_CLIENT_SECRET")).filter(|secret| !secret.is_empty());
    match secret.is_none() || asked.include_client_secret {
        true => Ok(secret),
        false => Err(Error::new(ErrorKind::Usage, "the client secret would stand in the kubeconfig for all to read")
            .hint("give --client-secret-file with a file that everybody who uses the kubeconfig has, or ask for it with --include-client-secret")),
    }
}

/// What a user's entry says: the settings that were flags, and which provider, client and profile it is unless a file
/// says so. The files are read in each run, and the other variables are this session's.
pub fn arguments(sign_in: &SignIn, secret: Option<&str>) -> Vec<String> {
    let mut flags = sign_in.flags.clone();
    let mut arguments = Vec::new();
    for name in ["issuer-url", "client-id", "profile"] {
        flags.replace(name, &[]);
        let given = sign_in.given.text(name).filter(|text| !matches!(text.origin, Origin::File(..)));
        arguments.extend(given.map(|text| format!("--{name}={}", text.text)));
    }
    flags.replace("client-secret", &[]);
    arguments.extend(secret.map(|secret| format!("--client-secret={secret}")));
    let others = flags.0.into_iter();
    arguments
        .extend(others.flat_map(|(key, texts)| texts.into_iter().map(move |text| format!("--{}={text}", key.flag))));
    arguments
}

fn fields(fields: impl Iterator<Item = (&'static str, String)>) -> Map<String, Value> {
    fields.map(|(name, value)| (name.to_owned(), value.into())).collect()
}
