//! The administrator's policy: what a kubeconfig, the environment and flags may not change, and to which clusters a
//! token may go.

pub mod keys;
#[cfg(any(target_os = "macos", test))]
mod managed_preferences;
#[cfg(windows)]
mod registry;
mod servers;
mod sessions;
mod source;

use std::borrow::Cow;
use std::path::Path;
use std::rc::Rc;

use chrono::TimeDelta;

use super::given::{self, Given, Layer, Text, Value};
use super::keys::Key;
use super::{TokenStorage, platform, time};
use crate::error::{Error, ErrorKind, Result};
use servers::{Server, no_server};
pub use sessions::SessionRules;
use source::Sources;
pub use source::{Origin, Said};

/// Locked under every policy that does not say otherwise: with these a kubeconfig can run a program, trust another
/// certificate, show another page or take the tokens elsewhere.
const LOCKED: [&str; 8] = [
    "browser-command",
    TRUST[0],
    TRUST[1],
    "client-secret-file",
    "insecure-skip-tls-verify",
    "post-login-url",
    "template-dir",
    TOKEN_DIR,
];

/// With it variables that say where the home, its folders and the session bus are count for nothing.
const TOKEN_DIR: &str = "token-dir";

/// Flags that add certificate authorities. The system's variables do the same, so they are locked with them.
const TRUST: [&str; 2] = ["certificate-authority", "certificate-authority-data"];
const TRUST_VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The ways to sign in that a policy can name. Of them this version has the first.
const FLOWS: [&str; 4] = ["browser", "device", "paste", "machine"];

/// The shortest `max_session`: with less a sign-in would hardly outlast the command that needed it.
const SHORTEST_SESSION: TimeDelta = TimeDelta::minutes(1);

/// What the administrator decided. Without a policy all is allowed.
#[derive(Debug, Default)]
pub struct Policy {
    sources: Sources,
    allowed_servers: Option<Vec<Server>>,
    token_storage: Option<Vec<TokenStorage>>,
    max_session: Option<TimeDelta>,
}

impl Policy {
    /// Reads the policy of this computer.
    ///
    /// # Errors
    /// [`ErrorKind::Policy`] if there is one that cannot be used: then nothing may be done.
    pub fn load() -> Result<Self> {
        let policy = Self::parse(Sources::read()?)?;
        // Before anything of the user's is looked for.
        if policy.locks(TOKEN_DIR) {
            platform::distrust_environment();
        }
        Ok(policy)
    }

    /// A policy that somebody is about to put in place: who owns the file does not matter yet.
    ///
    /// # Errors
    /// [`ErrorKind::Policy`], with the place of what is wrong in it.
    pub fn of_file(path: &Path, text: &str) -> Result<Self> {
        let mut sources = Sources::default();
        sources.add_file(path, text)?;
        Self::parse(sources)
    }

    /// The places where it is said, lowest first; none if there is no policy.
    pub fn places(&self) -> &[Rc<str>] {
        &self.sources.names
    }

    /// What it says.
    pub fn said(&self) -> &[Said] {
        &self.sources.said
    }

    fn parse(sources: Sources) -> Result<Self> {
        let mut policy = Self { sources, ..Self::default() };
        policy.allowed_servers =
            policy.parse_each("allowed_servers", |text| Server::parse_pattern(text).ok_or_else(|| no_server(text)))?;
        policy.token_storage = policy.parse_each("token_storage", |text| {
            TokenStorage::named(text).ok_or_else(|| format!("there is no place '{text}'"))
        })?;
        policy.max_session =
            policy.parse_each("max_session", parse_session)?.and_then(|times| times.into_iter().next());
        policy.parse_each("locked_flags", |flag| match Key::of_flag(flag) {
            Some(_) => Ok(()),
            None => Err(format!("there is no flag '{flag}': they are written as in 'browser-command'")),
        })?;
        policy.parse_each("allowed_flows", |flow| match FLOWS.contains(&flow) {
            true => Ok(()),
            false => Err(format!("there is no flow '{flow}': they are {}", FLOWS.join(", "))),
        })?;
        Ok(policy)
    }

