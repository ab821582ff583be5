//! The administrator's policy: what a kubeconfig, the environment and flags may not change, and to which clusters a
//! token may go.

mod flags;
pub mod keys;
#[cfg(any(target_os = "macos", test))]
mod managed_preferences;
#[cfg(windows)]
mod registry;
mod servers;
mod sessions;
mod source;

use std::path::Path;
use std::rc::Rc;

use chrono::TimeDelta;

use super::given::Text;
use super::keys::Key;
use super::{TokenStorage, platform, time};
use crate::error::{Error, ErrorKind, Result};
use flags::TOKEN_DIR;
use servers::{Server, no_server};
pub use sessions::SessionRules;
use source::Sources;
pub use source::{Origin, Said};

/// The ways to sign in that a policy can name. Of them this version has the first.
const FLOWS: [&str; 4] = ["browser", "device", "paste", "machine"];

/// The shortest `max_session`: with less a sign-in would hardly outlast the command that needed it.
const SHORTEST_SESSION: TimeDelta = TimeDelta::minutes(1);

/// The longest one, which is none any more.
const LONGEST_SESSION: TimeDelta = TimeDelta::days(3650);

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
        policy.parse_each("browser_command", |command| match shlex::split(command) {
            Some(words) if !words.is_empty() => Ok(()),
            _ => Err(format!("'{command}' is no command, or a quote in it has no end")),
        })?;
        policy.parse_each("extra_ca", |file| match Path::new(file).is_absolute() {
            true => Ok(()),
            false => Err(format!("'{file}' is not an absolute path")),
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

    /// Whether it has this key.
    pub fn says(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// What it says of a key.
    pub fn find(&self, name: &str) -> Option<&Said> {
        self.said().iter().find(|said| said.key.name == name)
    }

    fn list(&self, name: &str) -> Option<&[String]> {
        self.find(name).map(|said| said.texts.as_slice())
    }

    fn switch(&self, name: &str) -> Option<bool> {
        self.find(name).map(|said| said.texts == ["true"])
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

    /// The error for what a key forbids. What a policy locks by default is said by all of it.
    fn refusal(&self, key: &str, what: &str) -> Error {
        let place = match self.find(key) {
            Some(said) => said.origin.to_string(),
            None => self.places().join(", "),
        };
        Error::new(ErrorKind::Policy, format!("{what}, says the policy {place}"))
    }
}

fn parse_session(text: &str) -> std::result::Result<TimeDelta, String> {
    let time = time::parse(text).and_then(|time| TimeDelta::from_std(time).ok());
    time.filter(|time| (SHORTEST_SESSION..=LONGEST_SESSION).contains(time))
        .ok_or_else(|| format!("'{text}' is not a time of at least a minute and at most ten years"))
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
    fn a_sign_in_is_kept_where_the_list_allows_it() {
        use TokenStorage::{Auto, File, Kernel, Keyring, None};
        let key = Key::of_flag("token-storage").unwrap();
        let given = Text { text: "x", key, origin: &crate::config::given::Origin::Flag };
        for (allowed, asked, chosen) in [
            ("['auto']", Auto, Some(Auto)),
            ("['keyring', 'kernel']", Auto, Some(Auto)),
            ("['kernel']", Auto, Some(Kernel)),
            ("['keyring', 'file']", Auto, Some(Keyring)),
            ("['file']", Auto, Some(File)),
            ("[]", Auto, Some(None)),
            ("[]", None, Some(None)),
            ("['kernel']", Kernel, Some(Kernel)),
            ("['kernel']", File, Option::None),
        ] {
            let policy = policy(&format!("token_storage = {allowed}"));
            assert_eq!(policy.choose_storage(asked, given).ok(), chosen, "{asked:?} of {allowed}");
        }
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
            ("max_session = '99999999999h'", "at most ten years"),
            ("browser_command = \"'x\"", "a quote in it has no end"),
            ("browser_command = ''", "has an empty text"),
            ("browser_command = '  '", "'  ' is no command"),
            ("refresh = \"no\"", "refresh has to be true or false"),
            ("extra_ca = [1]", "extra_ca has to be a list"),
            ("extra_ca = [\"ca.pem\"]", "'ca.pem' is not an absolute path"),
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
