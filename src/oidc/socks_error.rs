//! Failures of a SOCKS proxy (RFC 1928, RFC 1929). The HTTP library has no types for these errors, only strings.

use super::proxy;
use super::way::Way;
use crate::error::{Error, ErrorKind, causes};

/// The library's strings for the reply codes of RFC 1928 §6, and what they mean.
const REPLIES: [(&str, &str); 8] = [
    ("general server failure", "general failure"),
    ("connection not allowed", "its rules do not allow it"),
    ("network unreachable", "the network is unreachable"),
    ("host unreachable", "the host is unreachable, or its name is unknown there"),
    ("connection refused", "connection refused"),
    ("ttl expired", "no response"),
    ("command not supported", "it does not support connections"),
    (
        "address type not supported",
        "it does not support this type of address (socks5h:// leaves the name look-up to the proxy, socks5:// does not)",
    ),
];

/// The error for a failure of the proxy; `None` for one of the server behind it.
pub(super) fn of(way: &Way<'_>, proxy: &str, error: &reqwest::Error) -> Option<Error> {
    let text =
        causes(error).map(ToString::to_string).find_map(|text| Some(text.strip_prefix("SOCKS error: ")?.to_owned()))?;
    let host = way.url.host_str().unwrap_or_default();
    let or_without = format!("if {host} can be reached without a proxy, add it to NO_PROXY");
    let (message, hint) = match &*text {
        "credentials not accepted" => (
            format!("the proxy {proxy} rejected the user name or password"),
            "check them in the proxy's variable (special characters as %XX)".to_owned(),
        ),
        "server does not support user/pass authentication" => methods(proxy),
        "failed to create underlying connection" => {
            let why = way.lookup.failure().unwrap_or_else(|| "connection failed".to_owned());
            (
                format!("the proxy {proxy} cannot be reached: {why}"),
                format!("check the proxy's variable and the network; {or_without}"),
            )
        }
        "failed serialize request" => (
            format!("the proxy {proxy} cannot be used: the user name or password is too long"),
            "use at most 255 bytes for each".to_owned(),
        ),
        text => match REPLIES.iter().find(|(reply, _)| *reply == text) {
            Some((_, why)) => (
                format!("the proxy {proxy} did not connect to {host}: {why}"),
                format!("check that the proxy allows {host}; {or_without}"),
            ),
            None => (
                format!("the proxy {proxy} did not respond with SOCKS 5"),
                format!("check that it is a SOCKS 5 proxy (for an HTTP proxy, set http://HOST:PORT); {or_without}"),
            ),
        },
    };
    Some(Error::new(ErrorKind::Unreachable, message).hint(hint))
}

/// What helps where this machine could not look up a name that such a proxy may know.
pub(super) fn hint_of_lookup(way: &Way<'_>) -> Option<&'static str> {
    let host = way.url.host_str()?;
    let is_here = way.proxy.is_some_and(|proxy| proxy.starts_with("socks5://"));
    let failure = || way.lookup.failure().or_else(|| way.lookup.pending().map(|name| format!("'{name}'")));
    let is_host = is_here && failure().is_some_and(|failure| failure.contains(&format!("'{host}'")));
    is_host.then_some(
        "write socks5h:// in place of socks5:// in the proxy's variable, so that the proxy looks up the name, \
        or check the issuer URL and the network",
    )
}

/// The proxy accepts none of the offered authentication methods, of which there is one.
fn methods(proxy: &str) -> (String, String) {
    match proxy::has_credentials() {
        true => (
            format!("the proxy {proxy} does not accept a user name and password"),
            "remove them from the proxy's variable; Kerberos is not supported".to_owned(),
        ),
        false => (
            format!("the proxy {proxy} requires a user name and password"),
            "set them in the proxy's variable: socks5://USER:PASSWORD@HOST:PORT, with special characters as %XX ('@' is %40)"
                .to_owned(),
        ),
    }
}
