//! The proxy of the environment or the system. The HTTP library uses it; here it is looked at beforehand, because the
//! library passes over one that it does not understand, and afterwards, to be named in an error.

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use url::Url;

use crate::error::{Error, ErrorKind, Result};

/// The variables for https, as the library reads them: of each pair the first that is set, and an empty one is none.
const VARIABLES: [[&str; 2]; 2] = [["HTTPS_PROXY", "https_proxy"], ["ALL_PROXY", "all_proxy"]];

/// How a proxy is written.
pub const EXAMPLE: &str =
    "http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, with special characters as %XX ('@' is %40)";

/// The proxy in front of `url`, without its user name and password.
///
/// # Errors
/// [`ErrorKind::Usage`] if a proxy is set for it and cannot be used. The value is not in the message: it may hold a
/// password.
pub fn proxy_of(url: &Url) -> Result<Option<String>> {
    let found = intercept(&Matcher::from_system(), url);
    match &found {
        Some(proxy) if !is_supported(proxy) => Err(unusable("that kind of proxy is not known")),
        Some(proxy) if is_misread(proxy) => Err(unusable("it is not the URL of a proxy")),
        Some(proxy) => Ok(Some(name(proxy))),
        None if is_passed_over(url) => Err(unusable("it is not the URL of a proxy")),
        None => Ok(None),
    }
}

/// Whether the variable for `url` is set to something that the library takes for nothing.
fn is_passed_over(url: &Url) -> bool {
    let Some((_, value)) = variable() else { return false };
    let no_proxy = ["NO_PROXY", "no_proxy"].iter().find_map(|name| std::env::var(name).ok()).unwrap_or_default();
    let with = |proxy: &str| intercept(&Matcher::builder().all(proxy.to_owned()).no(no_proxy.clone()).build(), url);
    with(&value).is_none() && with("http://proxy.invalid").is_some()
}

/// The variable that names the proxy for https.
fn variable() -> Option<(&'static str, String)> {
    let first_set = |names: &[&'static str; 2]| names.iter().find_map(|name| Some((*name, std::env::var(name).ok()?)));
    VARIABLES.iter().filter_map(first_set).find(|(_, value)| !value.is_empty())
}

/// Whether the proxy's variable holds a user name and a password.
pub fn has_credentials() -> bool {
    variable().is_some_and(|(_, value)| value.contains('@'))
}

fn intercept(matcher: &Matcher, url: &Url) -> Option<Intercept> {
    matcher.intercept(&url.as_str().parse().ok()?)
}

fn is_supported(proxy: &Intercept) -> bool {
    matches!(proxy.uri().scheme_str(), Some("http" | "https"))
}

/// Whether a '#', '/' or '@' in a password has ended it early: a part of it would be taken for the address.
fn is_misread(proxy: &Intercept) -> bool {
    let authority = proxy.uri().authority().map(|authority| authority.as_str());
    authority != Some(&address(proxy)) || (has_credentials() && proxy.basic_auth().is_none())
}

fn name(proxy: &Intercept) -> String {
    format!("{}://{}", proxy.uri().scheme_str().unwrap_or_default(), address(proxy))
}

fn address(proxy: &Intercept) -> String {
    let port = proxy.uri().port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}", proxy.uri().host().unwrap_or_default())
}

fn unusable(why: &str) -> Error {
    let variable = variable().map_or("the system's proxy setting", |(name, _)| name);
    Error::new(ErrorKind::Usage, format!("{variable} cannot be used: {why}")).hint(format!("it has to be {EXAMPLE}"))
}
