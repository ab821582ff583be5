//! The well-known URL of an issuer's discovery document (OpenID Connect Discovery §4).

use openidconnect::IssuerUrl;
use url::{ParseError, Url};

/// The path of the document, after that of the issuer.
pub const PATH: &str = ".well-known/openid-configuration";

/// The URL of the document of `issuer`.
///
/// # Errors
/// If the issuer cannot be the base of a URL.
pub fn url_of(issuer: &IssuerUrl) -> Result<Url, ParseError> {
    issuer.join(PATH)
}
