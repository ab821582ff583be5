//! Header fields for the requests to the provider, for a gateway in front of it.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::request::pairs;
use crate::config::given::{Given, unusable};
use crate::error::Result;

/// Header fields that belong to the protocols.
const OWN: [&str; 11] = [
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "proxy-authorization",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// The chosen header fields. Their values are secrets.
pub(super) fn parse(given: &Given) -> Result<HeaderMap> {
    let texts = given.texts("request-header");
    let pairs = pairs(&texts, |name, given| match OWN.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        true => Err(unusable(&given.label(), name, "kubekey sets this header field itself").hint("leave it out")),
        false => Ok(()),
    })?;
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let field = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::try_from(value).ok());
        let (field, mut value) = field.ok_or_else(|| {
            unusable("--request-header", &name, "it is not a header field")
                .hint("write NAME=VALUE, for example X-Gateway-Key=VALUE")
        })?;
        value.set_sensitive(true);
        headers.insert(field, value);
    }
    Ok(headers)
}
