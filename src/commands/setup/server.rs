//! What an API server's address and an entry's name have to be.

use url::Url;

use crate::config::is_loopback_host;
use crate::error::{Error, ErrorKind, Result};

/// The address as it was given, if it is one to which a token may be sent.
///
/// # Errors
/// [`ErrorKind::Usage`] if not.
pub fn check_server(text: &str) -> Result<String> {
    let unusable = |why: &str| unusable("server", text, why).hint("for example https://k8s.example.com:6443");
    let url = Url::parse(text).map_err(|error| unusable(&error.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(self::unusable("server", "***", "a server has no user name or password"));
    }
    let why_not = match url.scheme() {
        _ if url.host().is_none() => "it has to begin with https://",
        "http" if !is_loopback_host(url.host()) => "over http everybody on the way could take the token",
        "http" | "https" if url.query().is_some() || url.fragment().is_some() => "a server has no '?' or '#'",
        "http" | "https" => return Ok(text.to_owned()),
        _ => "it has to begin with https://",
    };
    Err(unusable(why_not))
}

/// The name of a cluster, user, context or namespace.
///
/// # Errors
/// [`ErrorKind::Usage`] for an empty one, or one with characters that do not show.
pub fn check_name(flag: &str, text: &str) -> Result<String> {
    match text.trim() == text && !text.is_empty() && !text.chars().any(char::is_control) {
        true => Ok(text.to_owned()),
        false => Err(unusable(flag, text, "it is empty, or has spaces around it or control characters in it")),
    }
}

fn unusable(flag: &str, value: &str, why: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("--{flag} '{value}' cannot be used: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_one_that_a_token_may_be_sent_to() {
        for good in ["https://k8s.example.com:6443", "https://k8s.example.com/clusters/1", "http://127.0.0.1:8080"] {
            assert_eq!(check_server(good).unwrap(), good);
        }
        for bad in ["k8s.example.com", "http://k8s.example.com", "ftp://x", "https://", "https://a/?b", "https://a/#b"]
        {
            assert_eq!(check_server(bad).unwrap_err().kind(), ErrorKind::Usage, "{bad}");
        }
        let error = check_server("https://me:s3cret@a").unwrap_err();
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}
