//! What an API server's address and an entry's name have to be.

use crate::config::clusters;
use crate::error::{Error, ErrorKind, Result};

/// The address as it was given, if it is one to which a token may be sent.
///
/// # Errors
/// [`ErrorKind::Usage`] if not.
pub fn check_server(text: &str) -> Result<String> {
    let shown = if text.contains('@') { "***" } else { text };
    let unusable = |why: String| unusable("server", shown, &why).hint("for example https://k8s.example.com:6443");
    clusters::check_server(text).map(|()| text.to_owned()).map_err(unusable)
}

/// The name of a cluster, user, context or namespace.
///
/// # Errors
/// [`ErrorKind::Usage`] for an empty one, or one with characters that do not show.
pub fn check_name(flag: &str, text: &str) -> Result<String> {
    clusters::check_name(text).map(|()| text.to_owned()).map_err(|why| unusable(flag, text, why))
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
