//! How client-go reaches the cluster of a context.

use std::path::PathBuf;

use super::contexts::Context;
use crate::environment::compared;
use crate::exec_credential::Cluster;

/// How client-go reaches a cluster.
pub struct Access<'a> {
    /// The API server's URL.
    pub server: &'a str,
    /// The file with the CAs that it is verified with. Never beside [`Access::authority_data`], which wins.
    pub authority_file: Option<PathBuf>,
    /// The same as PEM in base64.
    pub authority_data: Option<&'a str>,
    /// The name in its certificate, if it is not that of the URL.
    pub tls_server_name: Option<&'a str>,
    /// The proxy through which it is reached, instead of that of the environment.
    pub proxy_url: Option<&'a str>,
    /// Whether the plugin's own environment names a proxy, which is not in client-go's.
    pub has_proxy_of_plugin: bool,
}

impl Context<'_> {
    /// Its cluster, for the policy to check; `None` if the kubeconfig does not contain it.
    pub fn described_cluster(&self) -> Option<Cluster> {
        self.cluster_entry.map(Cluster::read)
    }

    /// How client-go reaches its cluster; `None` if that has no server.
    pub fn access(&self) -> Option<Access<'_>> {
        let text = |field: &str| self.of_cluster(field).filter(|text| !text.is_empty());
        let authority_data = text("certificate-authority-data");
        let file = text("certificate-authority").filter(|_| authority_data.is_none());
        // client-go: a relative path is one below the folder of the kubeconfig.
        let authority_file = file.map(|file| self.cluster_folder.map_or_else(|| file.into(), |dir| dir.join(file)));
        let variables = self.exec.iter().flat_map(|exec| &exec.env);
        let mut names = variables.map(|(name, _)| compared(name.as_ref()).to_ascii_uppercase());
        Some(Access {
            server: text("server")?,
            authority_file,
            authority_data,
            tls_server_name: text("tls-server-name"),
            proxy_url: text("proxy-url"),
            has_proxy_of_plugin: names.any(|name| name.ends_with("_PROXY")),
        })
    }
}
