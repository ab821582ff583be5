//! The administrator's policy: what a kubeconfig, the environment and flags may not change, and to which clusters a
//! token may go.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::allowed_server::Server;
use super::given::{Given, Layer, Text};
use super::keys::Key;
use super::{TokenStorage, platform};
use crate::error::{Error, ErrorKind, Result};
use crate::exec_credential::Cluster;
use crate::trusted_file::{self, Owner};

/// Locked under every policy that does not say otherwise: with these a kubeconfig can run a program, trust another
/// certificate, show another page or take the tokens elsewhere.
const LOCKED: [&str; 7] = [
    "browser-command",
    TRUST[0],
    TRUST[1],
    "client-secret-file",
    "insecure-skip-tls-verify",
    "template-dir",
    TOKEN_DIR,
];

/// With it variables that say where the home, its folders and the session bus are count for nothing.
const TOKEN_DIR: &str = "token-dir";

/// Flags that add certificate authorities. The system's variables do the same, so they are locked with them.
const TRUST: [&str; 2] = ["certificate-authority", "certificate-authority-data"];
const TRUST_VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The most that is read of a policy, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// What the administrator decided. Without a policy all is allowed.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    #[serde(skip)]
    path: PathBuf,
    #[serde(skip)]
    is_there: bool,
    allowed_servers: Option<Vec<Server>>,
    require_cluster_info: Option<bool>,
    locked_flags: Option<Vec<String>>,
    allowed_issuers: Option<Vec<String>>,
    allowed_client_ids: Option<Vec<String>>,
    token_storage: Option<Vec<TokenStorage>>,
    allow_insecure_tls: Option<bool>,
}

impl Policy {
    /// Reads the policy of this computer.
    ///
    /// # Errors
    /// [`ErrorKind::Policy`] if there is one that cannot be used: then nothing may be done.
    pub fn load() -> Result<Self> {
        for path in platform::policy_files() {
            match trusted_file::read(&path, Owner::System, LARGEST) {
                Ok(text) => {
                    let policy = Self::parse(&path, &text)?;
                    // Before anything of the user's is looked for.
                    if policy.locks(TOKEN_DIR) {
                        platform::distrust_environment();
                    }
                    return Ok(policy);
                }
                // A link that leads nowhere is a policy that is not there for now.
                Err(error) if error.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err() => {}
                Err(error) => return Err(unusable(&path, &error.to_string())),
            }
        }
        Ok(Self::default())
    }

    /// The file of the policy, if there is one.
    pub fn file(&self) -> Option<&Path> {
        self.is_there.then_some(self.path.as_path())
    }

