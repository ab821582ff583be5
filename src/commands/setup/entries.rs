//! The three kubeconfig entries that a cluster needs.

use serde_json::{Map, Value, json};

use super::authority::Trust;
use super::command_path::command;
use super::sign_in::SignIn;
use super::wanted::Wanted;
use crate::cli;
use crate::config::Flags;
use crate::config::given::Origin;
use crate::environment::variable;
use crate::error::{Error, ErrorKind, Result};
use crate::exec_credential::ApiVersion;
use crate::kubeconfig::{Entry, Keep, Kind};

/// An existing `v1beta1` is not updated: it may be there for clients that support no other version (lightkube,
/// pykube-ng, kubectl before 1.22).
const KEPT_VERSION: Keep =
    Keep { path: ["exec", "apiVersion"], good: &[ApiVersion::V1.name(), ApiVersion::V1beta1.name()] };

const INSTALL_HINT: &str = "kubekey is needed to sign in to this cluster";

/// Fields that must not be beside the certificate authority: client-go would trust another one, or reject the cluster.
const OTHER_THAN_FILE: [&str; 2] = ["certificate-authority-data", "insecure-skip-tls-verify"];
const OTHER_THAN_DATA: [&str; 2] = ["certificate-authority", "insecure-skip-tls-verify"];

/// Fields that must not be beside `exec`: client-go would use other credentials and never run the plugin, or reject the
/// user.
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

/// The program that a user's entry names, and the requested version of the protocol.
pub struct Plugin {
    command: String,
    api_version: Option<ApiVersion>,
}

impl Plugin {
    /// The running program.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for an unknown version; otherwise as [`command`].
    pub fn of(asked: &cli::Setup) -> Result<Self> {
        let api_version = asked.exec_api_version.as_deref().map(api_version).transpose()?;
        Ok(Self { command: command(asked.command_name)?, api_version })
    }
}

fn api_version(text: &str) -> Result<ApiVersion> {
    let is_named =
        |version: &ApiVersion| [version.name(), version.name().rsplit('/').next().unwrap_or_default()].contains(&text);
    [ApiVersion::V1, ApiVersion::V1beta1].into_iter().find(is_named).ok_or_else(|| {
        Error::new(ErrorKind::Usage, format!("--exec-api-version '{text}' cannot be used"))
            .hint("give v1, or v1beta1 for clients that know only that")
    })
}

/// The entries of the cluster, the user and the context, in the order in which they must be written.
pub fn entries(wanted: &Wanted, plugin: &Plugin, arguments: Vec<String>) -> [Entry; 3] {
    let trust = wanted.authority.as_ref().map(Trust::field);
    let excludes: &[&str] = match trust {
        Some(("certificate-authority", _)) => &OTHER_THAN_FILE,
        Some(_) => &OTHER_THAN_DATA,
        None => &[],
    };
    let replaces = wanted.authority.as_ref().and_then(Trust::other_field);
    let trust = trust.map(|(field, text)| (field, text.to_owned()));
    let cluster_fields = [("server", wanted.server.clone())].into_iter().chain(trust);
    let context_fields = [("cluster", wanted.name.clone()), ("user", wanted.user.clone())].into_iter();
    let context_fields = context_fields.chain(wanted.namespace.clone().map(|namespace| ("namespace", namespace)));
    let entry = |kind, name: &str, fields| Entry {
        kind,
        name: name.to_owned(),
        fields,
        excludes: &[],
        replaces: None,
        keeps: &[],
    };
    [
        Entry { excludes, replaces, ..entry(Kind::Cluster, &wanted.name, fields(cluster_fields)) },
        Entry { excludes: &OTHER_CREDENTIALS, ..user(&wanted.user, plugin, arguments) },
        entry(Kind::Context, &wanted.context, fields(context_fields)),
    ]
}

/// The entry of a user who signs in with kubekey.
pub fn user(name: &str, plugin: &Plugin, arguments: Vec<String>) -> Entry {
    let exec = json!({
        "apiVersion": plugin.api_version.unwrap_or_default().name(),
        "command": plugin.command,
        "args": arguments,
        "interactiveMode": "IfAvailable",
        "provideClusterInfo": true,
        "installHint": INSTALL_HINT,
    });
    let keeps: &[_] = if plugin.api_version.is_none() { &[KEPT_VERSION] } else { &[] };
    let fields = Map::from_iter([("exec".to_owned(), exec)]);
    Entry { kind: Kind::User, name: name.to_owned(), fields, excludes: &[], replaces: None, keeps }
}

/// The client secret to write: one from the flag or the variable, not from `--client-secret-file`, and only with
/// `--include-client-secret`.
///
/// # Errors
/// [`ErrorKind::Usage`] for a secret without that flag, with a hint.
pub fn secret(flags: &Flags, asked: &cli::Setup) -> Result<Option<String>> {
    let given =
        flags.0.iter().find(|(key, _)| key.flag == "client-secret").and_then(|(_, texts)| texts.last().cloned());
    let secret = given.or_else(|| variable("KUBEKEY_CLIENT_SECRET")).filter(|secret| !secret.is_empty());
    match secret.is_none() || asked.include_client_secret {
        true => Ok(secret),
        false => Err(Error::new(ErrorKind::Usage, "the client secret would be readable in the kubeconfig")
            .hint("give --client-secret-file with a file that every user of the kubeconfig has, or allow it with --include-client-secret")),
    }
}

/// The arguments in a user's entry: the settings that were flags, and the issuer URL, client ID and profile unless
/// these come from a file. Files need no copy, because every run reads them; other variables are only meant for this
/// session.
pub fn arguments(sign_in: &SignIn, secret: Option<&str>) -> Vec<String> {
    let mut flags = sign_in.flags.clone();
    let mut arguments = Vec::new();
    for name in ["issuer-url", "client-id", "profile"] {
        flags.replace(name, &[]);
        let given = sign_in.given.text(name).filter(|text| !matches!(text.origin, Origin::File(..)));
        arguments.extend(given.map(|text| format!("--{name}={}", text.text)));
    }
    take_kubelogins_defaults(&mut flags, sign_in);
    flags.replace("client-secret", &[]);
    arguments.extend(secret.map(|secret| format!("--client-secret={secret}")));
    let others = flags.0.into_iter();
    arguments
        .extend(others.flat_map(|(key, texts)| texts.into_iter().map(move |text| format!("--{}={text}", key.flag))));
    arguments
}

/// The flags of kubelogin are written with kubekey's names, with which its defaults do not hold.
fn take_kubelogins_defaults(flags: &mut Flags, sign_in: &SignIn) {
    if flags.1.redirect_host.is_none() {
        return;
    }
    for flag in ["scope", "listen-address", "redirect-url"] {
        let value = sign_in.given.value(flag);
        if let Some(value) = value.filter(|value| matches!(value.origin, Origin::Flag | Origin::Kubelogin)) {
            flags.replace(flag, &value.texts);
        }
    }
}

fn fields(fields: impl Iterator<Item = (&'static str, String)>) -> Map<String, Value> {
    fields.map(|(name, value)| (name.to_owned(), value.into())).collect()
}
