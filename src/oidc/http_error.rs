//! Why there is no answer, in words: the provider, its certificate, the network, or the proxy in between.

use std::error::Error as StdError;
use std::fmt;

use url::Url;

use super::http::Limits;
use super::proxy;
use super::untrusted::Untrusted;
use crate::error::{Error, ErrorKind, causes, root_cause};

/// The provider could not be reached, or answered that it is in trouble. An OAuth error answer is none of these.
#[derive(Debug)]
pub struct HttpError(Error);

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for HttpError {}

impl From<HttpError> for Error {
    fn from(error: HttpError) -> Self {
        error.0
    }
}

impl From<Error> for HttpError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl HttpError {
    /// A provider that does not answer as it should.
    pub(super) fn unreachable(message: String) -> Self {
        Self(
            Error::new(ErrorKind::Unreachable, message)
                .hint("check the network, the proxy (HTTPS_PROXY) and the issuer URL, and run the command again"),
        )
    }

    /// What went wrong with a request to `url`, which goes through `proxy` if there is one.
    pub(super) fn new(url: &Url, proxy: Option<&str>, error: &reqwest::Error, limits: Limits) -> Self {
        if let Some(untrusted) = Untrusted::find(error) {
            return Self(
                Error::new(ErrorKind::Unreachable, format!("{url} cannot be reached: {untrusted}"))
                    .hint(untrusted.hint()),
            );
        }
        let cause = error.source().map_or_else(|| error.to_string(), root_cause);
        if let Some(error) = proxy.and_then(|proxy| proxy_failure(url, proxy, error, &cause)) {
            return Self(error);
        }
        let way = proxy.map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default();
        Self::unreachable(match (error.is_timeout(), error.is_connect()) {
            (true, true) => {
                format!("{url} cannot be reached{way}: no connection within {} s", limits.connect.as_secs_f32())
            }
            (true, false) => format!("{url} did not answer{way} within {} s", limits.request.as_secs_f32()),
            (false, true) => format!("{url} cannot be reached{way}: {cause}"),
            (false, false) => format!("{url} broke off{way}: {cause}"),
        })
    }
}

/// What the proxy itself refused, or that it is not there. The HTTP library has no types for these, only words.
fn proxy_failure(url: &Url, proxy: &str, error: &reqwest::Error, cause: &str) -> Option<Error> {
    let says = |words: &str| causes(error).any(|cause| cause.to_string().contains(words));
    let host = url.host_str().unwrap_or_default();
    let (message, hint) = if says("proxy authorization required") {
        match proxy::has_credentials() {
            true => (
                format!("the proxy {proxy} did not accept the user name and the password"),
                "check them in HTTPS_PROXY (special characters as %XX); a proxy that wants NTLM or Kerberos is not supported"
                    .to_owned(),
            ),
            false => (
                format!("the proxy {proxy} wants a user name and a password"),
                format!("put them into HTTPS_PROXY: {}", proxy::EXAMPLE),
            ),
        }
    } else if says("tunnel error: unsuccessful") {
        // Some proxies answer a wrong password so, too.
        let message = format!("the proxy {proxy} refused a connection to {host}");
        let password = if proxy::has_credentials() { "check the password in HTTPS_PROXY, " } else { "" };
        let hint = format!("{password}see that it is a proxy and allows {host}, or add {host} to NO_PROXY");
        (message, hint)
    } else if says("failed to create underlying connection") {
        let message = format!("the proxy {proxy} cannot be reached: {cause}");
        let tls = "most proxies are reached by http, also for https: HTTPS_PROXY=http://HOST:PORT".to_owned();
        let other =
            format!("check HTTPS_PROXY and the network; if {host} can be reached without a proxy, add it to NO_PROXY");
        (message, if proxy.starts_with("https:") { tls } else { other })
    } else {
        return None;
    };
    Some(Error::new(ErrorKind::Unreachable, message).hint(hint))
}