    fn parse(path: &Path, text: &str) -> Result<Self> {
        let policy: Self = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = text[..start].matches('\n').count();
            let shown = text.lines().nth(line).unwrap_or_default().trim();
            unusable(path, &format!("line {}: {}: {shown}", line + 1, error.message()))
        })?;
        for flag in policy.locked_flags.iter().flatten() {
            if Key::of_flag(flag).is_none() {
                let why = format!(
                    "locked_flags has '{flag}', and there is no such flag: they are written as in 'browser-command'"
                );
                return Err(unusable(path, &why));
            }
        }
        Ok(Self { path: path.to_owned(), is_there: true, ..policy })
    }

    /// Whether what the user's file, the kubeconfig, variables and flags say is theirs to decide. The system's files are
    /// the administrator's own word. `environment` gives a variable's value.
    ///
    /// # Errors
    /// [`ErrorKind::Policy`], with the first that is not.
    pub fn check_given(&self, given: &Given, environment: impl Fn(&str) -> Option<String>) -> Result<()> {
        if !self.is_there {
            return Ok(());
        }
        let is_set = |name: &str| environment(name).is_some_and(|value| !value.is_empty());
        let hint =
            "leave it out of your configuration file, the kubeconfig and the environment, or ask your administrator";
        if let Some(variable) = TRUST_VARIABLES.into_iter().find(|name| self.locks(TRUST[0]) && is_set(name)) {
            return Err(self.refusal(&format!("the variable {variable} is locked")).hint(hint));
        }
        let mut of_users = given.values().iter().filter(|value| value.origin.layer() > Layer::System);
        match of_users.find(|value| self.locks(value.key.flag)) {
            Some(value) => Err(self.refusal(&format!("{} is locked", value.origin.label(value.key))).hint(hint)),
            None => Ok(()),
        }
    }

    /// Whether the issuer, the client and the way to them are allowed, whoever named them.
    ///
    /// # Errors
    /// [`ErrorKind::Policy`], with what is not.
    pub(super) fn check_provider(&self, issuer_url: Text<'_>, client_id: Text<'_>, is_insecure: bool) -> Result<()> {
        let lists = [
            (issuer_url, &self.allowed_issuers, "allowed_issuers"),
            (client_id, &self.allowed_client_ids, "allowed_client_ids"),
        ];
        for (given, allowed, key) in lists {
            if allowed.as_ref().is_some_and(|allowed| allowed.iter().all(|one| one != given.text)) {
                let refusal = self.refusal(&format!("{} '{}' is not allowed", given.label(), given.text));
                return Err(refusal.hint(format!("use one that your administrator allows ('{key}')")));
            }
        }
        match is_insecure && self.allow_insecure_tls == Some(false) {
            true => Err(self
                .refusal("the provider's certificate has to be verified")
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
                .refusal(&format!("{} '{}' is not allowed", given.label(), given.text))
                .hint("use a place that your administrator allows ('token_storage'), or auto")),
        }
    }

    /// Whether a token may go to the cluster that client-go names. Its proxy gets to see the token just as well if the
    /// kubeconfig says whom to trust, so it has to be allowed, too.
    ///
    /// # Errors
    /// [`ErrorKind::Policy`] if not.
    pub fn check_cluster(&self, cluster: Option<&Cluster>) -> Result<()> {
        let is_required = self.require_cluster_info.unwrap_or(self.allowed_servers.is_some());
        let Some((cluster, server)) = named(cluster) else {
            return match is_required {
                true => Err(self.refusal("a token goes only to a cluster that is named").hint(
                    "set 'provideClusterInfo: true' in the kubeconfig's exec section, and let kubectl run kubekey",
                )),
                false => Ok(()),
            };
        };
        if cluster.insecure_skip_tls_verify
            && (self.allowed_servers.is_some() || self.allow_insecure_tls == Some(false))
        {
            return Err(self
                .refusal(&format!("no token goes to {server} without verifying its certificate"))
                .hint("remove 'insecure-skip-tls-verify' from the kubeconfig's cluster"));
        }
        let Some(allowed) = &self.allowed_servers else { return Ok(()) };
        let is_allowed = |url: &str| allowed.iter().any(|server| server.allows(url));
        if !is_allowed(server) {
            return Err(self
                .refusal(&format!("no token goes to {server}"))
                .hint("use a kubeconfig for a cluster that your administrator allows ('allowed_servers')"));
        }
        if let Some(proxy) = cluster.proxy_url.as_deref().filter(|url| !url.is_empty() && !is_allowed(url)) {
            return Err(self
                .refusal(&format!("no token goes through the proxy {proxy}"))
                .hint("remove 'proxy-url' from the kubeconfig's cluster, or have it listed in 'allowed_servers'"));
        }
        Ok(())
    }

    /// Whether this flag may not be given.
    pub fn locks(&self, flag: &str) -> bool {
        match &self.locked_flags {
            _ if !self.is_there => false,
            Some(locked) => locked.iter().any(|one| one == flag),
            None => LOCKED.contains(&flag),
        }
    }

    fn refusal(&self, what: &str) -> Error {
        Error::new(ErrorKind::Policy, format!("{what}, says the policy {}", self.path.display()))
    }
}

fn named(cluster: Option<&Cluster>) -> Option<(&Cluster, &str)> {
    let cluster = cluster?;
    Some((cluster, cluster.server.as_deref().filter(|server| !server.is_empty())?))
}

