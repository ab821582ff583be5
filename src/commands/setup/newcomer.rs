//! A user of the kubeconfig who signs in with another program, and the same as a user of kubekey.

use serde_json::Value;

use crate::cli::{self, moved_flags_of};
use crate::config::given::{Given, Origin};
use crate::config::keys::{KEYS, Key};
use crate::config::{Flags, Flow, layers};
use crate::error::{Error, ErrorKind, Result};
use crate::exec_credential::Cluster;
use crate::kubeconfig::Exec;
use crate::policy::Policy;
use crate::secret::Secret;
use crate::settings::Settings;

/// The variables of the original kubekey.
pub const OF_ORIGINAL: [&str; 4] = ["IDP_ISSUER_URL", "CLIENT_ID", "CLIENT_SECRET", "KUBEKEY_TEMPLATEDIR"];

/// The fields of an `auth-provider`, each with the flag of kubelogin that says the same.
const OF_AUTH_PROVIDER: [(&str, &str); 6] = [
    ("idp-issuer-url", "--oidc-issuer-url"),
    ("client-id", "--oidc-client-id"),
    ("client-secret", "--oidc-client-secret"),
    ("extra-scopes", "--oidc-extra-scope"),
    ("idp-certificate-authority", "--certificate-authority"),
    ("idp-certificate-authority-data", "--certificate-authority-data"),
];

/// The flags whose values are secret.
const SECRET_FLAGS: [&str; 5] = [
    "--oidc-client-secret",
    "--client-secret",
    "--password",
    "--token-exchange-subject-token",
    "--token-exchange-actor-token",
];

/// The program that a user signs in with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// int128's kubelogin.
    Kubelogin,
    /// The original kubekey, with its variables.
    Original,
    /// kubectl itself, with tokens in the kubeconfig: it refreshes them, and cannot sign in.
    AuthProvider,
}

impl Program {
    /// The program of a user's entry, if it is one of those that are asked for.
    pub fn of(user: &Value, asked: cli::From) -> Option<Self> {
        let exec = Exec::read(&user["exec"]);
        let is_kubelogin = exec.as_ref().is_some_and(Exec::is_kubelogin);
        let is_original = exec.is_some_and(|exec| exec.is_ours() && exec.variable("IDP_ISSUER_URL").is_some());
        let is_provider = user["exec"].is_null() && user["auth-provider"]["name"] == "oidc";
        let all = [
            (asked.from_kubelogin && is_kubelogin, Self::Kubelogin),
            (asked.from_original && is_original, Self::Original),
            (asked.from_auth_provider && is_provider, Self::AuthProvider),
        ];
        all.into_iter().find(|(is_it, _)| *is_it).map(|(_, program)| program)
    }

    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kubelogin => "kubelogin",
            Self::Original => "the original kubekey",
            Self::AuthProvider => "kubectl's old 'auth-provider: oidc'",
        }
    }

    /// The flag that moves its users.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Kubelogin => "from-kubelogin",
            Self::Original => "from-original",
            Self::AuthProvider => "from-auth-provider",
        }
    }
}

/// A user's settings as arguments of kubekey, and what is said about it.
pub struct Newcomer {
    /// The arguments.
    pub arguments: Vec<String>,
    /// What was not carried over.
    pub notes: Vec<String>,
}