    /// The texts of a key, parsed; `None` where it is not said.
    fn parse_each<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> std::result::Result<T, String>,
    ) -> Result<Option<Vec<T>>> {
        let Some(said) = self.find(name) else { return Ok(None) };
        let parsed: std::result::Result<Vec<_>, _> = said.texts.iter().map(|text| parse(text)).collect();
        parsed.map(Some).map_err(|why| unusable(&format!("{}: {name}: {why}", said.origin)))
    }

    fn find(&self, name: &str) -> Option<&Said> {
        self.said().iter().find(|said| said.key.name == name)
    }

    fn list(&self, name: &str) -> Option<&[String]> {
        self.find(name).map(|said| said.texts.as_slice())
    }

    fn switch(&self, name: &str) -> Option<bool> {
        self.find(name).map(|said| said.texts == ["true"])
    }

    /// Whether what the user's file, the kubeconfig, variables and flags say is theirs to decide. The system's files are
    /// the administrator's own word. `environment` gives a variable's value.
    ///
    /// # Errors
    /// [`ErrorKind::Policy`], with the first that is not.
    pub fn check_given(&self, given: &Given, environment: impl Fn(&str) -> Option<String>) -> Result<()> {
        if self.places().is_empty() {
            return Ok(());
        }
        let is_set = |name: &str| environment(name).is_some_and(|value| !value.is_empty());
        if let Some(variable) = TRUST_VARIABLES.into_iter().find(|name| self.locks(TRUST[0]) && is_set(name)) {
            return Err(self.refusal("locked_flags", &format!("the variable {variable} is locked")).hint(LEAVE_OUT));
        }
        for value in given.values().iter().filter(|value| value.origin.layer() > Layer::System) {
            let label = || value.origin.label(value.key);
            match self.decided(value.key.flag) {
                Some(said) if said.key.decides[0] != value.key.flag || said.texts != value.texts => {
                    return Err(self.refusal(said.key.name, &format!("{} is decided", label())).hint(LEAVE_OUT));
                }
                None if self.locks(value.key.flag) => {
                    return Err(self.refusal("locked_flags", &format!("{} is locked", label())).hint(LEAVE_OUT));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What was said of a flag's value.
    fn decided(&self, flag: &str) -> Option<&Said> {
        self.said().iter().find(|said| said.key.decides.contains(&flag))
    }

    /// What was given, with what the policy decides above it.
    pub fn impose<'a>(&self, given: &'a Given) -> Cow<'a, Given> {
        let mut given = Cow::Borrowed(given);
        for said in self.said() {
            if let Some(key) = said.key.decides.first().and_then(|flag| Key::of_flag(flag)) {
                let origin = given::Origin::Policy(said.origin.clone());
                given.to_mut().push(Value { key, texts: said.texts.clone(), origin });
            }
        }
        given
    }

    /// Files of certificate authorities to trust beside all others, and how an error calls the setting.
    pub(super) fn extra_authorities(&self) -> Option<(String, &[String])> {
        let said = self.find("extra_ca")?;
        Some((format!("the policy {}: extra_ca", said.origin), &said.texts))
    }

    /// Whether the issuer, the client and the way to them are allowed, whoever named them.
    ///
    /// # Errors
    /// [`ErrorKind::Policy`], with what is not.
    pub(super) fn check_provider(&self, issuer_url: Text<'_>, client_id: Text<'_>, is_insecure: bool) -> Result<()> {
        for (given, key) in [(issuer_url, "allowed_issuers"), (client_id, "allowed_client_ids")] {
            if self.list(key).is_some_and(|allowed| allowed.iter().all(|one| one != given.text)) {
                let refusal = self.refusal(key, &format!("{} '{}' is not allowed", given.label(), given.text));
                return Err(refusal.hint(format!("use one that your administrator allows ('{key}')")));
            }
        }
        match is_insecure && self.switch("allow_insecure_tls") == Some(false) {
            true => Err(self
                .refusal("allow_insecure_tls", "the provider's certificate has to be verified")
                .hint("leave insecure_skip_tls_verify out of the configuration, the kubeconfig and the environment")),
            false => Ok(()),
        }
    }

    /// Where a sign-in may be kept: what was asked for, or what is left of `auto`. Nowhere is always allowed.
    ///
    /// # Errors
    /// [`ErrorKind::Policy`] for a place that is not listed.
    pub(super) fn choose_storage(&self, asked: TokenStorage, given: Text<'_>) -> Result<TokenStorage> {
        let Some(allowed) = &self.token_storage else { return Ok(asked) };
        let of_auto = [TokenStorage::Keyring, TokenStorage::Kernel, TokenStorage::File];
        match asked {
            TokenStorage::None => Ok(asked),
            TokenStorage::Auto if allowed.contains(&TokenStorage::Auto) => Ok(asked),
            TokenStorage::Auto if of_auto[..2].iter().all(|place| allowed.contains(place)) => Ok(asked),
            TokenStorage::Auto => {
                Ok(of_auto.into_iter().find(|place| allowed.contains(place)).unwrap_or(TokenStorage::None))
            }
            asked if allowed.contains(&asked) => Ok(asked),
            _ => Err(self
                .refusal("token_storage", &format!("{} '{}' is not allowed", given.label(), given.text))
                .hint("use a place that your administrator allows ('token_storage'), or auto")),
        }
    }

    /// How a sign-in may go, and how long it lasts.
    pub(super) fn session_rules(&self) -> SessionRules {
        let place = |name: &str| self.find(name).map(|said| said.origin.to_string());
        SessionRules {
            refresh_refused: place("refresh").filter(|_| self.switch("refresh") == Some(false)),
            longest: self.max_session.zip(place("max_session")),
            flows: self.list("allowed_flows").map(<[String]>::to_vec).zip(place("allowed_flows")),
        }
    }

    /// Whether this flag may not be given.
    pub fn locks(&self, flag: &str) -> bool {
        match self.list("locked_flags") {
            Some(locked) => locked.iter().any(|one| one == flag),
            None => !self.places().is_empty() && LOCKED.contains(&flag),
        }
    }

    /// The error for what a key forbids. What a policy locks by default is said by all of it.
    fn refusal(&self, key: &str, what: &str) -> Error {
        let place = match self.find(key) {
            Some(said) => said.origin.to_string(),
            None => self.places().join(", "),
        };
        Error::new(ErrorKind::Policy, format!("{what}, says the policy {place}"))
    }
}

const LEAVE_OUT: &str =
    "leave it out of your configuration file, the kubeconfig and the environment, or ask your administrator";

fn parse_session(text: &str) -> std::result::Result<TimeDelta, String> {
    let time = time::parse(text).and_then(|time| TimeDelta::from_std(time).ok());
    time.filter(|time| *time >= SHORTEST_SESSION).ok_or_else(|| format!("'{text}' is not a time of at least a minute"))
}

fn unusable(why: &str) -> Error {
    Error::new(ErrorKind::Policy, format!("the policy cannot be used: {why}"))
        .hint("tell your administrator: kubekey does nothing until it is mended or removed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(files: &[(&str, &str)]) -> Result<Policy> {
        let mut sources = Sources::default();
        files.iter().try_for_each(|(path, text)| sources.add_file(Path::new(path), text))?;
        Policy::parse(sources)
    }

    pub fn policy(text: &str) -> Policy {
        parse(&[("/etc/kubekey/policy.toml", text)]).unwrap()
    }

    #[test]
    fn a_policy_that_is_wrong_is_refused_with_its_line() {
        for (text, words) in [
            ("\nallowed_servers = [\"k8s\"]", "line 2"),
            ("allowed_servers = [\"https://*\"]", "line 1"),
            ("allowed_servers = [\"https://*eu.example.com\"]", "line 1"),
            ("allowed_servers = [\"https://k8s.*.com\"]", "line 1"),
            ("allowed_servers = [\"ftp://k8s.example.com\"]", "line 1"),
            ("allowed_server = []", "allowed_server"),
            ("locked_flags = [\"template-dirs\"]", "template-dirs"),
            ("require_cluster_info = 1", "line 1"),
            ("x =", "line 1"),
            ("allowed_flows = [\"browsers\"]", "there is no flow 'browsers'"),
            ("max_session = \"soon\"", "'soon' is not a time"),
            ("max_session = 59", "at least a minute"),
            ("refresh = \"no\"", "refresh has to be true or false"),
            ("extra_ca = [1]", "extra_ca has to be a list"),
            ("max_sesion = \"8h\"", "did you mean 'max_session'?"),
        ] {
            let error = parse(&[("/etc/kubekey/policy.toml", text)]).unwrap_err();
            assert!(error.to_string().contains(words) && error.kind() == ErrorKind::Policy, "{error}");
        }
    }

    #[test]
    fn of_two_files_the_higher_one_decides_and_is_named() {
        let policy = parse(&[
            ("policy.toml", "allowed_issuers = ['https://a']\nrequire_cluster_info = true"),
            ("policy.d/10.toml", "\nrequire_cluster_info = false"),
        ]);
        let policy = policy.unwrap();
        assert!(policy.check_cluster(None).is_ok());
        assert_eq!(
            policy.refusal("require_cluster_info", "x").to_string(),
            "x, says the policy policy.d/10.toml line 2"
        );
        assert_eq!(policy.refusal("allowed_issuers", "x").to_string(), "x, says the policy policy.toml line 1");
        assert_eq!(policy.refusal("locked_flags", "x").to_string(), "x, says the policy policy.toml, policy.d/10.toml");
    }
}
