//! A cluster's entry whose server changes, and the fields that belonged to the old server.

use url::Url;

use super::document::Document;
use super::entry::Entry;
use super::text::Result;

/// How a server is reached, and which server is trusted. With the CA of another server, kubectl would reject this one
/// or, worse, trust an impostor; the same with another server's name or without verification; and a proxy sees what is
/// sent to a server over http.
const OF_ITS_SERVER: [&str; 5] =
    ["certificate-authority", "certificate-authority-data", "tls-server-name", "insecure-skip-tls-verify", "proxy-url"];

const AUTHORITY: [&str; 2] = ["certificate-authority", "certificate-authority-data"];

/// An entry whose server changes.
pub struct Moved {
    /// The name of the cluster.
    pub name: String,
    /// The old server.
    pub from: String,
    /// The new server.
    pub to: String,
    /// The fields that belonged to the old server and that no new field replaces.
    pub dropped: Vec<&'static str>,
    /// Contexts with other users, whose credentials will be sent to the new server.
    pub shared_with: Vec<String>,
}

impl Moved {
    /// The change of the cluster before it is written, in one line.
    pub fn plan(&self) -> String {
        format!("would move cluster '{}' from {} to {}", self.name, self.from, self.to)
    }

    /// The change of the cluster, in one line.
    pub fn action(&self) -> String {
        format!("cluster '{}' moved from {} to {}", self.name, self.from, self.to)
    }

    /// What the user must know about it, before it is written or after, one line each.
    pub fn warnings(&self, is_written: bool) -> Vec<String> {
        let Self { name, from, dropped, shared_with, .. } = self;
        let dropped = (!dropped.is_empty()).then(|| {
            let fields = dropped.join(", ");
            let belongs = if dropped.len() == 1 { "belongs" } else { "belong" };
            match is_written {
                true => format!("cluster '{name}': removed {fields}, which belonged to {from}"),
                false => format!("cluster '{name}' would lose {fields}, which {belongs} to {from}"),
            }
        });
        let shared = (!shared_with.is_empty()).then(|| {
            let contexts = shared_with.join("', '");
            format!("cluster '{name}' is also used by context '{contexts}', with another user")
        });
        dropped.into_iter().chain(shared).collect()
    }
}

/// Removes what belonged to the old server from the entry of this cluster, before the new one is written; `None` if the
/// server stays, or the entry is new.
///
/// # Errors
/// If that would need a change elsewhere.
pub fn leave_server(document: &mut Document, [cluster, user, _]: &[Entry; 3]) -> Result<Option<Moved>> {
    let to = cluster.fields["server"].as_str().unwrap_or_default();
    let from = match document.text(cluster, "server") {
        Some(from) if !is_same_url(&from, to) => from,
        _ => return Ok(None),
    };
    let mut dropped = Vec::new();
    for field in OF_ITS_SERVER.into_iter().filter(|_| !is_same_origin(&from, to)) {
        if document.remove(cluster, field)? && !is_replaced(cluster, field) {
            dropped.push(field);
        }
    }
    let shared_with = document.contexts_of(&cluster.name, &user.name);
    let (from, to) = (shown(&from), shown(to));
    Ok(Some(Moved { name: cluster.name.clone(), from, to, dropped, shared_with }))
}

/// Whether the entry of this cluster would lose its CA.
pub fn loses_authority(document: &Document, cluster: &Entry) -> bool {
    let (from, to) = (document.text(cluster, "server"), cluster.fields["server"].as_str().unwrap_or_default());
    let has_authority = AUTHORITY.iter().any(|field| document.text(cluster, field).is_some());
    has_authority && from.is_some_and(|from| !is_same_origin(&from, to))
}

/// Whether a new CA, in a file or not, replaces the old one.
fn is_replaced(cluster: &Entry, field: &str) -> bool {
    AUTHORITY.contains(&field) && AUTHORITY.iter().any(|field| cluster.fields.contains_key(*field))
}

/// Whether two strings name the same server, however they are written.
pub fn is_same_url(one: &str, other: &str) -> bool {
    let parsed = |text: &str| Url::parse(text.trim_end_matches('/')).ok();
    one == other || parsed(one).is_some_and(|one| parsed(other) == Some(one))
}

/// Whether the same listener responds at both, as for clusters behind one gateway, whose URLs differ in the path.
fn is_same_origin(one: &str, other: &str) -> bool {
    let origin = |text: &str| Url::parse(text).ok().map(|url| url.origin());
    origin(one).is_some_and(|one| origin(other) == Some(one))
}

/// The server without a password.
fn shown(server: &str) -> String {
    if server.contains('@') { "***".to_owned() } else { server.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_the_same_however_it_is_written() {
        let server = "https://k8s.example.com";
        for same in [server, "https://k8s.example.com/", "https://k8s.example.com:443", "HTTPS://K8S.example.com//"] {
            assert!(is_same_url(server, same) && is_same_origin(server, same), "{same}");
        }
        for gateway in ["https://k8s.example.com/k8s/clusters/c-1", "https://k8s.example.com:443/a/"] {
            assert!(!is_same_url(server, gateway) && is_same_origin(server, gateway), "{gateway}");
        }
        for other in ["https://k8s.example.com:6443", "http://k8s.example.com", "https://k8s.example.org", "", "k8s"] {
            assert!(!is_same_url(server, other) && !is_same_origin(server, other), "{other}");
        }
    }
}
