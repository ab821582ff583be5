//! Redirects: a document may have moved within its server. A request with a secret is never redirected.

use openidconnect::HttpResponse;
use reqwest::StatusCode;
use reqwest::header::LOCATION;
use url::Url;

use super::body::PORTAL;
use super::http_error::HttpError;
use super::well_known;
use crate::error::{Error, ErrorKind};

/// How many redirects are followed for one document.
pub const MOST: usize = 3;

/// Where a GET for a document continues, on the same server; `None` for a response that is not a redirect.
///
/// # Errors
/// If it points to another server, has no valid target, or is not one of 301, 302, 307 and 308.
pub fn followed(url: &Url, answer: &HttpResponse) -> Result<Option<Url>, HttpError> {
    let is_known = matches!(answer.status().as_u16(), 301 | 302 | 307 | 308);
    match target(url, answer) {
        // The same scheme, host and port mean the same server.
        Some(target) if is_known && target.origin() == url.origin() && url.has_host() => Ok(Some(target)),
        _ => refuse(url, answer).map(|()| None),
    }
}

/// Refuses every redirect: a form holds a secret (RFC 6749 §10.6).
///
/// # Errors
/// For a redirect, with its target.
pub fn refuse(url: &Url, answer: &HttpResponse) -> Result<(), HttpError> {
    match answer.status().is_redirection() {
        true => Err(refused(url, answer.status(), target(url, answer), "which is not followed")),
        false => Ok(()),
    }
}

/// The error for a document with one redirect too many.
pub fn endless(url: &Url, answer: &HttpResponse) -> HttpError {
    let why = format!("after {MOST} others, which is the limit");
    refused(url, answer.status(), target(url, answer), &why)
}

fn target(url: &Url, answer: &HttpResponse) -> Option<Url> {
    url.join(answer.headers().get(LOCATION)?.to_str().ok()?).ok()
}

fn refused(url: &Url, status: StatusCode, target: Option<Url>, why: &str) -> HttpError {
    let to = target.as_ref().map(|target| format!(" to {}", short(target))).unwrap_or_default();
    let message = format!("{url} returned a redirect{to} (HTTP {status}), {why}");
    Error::new(ErrorKind::Unreachable, message).hint(hint(url, target.as_ref())).into()
}

/// Another issuer is suggested only if the redirect points to its discovery document.
fn hint(url: &Url, target: Option<&Url>) -> String {
    let moved = target.filter(|target| url.path().ends_with(well_known::PATH) && target.scheme() == "https");
    let moved = moved.filter(|target| target.query().is_none() && target.origin() != url.origin());
    match moved.and_then(|target| short(target).strip_suffix(well_known::PATH)?.strip_suffix('/').map(str::to_owned)) {
        Some(issuer) => {
            format!("if that is your provider, use the issuer URL in its document there, probably {issuer}")
        }
        None => PORTAL.to_owned(),
    }
}

/// The URL without the parts that may be long or secret.
fn short(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // They fail for a URL that cannot have them.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirect(status: u16, location: &str) -> HttpResponse {
        let mut answer = HttpResponse::new(Vec::new());
        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        if !location.is_empty() {
            answer.headers_mut().insert(LOCATION, location.parse().unwrap());
        }
        answer
    }

    const URL: &str = "https://login.example.com/.well-known/openid-configuration";

    #[test]
    fn only_within_the_same_server_a_document_is_followed() {
        let url = Url::parse(URL).unwrap();
        for (location, good) in [
            ("/index.php/.well-known/openid-configuration", true),
            ("https://login.example.com:443/x", true),
            ("//login.example.com/x", true),
            ("https://LOGIN.example.com/x?y", true),
            ("http://login.example.com/x", false),
            ("https://login.example.com:8443/x", false),
            ("https://login.example.com.evil.example/x", false),
            ("https://login.example.com@evil.example/x", false),
            ("//evil.example/x", false),
            ("javascript:alert(1)", false),
            ("file:///etc/passwd", false),
            ("https://[", false),
            ("", false),
        ] {
            for status in [301, 302, 307, 308] {
                let followed = followed(&url, &redirect(status, location));
                assert_eq!(matches!(followed, Ok(Some(_))), good, "{location}");
                assert_eq!(followed.is_err(), !good, "{location}");
            }
            for status in [300, 303, 304, 305, 306] {
                assert!(followed(&url, &redirect(status, location)).is_err(), "{status} {location}");
            }
            assert!(refuse(&url, &redirect(302, location)).is_err());
        }
        assert!(matches!(followed(&url, &redirect(200, "/x")), Ok(None)));
        assert!(refuse(&url, &redirect(404, "/x")).is_ok());
    }

    #[test]
    fn an_error_names_where_it_leads_and_proposes_an_issuer_only_where_its_document_is() {
        let url = Url::parse(URL).unwrap();
        let error = |location: &str| Error::from(refuse(&url, &redirect(302, location)).unwrap_err());
        let portal = error("https://me:pw@portal.example/login?from=x#y");
        let text = format!(
            "{URL} returned a redirect to https://portal.example/login (HTTP 302 Found), which is not followed"
        );
        assert_eq!((portal.to_string(), portal.what_to_do()), (text, PORTAL));
        let moved = error("https://id.example.com/a/.well-known/openid-configuration");
        assert!(moved.what_to_do().ends_with("probably https://id.example.com/a"), "{}", moved.what_to_do());
        for other in ["http://id.example.com/.well-known/openid-configuration", "/.well-known/openid-configuration", ""]
        {
            assert_eq!(error(other).what_to_do(), PORTAL, "{other}");
        }
    }
}
