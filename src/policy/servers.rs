//! The clusters that a policy allows tokens to go to.

use super::Policy;
use crate::error::{Error, Result};
use crate::exec_credential::Cluster;
use crate::kubeconfig::how_to_name_cluster;

impl Policy {
    /// Checks that a token may go to the cluster `name` at the URL `server`.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Policy`], naming the cluster, if not.
    pub fn check_server(&self, name: &str, server: &str) -> Result<()> {
        let cluster = Cluster { server: Some(server.to_owned()), ..Cluster::default() };
        self.check_cluster(Some(&cluster))
            .map_err(|error| Error::new(error.kind(), format!("cluster '{name}': {error}")).hint(error.what_to_do()))
    }

    /// Checks that a token may go to the cluster that client-go names. The proxy must be allowed too: if the
    /// kubeconfig decides which certificates to trust, the proxy can also read the token.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Policy`] if not.
    pub fn check_cluster(&self, cluster: Option<&Cluster>) -> Result<()> {
        if let Some(why) = cluster.and_then(|cluster| cluster.unreadable.as_deref()) {
            self.check_unreadable(why)?;
        }
        let servers = "allowed_servers";
        let required = self.switch("require_cluster_info").map_or(servers, |_| "require_cluster_info");
        let is_required = self.switch("require_cluster_info").unwrap_or(self.allowed_servers.is_some());
        let Some((cluster, server)) = with_server(cluster) else {
            return match is_required {
                true => Err(self
                    .refusal(required, "a token for an unnamed cluster is not allowed")
                    .hint(how_to_name_cluster())),
                false => Ok(()),
            };
        };
        let is_tls_required = self.switch("allow_insecure_tls") == Some(false);
        if cluster.insecure_skip_tls_verify && (self.allowed_servers.is_some() || is_tls_required) {
            let key = if is_tls_required { "allow_insecure_tls" } else { servers };
            return Err(self
                .refusal(key, &format!("a token for {server} without certificate verification is not allowed"))
                .hint("remove 'insecure-skip-tls-verify' from the kubeconfig's cluster"));
        }
        let Some(allowed) = &self.allowed_servers else { return Ok(()) };
        let is_allowed = |url: &str| allowed.iter().any(|server| server.allows(url));
        if !is_allowed(server) {
            return Err(self
                .refusal(servers, &format!("a token for {server} is not allowed"))
                .hint("use a kubeconfig for a cluster that your administrator allows ('allowed_servers')"));
        }
        if let Some(proxy) = cluster.proxy_url.as_deref().filter(|url| !url.is_empty() && !is_allowed(url)) {
            return Err(self
                .refusal(servers, &format!("a token through the proxy {} is not allowed", without_password(proxy)))
                .hint("remove 'proxy-url' from the kubeconfig's cluster, or have it listed in 'allowed_servers'"));
        }
        Ok(())
    }
}

impl Policy {
    /// Checks that kubekey itself may send a token to `server`: under a policy only if its certificate is verified.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Policy`] if not.
    pub fn check_verified(&self, server: &str, skips_verification: bool) -> Result<()> {
        if !skips_verification || self.places().is_empty() {
            return Ok(());
        }
        let what = format!("sending a token to {server} without certificate verification is not allowed");
        Err(self
            .refusal("allow_insecure_tls", &what)
            .hint("remove 'insecure-skip-tls-verify' from the kubeconfig's cluster"))
    }

    /// A policy that decides by the cluster allows none that cannot be read.
    fn check_unreadable(&self, why: &str) -> Result<()> {
        let deciding = [
            ("allowed_servers", self.allowed_servers.is_some()),
            ("require_cluster_info", self.switch("require_cluster_info") == Some(true)),
            ("allow_insecure_tls", self.switch("allow_insecure_tls") == Some(false)),
        ];
        match deciding.iter().find(|(_, decides)| *decides) {
            None => Ok(()),
            Some((key, _)) => Err(self
                .refusal(key, &format!("a token for a cluster that cannot be read ({why}) is not allowed"))
                .hint("KUBERNETES_EXEC_INFO says so: fix the kubeconfig's cluster, or use kubectl")),
        }
    }
}

fn with_server(cluster: Option<&Cluster>) -> Option<(&Cluster, &str)> {
    let cluster = cluster?;
    Some((cluster, cluster.server.as_deref().filter(|server| !server.is_empty())?))
}

/// The URL with its user name and password hidden, so that it can be shown.
fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://***@{host}"),
        _ => url.to_owned(),
    }
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
