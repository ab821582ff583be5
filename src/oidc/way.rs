//! The route of a request, and its failure in words.

use url::Url;

use super::limits::Limits;
use super::name_lookup::NameLookup;

/// The route of a request.
pub struct Way<'a> {
    /// The destination.
    pub url: &'a Url,
    /// The proxy in between, if any.
    pub proxy: Option<&'a str>,
    /// How long it may take.
    pub limits: Limits,
    /// The look-up of the first server's name.
    pub lookup: &'a NameLookup,
}

impl Way<'_> {
    /// The failure in words, with its `cause`.
    pub fn failure(&self, error: &reqwest::Error, cause: &str) -> String {
        let Self { url, limits, .. } = self;
        let way = self.proxy.map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default();
        match (error.is_timeout(), error.is_connect()) {
            (true, true) => {
                let missing = self.lookup.pending().map_or_else(
                    || "no connection".to_owned(),
                    |name| format!("the name '{name}' could not be looked up"),
                );
                format!("{url} cannot be reached{way}: {missing} within {} s", limits.connect.as_secs_f32())
            }
            (true, false) => format!("{url} did not respond{way} within {} s", limits.request.as_secs_f32()),
            (false, true) => format!("{url} cannot be reached{way}: {cause}"),
            (false, false) => format!("{url} did not send a complete response{way}: {cause}"),
        }
    }
}