fn unusable(path: &Path, why: &str) -> Error {
    Error::new(ErrorKind::Policy, format!("the policy {} cannot be used: {why}", path.display()))
        .hint("tell your administrator: kubekey does nothing until it is mended or removed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> Policy {
        Policy::parse(Path::new("/etc/kubekey/policy.toml"), text).unwrap()
    }

    fn cluster(server: &str) -> Cluster {
        Cluster { server: Some(server.into()), ..Cluster::default() }
    }

    #[test]
    fn a_server_is_allowed_by_its_scheme_host_port_and_path() {
        let policy = policy(
            r#"allowed_servers = ["https://k8s.example.com:6443", "https://*.eu.example.com", "https://r.example.com/k8s/c-1"]"#,
        );
        let is_allowed = |server: &str| policy.check_cluster(Some(&cluster(server))).is_ok();
        for server in [
            "https://k8s.example.com:6443",
            "https://k8s.example.com:6443/",
            "https://K8S.example.com:6443",
            "https://a.eu.example.com",
            "https://b.a.eu.example.com:443",
            "https://r.example.com/k8s/c-1/",
        ] {
            assert!(is_allowed(server), "{server}");
        }
        for server in [
            "https://k8s.example.com",
            "http://k8s.example.com:6443",
            "https://k8s.example.com.evil.example:6443",
            "https://eu.example.com",
            "https://evileu.example.com",
            "https://r.example.com",
            "https://r.example.com/k8s/c-1/../c-2",
            "https://k8s.example.com:6443@evil.example",
            "k8s.example.com:6443",
            "https:k8s.example.com:6443",
            " https://k8s.example.com:6443",
            "https://k8s.exam\tple.com:6443",
            "https://k8s%2eexample.com:6443",
            "https://k8s.example.com:6443\\@evil.example/..",
            "https://eu.example.com/?://*.",
            "https://*.eu.example.com",
            "https://r.example.com/k8s/c-2/x\\..\\..\\c-1",
            "https://r.example.com/k8s/c-2/../c-1",
            "https://r.example.com/k8s/c-1?x",
            "",
        ] {
            assert!(!is_allowed(server), "{server}");
        }
    }

    #[test]
    fn a_listed_server_by_way_of_another_proxy_or_without_verification_gets_nothing() {
        let policy = policy(r#"allowed_servers = ["https://k8s.example.com", "http://proxy.example.com:3128"]"#);
        let by = |proxy: &str| Cluster { proxy_url: Some(proxy.into()), ..cluster("https://k8s.example.com") };
        assert!(policy.check_cluster(Some(&by(""))).is_ok());
        assert!(policy.check_cluster(Some(&by("http://proxy.example.com:3128"))).is_ok());
        assert!(policy.check_cluster(Some(&by("http://evil.example:3128"))).is_err());
        let insecure = Cluster { insecure_skip_tls_verify: true, ..cluster("https://k8s.example.com") };
        assert!(policy.check_cluster(Some(&insecure)).is_err());
    }

    #[test]
    fn the_cluster_has_to_be_named_where_servers_are_listed_or_it_is_said() {
        for (text, is_required) in [
            ("", false),
            ("require_cluster_info = true", true),
            (r#"allowed_servers = ["https://k8s.example.com"]"#, true),
            ("allowed_servers = []\nrequire_cluster_info = false", false),
        ] {
            assert_eq!(policy(text).check_cluster(None).is_err(), is_required, "{text}");
            assert_eq!(policy(text).check_cluster(Some(&Cluster::default())).is_err(), is_required, "{text}");
        }
        assert!(Policy::default().check_cluster(None).is_ok());
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
        ] {
            let error = Policy::parse(Path::new("/etc/kubekey/policy.toml"), text).unwrap_err();
            assert!(error.to_string().contains(words) && error.kind() == ErrorKind::Policy, "{error}");
        }
    }
}
