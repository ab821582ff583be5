//! A server that a policy allows a token to go to.

use serde::{Deserialize, Deserializer, de};
use url::Url;

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

    fn parse(text: &str) -> Option<Self> {
        // '*' is no character of a host name; the rest of the URL has to be one.
        let (is_wild, text) = match text.split_once("://*.") {
            Some((scheme, rest)) => (true, format!("{scheme}://{rest}")),
            None => (false, text.to_owned()),
        };
        let url = Url::parse(&text).ok()?;
        let host = url.host_str()?;
        Some(Self {
            scheme: url.scheme().to_owned(),
            host: if is_wild { format!("*.{host}") } else { host.to_owned() },
            port: url.port_or_known_default(),
            path: url.path().trim_end_matches('/').to_owned(),
        })
    }
}

impl<'de> Deserialize<'de> for Server {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom(format!("'{text}' is no URL of a server")))
    }
}
