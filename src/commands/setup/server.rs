//! Checks of an API server's URL and of an entry's name.

use crate::config::cluster;
use crate::error::{Error, ErrorKind, Result};
use crate::printable;

/// The URL as it was given, if a token may be sent to it.
///
/// # Errors
/// [`ErrorKind::Usage`] if not.
pub fn check_server(text: &str) -> Result<String> {
    let shown = if text.contains('@') { "***" } else { text };
    let unusable = |why: String| unusable("server", shown, &why).hint("for example https://k8s.example.com:6443");
    cluster::check_server(text).map(|()| text.to_owned()).map_err(unusable)
}

/// Checks the name of a cluster, user, context or namespace.
///
/// # Errors
/// [`ErrorKind::Usage`] if it is empty, has control characters, or begins or ends with a space.
pub fn check_name(flag: &str, text: &str) -> Result<String> {
    let unusable = |why| {
        unusable(flag, &printable::with_code_points(text), why)
            .hint("give a name without control characters, and without spaces before or after it")
    };
    cluster::check_name(text).map(|()| text.to_owned()).map_err(unusable)
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
