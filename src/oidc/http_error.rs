//! Why a request got no response: the provider, its certificate, the network, or the proxy in between.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use url::Url;

use super::proxy;
use super::socks_error;
use super::tls_error;
use super::untrusted::Untrusted;
use super::way::Way;
use crate::error::{Error, ErrorKind, causes, root_cause};
use crate::loopback_host::is_loopback_host;

/// The provider could not be reached, or its response is of no use. An OAuth error response is not one of these.
#[derive(Debug)]
pub struct HttpError {
    error: Error,
    /// Whether the connection was lost, so that a second attempt may succeed.
    pub(super) broke_off: bool,
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl StdError for HttpError {}

impl From<HttpError> for Error {
    fn from(error: HttpError) -> Self {
        error.error
    }
}

impl From<Error> for HttpError {
    fn from(error: Error) -> Self {
        Self { error, broke_off: false }
    }
}

impl HttpError {
    /// The error of a provider that does not respond as it should.
    pub(super) fn unreachable(message: String) -> Self {
        unreachable(message).into()
    }

    /// The error of a request that failed on `way`.
    pub(super) fn new(way: &Way<'_>, error: &reqwest::Error) -> Self {
        let Way { url, proxy, .. } = way;
        let cause =
            tls_error::find(error).unwrap_or_else(|| error.source().map_or_else(|| error.to_string(), root_cause));
        let cause = ended(&cause).map_or(cause, str::to_owned);
        let proxy_failure = || {
            let proxy = (*proxy)?;
            socks_error::of(way, proxy, error).or_else(|| proxy_failure(url, proxy, error, &cause))
        };
        match Untrusted::find(error) {
            Some(untrusted) => Error::new(ErrorKind::Unreachable, format!("{url} cannot be reached: {untrusted}"))
                .hint(untrusted.hint())
                .into(),
            None => Self {
                error: proxy_failure().unwrap_or_else(|| unreachable_on(way, error, &cause)),
                broke_off: broke_off(error),
            },
        }
    }
}

/// Our words for a connection that was closed too early, in place of the libraries'.
fn ended(cause: &str) -> Option<&'static str> {
    let in_answer = ["close_notify", "connection closed before message completed", "end of file before message length"];
    match cause {
        "tls handshake eof" => Some("the connection was closed during the TLS handshake"),
        _ if in_answer.iter().any(|words| cause.contains(words)) => Some("the connection was closed too early"),
        _ => None,
    }
}

/// The error of a request that failed on `way`, and not at a proxy.
fn unreachable_on(way: &Way<'_>, error: &reqwest::Error, cause: &str) -> Error {
    let unreachable = unreachable(way.failure(error, cause));
    let is_direct = way.proxy.is_none() && error.is_connect() && !is_loopback_host(way.url.host());
    match socks_error::hint_of_lookup(way) {
        Some(hint) => unreachable.hint(hint),
        None if is_direct && proxy::is_script_unread() => unreachable.hint(
            "kubekey does not read the system's proxy script (PAC): if the provider can be reached only through a proxy, \
             set HTTPS_PROXY=http://HOST:PORT",
        ),
        None => unreachable,
    }
}

fn unreachable(message: String) -> Error {
    Error::new(ErrorKind::Unreachable, message)
        .hint("check the network, the proxy (HTTPS_PROXY) and the issuer URL, and run the command again")
}

/// Whether the connection was lost, even during its TLS handshake. A refused connection is not: the next one would be
/// refused as well.
fn broke_off(error: &reqwest::Error) -> bool {
    use io::ErrorKind as E;
    let ends = [E::ConnectionReset, E::ConnectionAborted, E::BrokenPipe, E::UnexpectedEof];
    let ended =
        || causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|io| ends.contains(&io.kind()));
    !error.is_timeout() && (!error.is_connect() || ended())
}

/// What the proxy refused, or that it cannot be reached. The HTTP library has no types for these errors, only strings.
fn proxy_failure(url: &Url, proxy: &str, error: &reqwest::Error, cause: &str) -> Option<Error> {
    let says = |words: &str| causes(error).any(|cause| cause.to_string().contains(words));
    let host = url.host_str().unwrap_or_default();
    let (message, hint) = if says("proxy authorization required") {
        match proxy::has_credentials() {
            true => (
                format!("the proxy {proxy} rejected the user name or password"),
                "check them in HTTPS_PROXY (special characters as %XX); NTLM and Kerberos are not supported".to_owned(),
            ),
            false => (
                format!("the proxy {proxy} requires a user name and password"),
                format!("set them in HTTPS_PROXY: {}", proxy::EXAMPLE),
            ),
        }
    } else if says("tunnel error: unsuccessful") {
        // Some proxies respond like this to a wrong password, too.
        let message = format!("the proxy {proxy} refused a connection to {host}");
        let password = if proxy::has_credentials() { "check the password in HTTPS_PROXY, " } else { "" };
        let hint = format!("{password}check that it is a proxy and allows {host}, or add {host} to NO_PROXY");
        (message, hint)
    } else if says("failed to create underlying connection") {
        let message = format!("the proxy {proxy} cannot be reached: {cause}");
        let tls =
            "most proxies are reached over http, even for https URLs: set HTTPS_PROXY=http://HOST:PORT".to_owned();
        let other =
            format!("check HTTPS_PROXY and the network; if {host} can be reached without a proxy, add it to NO_PROXY");
        (message, if proxy.starts_with("https:") { tls } else { other })
    } else {
        return None;
    };
    Some(Error::new(ErrorKind::Unreachable, message).hint(hint))
}
