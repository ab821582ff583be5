//! A cluster from a configuration file or from flags.

use url::Url;

use super::place::Place;
use crate::loopback_host::is_loopback_host;

/// A cluster from a configuration file or from flags. All fields are valid.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Its name in kubeconfigs.
    pub name: String,
    /// The API server's URL: https, or http on loopback.
    pub server: String,
    /// The absolute path of a PEM file.
    pub certificate_authority: Option<String>,
    /// PEM in base64. Never beside [`Cluster::certificate_authority`].
    pub certificate_authority_data: Option<String>,
    /// The name of an existing profile.
    pub profile: Option<String>,
    /// The namespace of its context.
    pub namespace: Option<String>,
    /// The name of its context.
    pub context: Option<String>,
    /// Where it was given.
    pub place: Place,
}

/// Checks whether a token may be sent to an API server with this URL.
///
/// # Errors
/// The reason why not.
pub fn check_server(text: &str) -> std::result::Result<(), String> {
    let url = Url::parse(text).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => "it must begin with https://".to_owned(),
        error => error.to_string(),
    })?;
    let why_not = match url.scheme() {
        _ if !url.username().is_empty() || url.password().is_some() => {
            "a server URL cannot contain a user name or password"
        }
        _ if url.host().is_none() => "it must begin with https://",
        "http" if !is_loopback_host(url.host()) => "over http anyone on the network could take the token",
        "http" | "https" if url.query().is_some() || url.fragment().is_some() => {
            "a server URL cannot contain '?' or '#'"
        }
        "http" | "https" => return Ok(()),
        _ => "it must begin with https://",
    };
    Err(why_not.to_owned())
}

/// Checks whether an entry of a kubeconfig can have this name.
///
/// # Errors
/// The reason why not.
pub fn check_name(text: &str) -> std::result::Result<(), &'static str> {
    match text {
        "" => Err("it is empty"),
        _ if text.chars().any(char::is_control) => Err("it contains a control character"),
        _ if text.trim() != text => Err("it begins or ends with a space"),
        _ => Ok(()),
    }
}
