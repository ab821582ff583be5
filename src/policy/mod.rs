//! The administrator's policy: what a kubeconfig, the environment and flags may not change, and which clusters a token
//! may go to.

mod error;
mod flags;
#[cfg(any(windows, target_os = "macos", test))]
mod managed;
#[cfg(any(target_os = "macos", test))]
mod managed_preferences;
#[cfg(windows)]
mod registry;
mod server;
mod servers;
mod sessions;
mod source;

use std::path::Path;
use std::rc::Rc;

use chrono::TimeDelta;

use crate::config::given::Text;
use crate::config::keys::{KEYS, Key};
use crate::config::{TokenStorage, nearest, time};
use crate::environment;
use crate::error::{Error, ErrorKind, Result};
use crate::shell;
use error::unusable;
use server::{Server, why_not_a_server};
use sessions::MACHINE;
pub use sessions::SessionRules;
pub use source::Said;
use source::Sources;

/// The ways to sign in that a policy can name; the last one means all for programs.
const FLOWS: [&str; 7] = ["browser", "device", "paste", "client-credentials", "token-exchange", "jwt-bearer", MACHINE];

/// The shortest `max_session`: with less, a sign-in would hardly outlast the command that needed it.
const SHORTEST_SESSION: TimeDelta = TimeDelta::minutes(1);

/// The longest `max_session`: more would be no limit at all.
const LONGEST_SESSION: TimeDelta = TimeDelta::days(3650);

/// While this flag is locked, the variables for the home folder, the folders in it and the session bus have no effect.
const TOKEN_DIR: &str = "token-dir";

/// What the administrator decided. Without a policy everything is allowed.
#[derive(Debug, Default)]
pub struct Policy {
    sources: Sources,
    allowed_servers: Option<Vec<Server>>,
    token_storage: Option<Vec<TokenStorage>>,
    max_session: Option<TimeDelta>,
}

impl Policy {
    /// Reads the policy of this machine.
    ///
    /// # Errors
    /// [`ErrorKind::Policy`] if there is one that cannot be used: then the caller must do nothing.
    pub fn load() -> Result<Self> {
        let policy = Self::parse(Sources::read()?)?;
        // Must come before anything is looked up in the user's folders.
        if !policy.places().is_empty() {
            environment::come_under_policy();
        }
        if policy.locks(TOKEN_DIR) {
            environment::distrust();
        }
        Ok(policy)
    }

    /// Parses a policy that is about to be installed: who owns the file does not matter yet.
    ///
    /// # Errors
    /// [`ErrorKind::Policy`], with the location of the mistake.
    pub fn of_file(path: &Path, text: &str) -> Result<Self> {
        let mut sources = Sources::default();
        sources.add_file(path, text)?;
        Self::parse(sources)
    }

    /// The names of the policy's sources, lowest first; empty if there is no policy.
    pub fn places(&self) -> &[Rc<str>] {
        &self.sources.names
    }

    /// The policy's entries.
    pub fn said(&self) -> &[Said] {
        &self.sources.said
    }

    fn parse(sources: Sources) -> Result<Self> {
        let mut policy = Self { sources, ..Self::default() };
        policy.allowed_servers = policy
            .parse_each("allowed_servers", |text| Server::parse_pattern(text).ok_or_else(|| why_not_a_server(text)))?;
        policy.token_storage = policy.parse_each("token_storage", |text| {
            TokenStorage::named(text).ok_or_else(|| format!("'{text}' is not a token storage"))
        })?;
        policy.max_session =
            policy.parse_each("max_session", parse_session)?.and_then(|times| times.into_iter().next());
        policy.parse_each("locked_flags", |flag| match Key::of_flag(flag) {
            Some(_) => Ok(()),
            None => Err(format!("'{flag}' is not a flag: {}", how_to_write(flag))),
        })?;
        policy.parse_each("browser_command", shell::require_words)?;
        policy.parse_each("extra_ca", |file| match Path::new(file).is_absolute() {
            true => Ok(()),
            false => Err(format!("'{file}' is not an absolute path")),
        })?;
        policy.parse_each("github_hosts", |host| match host.contains(['/', '@', '*']) {
            false => Ok(()),
            true => Err(format!("'{host}' is not a host: write 'host' or 'host:port'")),
        })?;
        policy.parse_each("allowed_flows", |flow| match FLOWS.contains(&flow) {
            true => Ok(()),
            false => Err(format!("'{flow}' is not a flow: use one of {}", FLOWS.join(", "))),
        })?;
        Ok(policy)
    }

