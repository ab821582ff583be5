//! A server that a policy allows.

use url::Url;

/// Where a token may go. A host that begins with `*.` matches all names below it.
#[derive(Debug, PartialEq, Eq)]
pub struct Server {
    scheme: String,
    host: String,
    port: Option<u16>,
    path: String,
}

impl Server {
    /// Whether this URL points to the server.
    pub fn allows(&self, url: &str) -> bool {
        let Some(other) = Self::parse(url) else { return false };
        let host_fits = match self.host.strip_prefix('*') {
            Some(suffix) => other.host.ends_with(suffix),
            None => other.host == self.host,
        };
        host_fits && (&other.scheme, other.port, &other.path) == (&self.scheme, self.port, &self.path)
    }

    /// Parses an entry of a policy, whose host may begin with `*.`; `None` if it is not the plain URL of a server.
    pub fn parse_pattern(text: &str) -> Option<Self> {
        match text.split_once("://*.") {
            Some((scheme, rest)) => {
                let server = Self::parse(&format!("{scheme}://{rest}"))?;
                Some(Self { host: format!("*.{}", server.host), ..server })
            }
            None => Self::parse(text),
        }
    }

    /// Accepts only what every program reads in the same way: parsers differ about the rest.
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

/// Why a string is not a server.
pub fn why_not_a_server(text: &str) -> String {
    let example = "https://k8s.example.com:6443, https://*.example.com:6443";
    format!("'{text}' is not a plain server URL such as {example}")
}
