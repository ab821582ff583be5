//! The proxy of the environment or the system. The HTTP library uses it; here it is checked before, because the library
//! ignores a proxy that it does not understand, and named in errors after.

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use url::Url;

use crate::error::{Error, ErrorKind, Result};
use crate::log;
use crate::loopback_host::is_loopback_host;
use crate::secret::Secret;

/// The variables for https, as the library reads them: the first of each pair that is set; an empty one is ignored.
const VARIABLES: [[&str; 2]; 2] = [["HTTPS_PROXY", "https_proxy"], ["ALL_PROXY", "all_proxy"]];

/// How to write a proxy.
pub const EXAMPLE: &str = "http://HOST:PORT, http://USER:PASSWORD@HOST:PORT or socks5://HOST:PORT, with special characters as %XX ('@' is %40)";

/// RFC 1928 §3.
const SOCKS_PORT: u16 = 1080;

/// The proxy in between.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Its URL without user name and password.
    pub name: String,
    /// Its whole URL, if the library cannot find it by itself: that of a kubeconfig, or of a SOCKS proxy, for which the
    /// library would use another port, or ignore it.
    pub url: Option<Secret>,
}

/// How a server is reached.
#[derive(Clone, Debug)]
pub enum Route {
    /// Through the proxy of the environment or the system, if there is one for it.
    OfEnvironment,
    /// Without a proxy.
    Direct,
    /// Through this proxy, even to this machine, as client-go does.
    Through(Proxy),
}

impl Route {
    /// The proxy in front of `url`.
    ///
    /// # Errors
    /// As [`proxy_of`].
    pub fn proxy(&self, url: &Url) -> Result<Option<Proxy>> {
        match self {
            _ if self.is_direct(url) => Ok(None),
            Self::OfEnvironment => proxy_of(url),
            Self::Direct => Ok(None),
            Self::Through(proxy) => Ok(Some(proxy.clone())),
        }
    }

    /// Whether no proxy may be used for `url`: over http, which only this machine has, one could read codes, secrets and
    /// tokens.
    pub fn is_direct(&self, url: &Url) -> bool {
        match self {
            Self::OfEnvironment => is_loopback_host(url.host()),
            Self::Direct => true,
            Self::Through(_) => url.scheme() != "https",
        }
    }
}

impl Proxy {
    /// The proxy with this URL, as a kubeconfig has it.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if it cannot be used. The value is not in the message: it may contain a password.
    pub fn of_kubeconfig(text: &str) -> Result<Self> {
        let is_known = |url: &Url| matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") && url.has_host();
        let mut url = Url::parse(text).ok().filter(is_known).ok_or_else(|| {
            Error::new(ErrorKind::Usage, "the cluster's 'proxy-url' cannot be used: it is not the URL of a proxy")
                .hint(format!("fix it in the kubeconfig: {EXAMPLE}"))
        })?;
        let whole = socks_url(text).unwrap_or_else(|| Secret::new(url.as_str()));
        // They fail for URLs that cannot have them.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        Ok(Self { name: url.as_str().trim_end_matches('/').to_owned(), url: Some(whole) })
    }
}

/// The proxy in front of `url`.
///
/// # Errors
/// [`ErrorKind::Usage`] if a proxy is set for `url` and cannot be used. The value is not in the message: it may contain a
/// password.
pub fn proxy_of(url: &Url) -> Result<Option<Proxy>> {
    let socks = variable().and_then(|(_, value)| socks_url(&value));
    let found = match &socks {
        Some(socks) => intercept(&matcher_of(socks.expose()), url),
        None => intercept(&Matcher::from_system(), url),
    };
    match &found {
        Some(proxy) if is_socks_4(proxy) => Err(unusable(url, "it is a SOCKS 4 proxy, which is not supported")),
        Some(proxy) if is_misread(proxy) => Err(unusable(url, "it is not the URL of a proxy")),
        Some(proxy) => Ok(Some(Proxy { name: name(proxy), url: socks })),
        None if is_script_unread() => {
            log::debug(format_args!(
                "proxy: the system's proxy script (PAC) is not read; HTTPS_PROXY can name a proxy"
            ));
            Ok(None)
        }
        None if is_passed_over(url) => Err(unusable(url, "it is not the URL of a proxy")),
        None => Ok(None),
    }
}

/// A SOCKS 5 proxy as the library understands it. Desktops write `socks`; as in browsers, it means `socks5h`, with which
/// the proxy looks up names.
fn socks_url(value: &str) -> Option<Secret> {
    let (scheme, rest) = value.split_once("://")?;
    let scheme = match &*scheme.to_ascii_lowercase() {
        "socks" | "socks5h" => "socks5h",
        "socks5" => "socks5",
        _ => return None,
    };
    let (user, address) = rest.split_at(rest.rfind('@').map_or(0, |at| at + 1));
    let address = address.split('/').next().unwrap_or_default();
    let has_port = address.rsplit_once(':').is_some_and(|(host, _)| !host.starts_with('[') || host.ends_with(']'));
    let port = if has_port { String::new() } else { format!(":{SOCKS_PORT}") };
    Some(Secret::new(format!("{scheme}://{user}{address}{port}")))
}

