//! The servers that a policy allows a token to go to.

use url::Url;

use super::Policy;
use crate::error::{Error, Result};
use crate::exec_credential::Cluster;

/// Where a token may go. A host that begins with `*.` stands for all names below.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Server {
    scheme: String,
    host: String,
    port: Option<u16>,
    path: String,
}

impl Server {
    /// Whether this URL is of the server.
    pub(super) fn allows(&self, url: &str) -> bool {
        let Some(other) = Self::parse(url) else { return false };
        let host_fits = match self.host.strip_prefix('*') {
            Some(suffix) => other.host.ends_with(suffix),
            None => other.host == self.host,
        };
        host_fits && (&other.scheme, other.port, &other.path) == (&self.scheme, self.port, &self.path)
    }

    /// In a policy `*.` may stand for all names below a host.
    pub(super) fn parse_pattern(text: &str) -> Option<Self> {
        match text.split_once("://*.") {
            Some((scheme, rest)) => {
                let server = Self::parse(&format!("{scheme}://{rest}"))?;
                Some(Self { host: format!("*.{}", server.host), ..server })
            }
            None => Self::parse(text),
        }
    }

    /// Only what every program reads in the same way: parsers differ in what they make of the rest.
    fn parse(text: &str) -> Option<Self> {
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || "\\?#@*%".contains(c)) {
            return None;
        }
        let (_, rest) = text.split_once("://")?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http"))?;
        let host = url.host_str()?;
        let is_plain = authority.to_ascii_lowercase().strip_prefix(host).is_some_and(|port| {
            port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
        });
        let path = path.trim_end_matches('/');
        (is_plain && url.path().trim_end_matches('/') == path).then(|| Self {
            scheme: url.scheme().to_owned(),
            host: host.to_owned(),
            port: url.port_or_known_default(),
            path: path.to_owned(),
        })
    }
}

impl Policy {
    /// Whether a token may go to a cluster that somebody described.
    ///
    /// # Errors
    /// [`ErrorKind::Policy`], naming the cluster, if not.
    pub fn check_server(&self, name: &str, server: &str) -> Result<()> {
        let cluster = Cluster { server: Some(server.to_owned()), ..Cluster::default() };
        self.check_cluster(Some(&cluster))
            .map_err(|error| Error::new(error.kind(), format!("cluster '{name}': {error}")).hint(error.what_to_do()))
    }

    /// Whether a token may go to the cluster that client-go names. Its proxy gets to see the token just as well if the
    /// kubeconfig says whom to trust, so it has to be allowed, too.
    ///
    /// # Errors
    /// [`ErrorKind::Policy`] if not.
    pub fn check_cluster(&self, cluster: Option<&Cluster>) -> Result<()> {
        let servers = "allowed_servers";
        let required = self.switch("require_cluster_info").map_or(servers, |_| "require_cluster_info");
        let is_required = self.switch("require_cluster_info").unwrap_or(self.allowed_servers.is_some());
        let Some((cluster, server)) = named(cluster) else {
            return match is_required {
                true => Err(self.refusal(required, "a token goes only to a cluster that is named").hint(
                    "set 'provideClusterInfo: true' in the kubeconfig's exec section, and let kubectl run kubekey",
                )),
                false => Ok(()),
            };
        };
        let is_tls_required = self.switch("allow_insecure_tls") == Some(false);
        if cluster.insecure_skip_tls_verify && (self.allowed_servers.is_some() || is_tls_required) {
            let key = if is_tls_required { "allow_insecure_tls" } else { servers };
            return Err(self
                .refusal(key, &format!("no token goes to {server} without verifying its certificate"))
                .hint("remove 'insecure-skip-tls-verify' from the kubeconfig's cluster"));
        }
        let Some(allowed) = &self.allowed_servers else { return Ok(()) };
        let is_allowed = |url: &str| allowed.iter().any(|server| server.allows(url));
        if !is_allowed(server) {
            return Err(self
                .refusal(servers, &format!("no token goes to {server}"))
                .hint("use a kubeconfig for a cluster that your administrator allows ('allowed_servers')"));
        }
        if let Some(proxy) = cluster.proxy_url.as_deref().filter(|url| !url.is_empty() && !is_allowed(url)) {
            return Err(self
                .refusal(servers, &format!("no token goes through the proxy {}", without_password(proxy)))
                .hint("remove 'proxy-url' from the kubeconfig's cluster, or have it listed in 'allowed_servers'"));
        }
        Ok(())
    }
}

fn named(cluster: Option<&Cluster>) -> Option<(&Cluster, &str)> {
    let cluster = cluster?;
    Some((cluster, cluster.server.as_deref().filter(|server| !server.is_empty())?))
}

/// A URL as it can be shown.
fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://***@{host}"),
        _ => url.to_owned(),
    }
}

/// Why a text is none.
pub(super) fn no_server(text: &str) -> String {
    let example = "https://k8s.example.com:6443, https://*.example.com:6443";
    format!("'{text}' is not the plain URL of a server, as {example} are")
}

#[cfg(test)]
mod tests {
    use super::super::tests::policy;
    use super::*;

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
}