    /// The strings of a key, parsed; `None` if the policy does not set it.
    fn parse_each<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> std::result::Result<T, String>,
    ) -> Result<Option<Vec<T>>> {
        let Some(said) = self.find(name) else { return Ok(None) };
        let parsed: std::result::Result<Vec<_>, _> = said.texts.iter().map(|text| parse(text)).collect();
        parsed.map(Some).map_err(|why| unusable(&format!("{}: {name}: {why}", said.origin)))
    }

    /// Whether the policy sets this key.
    pub fn says(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The entry for a key.
    pub fn find(&self, name: &str) -> Option<&Said> {
        self.said().iter().find(|said| said.key.name == name)
    }

    fn list(&self, name: &str) -> Option<&[String]> {
        self.find(name).map(|said| said.texts.as_slice())
    }

    fn switch(&self, name: &str) -> Option<bool> {
        self.find(name).map(|said| said.texts == ["true"])
    }

    /// Files of certificate authorities to trust in addition to all others, and the name of the setting for errors.
    pub fn extra_authorities(&self) -> Option<(String, &[String])> {
        let said = self.find("extra_ca")?;
        Some((format!("the policy {}: extra_ca", said.origin), &said.texts))
    }

    /// Checks that the issuer, the client and the TLS verification are allowed, whoever set them.
    ///
    /// # Errors
    /// [`ErrorKind::Policy`], naming what is not allowed.
    pub fn check_provider(&self, issuer_url: Text<'_>, client_id: Text<'_>, is_insecure: bool) -> Result<()> {
        for (given, key) in [(issuer_url, "allowed_issuers"), (client_id, "allowed_client_ids")] {
            if self.list(key).is_some_and(|allowed| allowed.iter().all(|one| one != given.text)) {
                let refusal = self.refusal(key, &format!("{} '{}' is not allowed", given.label(), given.text));
                return Err(refusal.hint(format!("use one that your administrator allows ('{key}')")));
            }
        }
        match is_insecure && self.switch("allow_insecure_tls") == Some(false) {
            true => Err(self
                .refusal("allow_insecure_tls", "skipping certificate verification is not allowed")
                .hint("remove insecure_skip_tls_verify from the configuration, the kubeconfig and the environment")),
            false => Ok(()),
        }
    }

    /// Where a sign-in may be saved: the requested storage, or what remains of `auto`. Saving nothing is always
    /// allowed.
    ///
    /// # Errors
    /// [`ErrorKind::Policy`] for a storage that is not listed.
    pub fn choose_storage(&self, asked: TokenStorage, given: Text<'_>) -> Result<TokenStorage> {
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
                .hint("use a token storage that your administrator allows ('token_storage'), or auto")),
        }
    }

    /// The hosts beside GitHub's own that get a job's request token.
    pub fn github_hosts(&self) -> Vec<String> {
        self.list("github_hosts").unwrap_or_default().to_vec()
    }

    /// How users may sign in, and how long a sign-in lasts.
    pub fn session_rules(&self) -> SessionRules {
        let place = |name: &str| self.find(name).map(|said| said.origin.to_string());
        SessionRules {
            refresh_refused: place("refresh").filter(|_| self.switch("refresh") == Some(false)),
            longest: self.max_session.zip(place("max_session")),
            flows: self.list("allowed_flows").map(<[String]>::to_vec).zip(place("allowed_flows")),
            acrs: self
                .list("required_acr")
                .filter(|acrs| !acrs.is_empty())
                .map(<[String]>::to_vec)
                .zip(place("required_acr")),
        }
    }

    /// The error for what a key forbids. If the policy does not set the key, its default applies, and all sources are
    /// named.
    fn refusal(&self, key: &str, what: &str) -> Error {
        let place = match self.find(key) {
            Some(said) => said.origin.to_string(),
            None => self.places().join(", "),
        };
        Error::new(ErrorKind::Policy, format!("{what} by the policy {place}"))
    }
}

/// How a flag is written in a policy.
fn how_to_write(flag: &str) -> String {
    let name = flag.trim_start_matches('-').replace('_', "-");
    match nearest::of(&name, KEYS.iter().map(|key| key.flag)) {
        Some(nearest) => format!("did you mean '{nearest}'?"),
        None => "write it without dashes in front, like 'browser-command'".to_owned(),
    }
}

fn parse_session(text: &str) -> std::result::Result<TimeDelta, String> {
    let time = time::parse(text).and_then(|time| TimeDelta::from_std(time).ok());
    time.filter(|time| (SHORTEST_SESSION..=LONGEST_SESSION).contains(time))
        .ok_or_else(|| format!("'{text}' is not a time such as 12h, between one minute and ten years"))
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
            ("allowed_flows = [\"browsers\"]", "'browsers' is not a flow"),
            ("max_session = \"soon\"", "'soon' is not a time"),
            ("max_session = 59", "between one minute"),
            ("max_session = '99999999999h'", "and ten years"),
            ("browser_command = \"'x\"", "is not closed"),
            ("browser_command = ''", "contains an empty string"),
            ("browser_command = '  '", "the command is empty"),
            ("refresh = \"no\"", "refresh must be true or false"),
            ("github_hosts = ['https://x.example']", "'https://x.example' is not a host"),
            ("extra_ca = [1]", "extra_ca must be a list"),
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
        assert_eq!(policy.refusal("require_cluster_info", "x").to_string(), "x by the policy policy.d/10.toml line 2");
        assert_eq!(policy.refusal("allowed_issuers", "x").to_string(), "x by the policy policy.toml line 1");
        assert_eq!(policy.refusal("locked_flags", "x").to_string(), "x by the policy policy.toml, policy.d/10.toml");
    }
}