/// Uses this proxy for all hosts except those in `NO_PROXY`.
fn matcher_of(proxy: &str) -> Matcher {
    let no_proxy = ["NO_PROXY", "no_proxy"].iter().find_map(|name| std::env::var(name).ok()).unwrap_or_default();
    Matcher::builder().all(proxy.to_owned()).no(no_proxy).build()
}

/// Whether the variable for `url` is set to a value that the library ignores.
fn is_passed_over(url: &Url) -> bool {
    let Some((_, value)) = variable() else { return false };
    let with = |proxy: &str| intercept(&matcher_of(proxy), url);
    with(&value).is_none() && with("http://proxy.invalid").is_some()
}

/// The variable that names the proxy for https.
fn variable() -> Option<(&'static str, String)> {
    let first_set = |names: &[&'static str; 2]| names.iter().find_map(|name| Some((*name, std::env::var(name).ok()?)));
    VARIABLES.iter().filter_map(first_set).find(|(_, value)| !value.is_empty())
}

/// Whether the system has a script that chooses proxies (PAC) and no other proxy is set: kubekey runs no scripts, so it connects
/// directly.
pub fn is_script_unread() -> bool {
    variable().is_none() && script().is_some_and(|script| !script.is_empty())
}

/// The URL of that script.
#[cfg(windows)]
fn script() -> Option<String> {
    let settings = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings";
    windows_registry::CURRENT_USER.open(settings).and_then(|settings| settings.get_string("AutoConfigURL")).ok()
}

/// The URL of that script, or another word if it is found by itself.
#[cfg(target_os = "macos")]
fn script() -> Option<String> {
    use system_configuration::core_foundation::{number::CFNumber, string::CFString};
    let proxies = system_configuration::dynamic_store::SCDynamicStoreBuilder::new("kubekey").build()?.get_proxies()?;
    let is_on = |name| {
        let value = proxies.find(CFString::from_static_string(name)).and_then(|value| value.downcast::<CFNumber>());
        value.and_then(|value| value.to_i32()) == Some(1)
    };
    (is_on("ProxyAutoConfigEnable") || is_on("ProxyAutoDiscoveryEnable")).then(|| "automatic".to_owned())
}

/// Desktops of Linux have such a setting, too, but programs without windows do not follow it.
#[cfg(not(any(windows, target_os = "macos")))]
fn script() -> Option<String> {
    None
}

/// Whether the proxy's variable contains a user name and password.
pub fn has_credentials() -> bool {
    variable().is_some_and(|(_, value)| value.contains('@'))
}

fn intercept(matcher: &Matcher, url: &Url) -> Option<Intercept> {
    matcher.intercept(&url.as_str().parse().ok()?)
}

fn is_socks_4(proxy: &Intercept) -> bool {
    matches!(proxy.uri().scheme_str(), Some("socks4" | "socks4a"))
}

/// Whether a '#', '/' or '@' in a password ended it early: a part of it would become the address.
fn is_misread(proxy: &Intercept) -> bool {
    let authority = proxy.uri().authority().map(|authority| authority.as_str());
    authority != Some(&address(proxy))
        || (has_credentials() && proxy.basic_auth().is_none() && proxy.raw_auth().is_none())
}

fn name(proxy: &Intercept) -> String {
    format!("{}://{}", proxy.uri().scheme_str().unwrap_or_default(), address(proxy))
}

fn address(proxy: &Intercept) -> String {
    let port = proxy.uri().port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}", proxy.uri().host().unwrap_or_default())
}

fn unusable(url: &Url, why: &str) -> Error {
    let variable = variable().map_or("the system's proxy setting", |(name, _)| name);
    let host = url.host_str().unwrap_or_default();
    Error::new(ErrorKind::Usage, format!("{variable} cannot be used: {why}"))
        .hint(format!("set it to {EXAMPLE}; if {host} can be reached without it, add {host} to NO_PROXY"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socks_proxy_is_read_with_its_port_and_its_way_to_look_up_names() {
        for (value, expected) in [
            ("socks5://proxy.example.com", "socks5://proxy.example.com:1080"),
            ("socks5h://proxy.example.com:9050/", "socks5h://proxy.example.com:9050"),
            ("SOCKS://jane:p%40ss@10.0.0.1/", "socks5h://jane:p%40ss@10.0.0.1:1080"),
            ("socks://proxy.example.com/a/b", "socks5h://proxy.example.com:1080"),
            ("socks5://[::1]", "socks5://[::1]:1080"),
            ("socks5://jane@[::1]:7", "socks5://jane@[::1]:7"),
        ] {
            assert_eq!(socks_url(value).map(|url| url.expose().to_owned()).as_deref(), Some(expected), "{value}");
        }
        for other in ["http://x", "x", "", "socks4://x", "socks4a://x", "socks", "socks6://x"] {
            assert!(socks_url(other).is_none(), "{other}");
        }
    }
}