impl Newcomer {
    /// The user of this entry.
    ///
    /// # Errors
    /// Why the user cannot be moved: a flag that kubekey does not have, a value that cannot be used, or the policy.
    pub fn of(user: &Value, program: Program, policy: &Policy) -> Result<Self> {
        let exec = Exec::read(&user["exec"]);
        let (words, mut notes) = match (program, &exec) {
            (Program::AuthProvider, _) => (words_of_provider(user), notes_of_provider(user)),
            (_, Some(exec)) => (exec.args.clone(), Vec::new()),
            (_, None) => (Vec::new(), Vec::new()),
        };
        let flags = moved_flags_of(&words)?;
        notes.extend(flags.1.warnings.iter().cloned());
        let variable = |name: &str| {
            let exec = exec.as_ref().filter(|_| program == Program::Original && OF_ORIGINAL.contains(&name))?;
            exec.variable(name).map(str::to_owned)
        };
        if variable("KUBEKEY_TEMPLATEDIR").is_some() {
            notes.push("pages have other names and variables here than in the original kubekey".to_owned());
        }
        let given = given(&flags, variable, None)?;
        Settings::resolve(&given, |_| None, policy)?;
        Ok(Self { arguments: arguments(&given), notes })
    }
}

/// The settings of a user and of the user's cluster, with kubelogin's defaults where these hold.
///
/// # Errors
/// If a value cannot be read.
pub fn given(flags: &Flags, variable: impl Fn(&str) -> Option<String>, cluster: Option<&Cluster>) -> Result<Given> {
    let mut given = Given::new();
    layers::above_files(flags, variable, cluster)?.0.into_iter().for_each(|value| given.push(value));
    flags.1.complete(&mut given);
    Ok(given)
}

/// The arguments, in the order of the help, with the names that kubekey has for flags and values.
fn arguments(given: &Given) -> Vec<String> {
    let values = KEYS.iter().filter_map(|key| given.value(key.flag));
    let own = values.filter(|value| !matches!(value.origin, Origin::Default));
    own.flat_map(|value| value.texts.iter().map(|text| format!("--{}={}", value.key.flag, own_name(value.key, text))))
        .collect()
}

fn own_name<'a>(key: &Key, text: &'a str) -> &'a str {
    match (key.flag, text) {
        ("flow", name) => match Flow::named(name) {
            Ok(Some(flow)) => flow.name(),
            _ => name,
        },
        ("token-storage", "disk") => "file",
        _ => text,
    }
}

fn words_of_provider(user: &Value) -> Vec<String> {
    let config = &user["auth-provider"]["config"];
    let word = |(field, flag): (&str, &str)| {
        let text = config[field].as_str().filter(|text| !text.is_empty())?;
        Some(format!("{flag}={text}"))
    };
    OF_AUTH_PROVIDER.into_iter().filter_map(word).collect()
}

fn notes_of_provider(user: &Value) -> Vec<String> {
    let config = &user["auth-provider"]["config"];
    let has_token = ["id-token", "refresh-token"].iter().any(|field| config[*field].is_string());
    let removed = "its tokens are removed: the next kubectl signs you in".to_owned();
    has_token.then_some(removed).into_iter().collect()
}

/// What a user's entry has that must not be shown. A line of the kubeconfig alone does not always tell.
pub fn secrets(user: &Value) -> Vec<Secret> {
    let exec = Exec::read(&user["exec"]);
    let of_exec = exec.iter().flat_map(|exec| {
        let after = exec.args.windows(2).filter(|words| SECRET_FLAGS.contains(&&*words[0])).map(|words| &*words[1]);
        let with = exec.args.iter().filter_map(|word| word.split_once('='));
        let with = with.filter(|(flag, _)| SECRET_FLAGS.contains(flag)).map(|(_, value)| value);
        let variables = ["CLIENT_SECRET", "KUBEKEY_CLIENT_SECRET"].into_iter().filter_map(|name| exec.variable(name));
        after.chain(with).chain(variables)
    });
    let config = &user["auth-provider"]["config"];
    let of_config = ["id-token", "refresh-token", "client-secret"].iter().filter_map(|field| config[*field].as_str());
    of_exec.chain(of_config).filter(|text| !text.is_empty()).map(Secret::new).collect()
}

/// The error for a user who is named and does not sign in with such a program.
pub fn no_such(what: &str, of_file: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("{what} does not sign in with a program that these flags move")).hint(format!(
        "'kubectl config view{of_file}' shows the users; without --user and --context all that can be moved are moved"
    ))
}
