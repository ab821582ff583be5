//! The URLs that the listener serves, and the rules of HTTP and browsers by which a request is admitted.

use std::time::Duration;

use hyper::header::{self, HeaderName};
use hyper::{Method, StatusCode};
use openidconnect::CsrfToken;
use url::Url;

use super::visit::Visit;
use crate::settings::ResponseMode;

/// How many random bytes make a path unguessable; in base64 they have 16 characters.
const PATH_BYTES: u32 = 12;

/// The same for the cookie's value.
const COOKIE_BYTES: u32 = 16;

/// How a form is encoded (OAuth 2.0 Form Post Response Mode §2).
const FORM: &str = "application/x-www-form-urlencoded";

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// The URLs of one sign-in.
pub struct Gate {
    /// Our origin, as in the header `Origin`.
    pub origin: String,
    /// The host and port, as a browser names them.
    pub host: String,
    start_path: String,
    callback_path: String,
    /// Where the result is shown, with nothing of the response in the URL.
    pub result_path: String,
    response_mode: ResponseMode,
    /// Name and value. Ports share cookies, so the port is part of the name (RFC 6265 §8.5).
    cookie: (String, String),
    lifetime: Duration,
}

/// What a request is for.
#[derive(Debug)]
pub enum Purpose {
    /// A prefetcher or a link checker, which must not start the sign-in.
    IdleLook,
    /// The redirect to the provider.
    Start,
    /// The provider's response, form-encoded.
    Callback(Vec<u8>),
    /// The page with the result.
    Result,
    /// It is rejected, with this status and for this reason.
    Stray(StatusCode, &'static str),
    /// It has another method than these.
    WrongMethod(&'static str),
}

impl Gate {
    /// A gate for `redirect_uri`, for a sign-in that takes at most `lifetime`.
    pub fn new(redirect_uri: &str, response_mode: ResponseMode, lifetime: Duration) -> Self {
        let redirect_uri = Url::parse(redirect_uri).expect("the settings have parsed it");
        let origin = redirect_uri.origin().ascii_serialization();
        let port = redirect_uri.port_or_known_default().unwrap_or_default();
        Self {
            host: origin.split_once("://").map_or(origin.as_str(), |(_, host)| host).to_owned(),
            start_path: format!("/{}", random(PATH_BYTES)),
            callback_path: redirect_uri.path().to_owned(),
            result_path: format!("/{}", random(PATH_BYTES)),
            response_mode,
            cookie: (format!("kubekey-{port}"), random(COOKIE_BYTES)),
            lifetime,
            origin,
        }
    }

    /// The only URL that a process list may show: it contains nothing of the request, and ends with this run.
    pub fn start_url(&self) -> String {
        format!("{}{}", self.origin, self.start_path)
    }

    /// Recognizes the browser that started the sign-in. None where the response is a form: that comes from another site, and
    /// browsers send no `Lax` cookie with it.
    pub fn cookie(&self) -> Option<String> {
        let ((name, value), seconds) = (&self.cookie, self.lifetime.as_secs());
        let secure = if self.origin.starts_with("https:") { "; Secure" } else { "" };
        (!self.takes_form())
            .then(|| format!("{name}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax{secure}"))
    }

    /// What `visit` is for, if it is admitted.
    pub fn admit(&self, visit: &Visit) -> Purpose {
        let path = visit.uri.path();
        let is_answer_by_form = path == self.callback_path && self.takes_form();
        if is_idle_look(visit) {
            return Purpose::IdleLook;
        }
        // A form comes from the provider's page, which may have any origin; there `state` is the check.
        if !is_answer_by_form && !self.is_origin_ours(visit) {
            return Purpose::Stray(StatusCode::FORBIDDEN, "it comes from another web page");
        }
        if visit.method != Method::GET && !(is_answer_by_form && visit.method == Method::POST) {
            return Purpose::WrongMethod(if is_answer_by_form { "GET, HEAD, POST" } else { "GET, HEAD" });
        }
        match path {
            path if path == self.start_path => Purpose::Start,
            path if path == self.callback_path => self.admit_answer(visit),
            path if path == self.result_path => Purpose::Result,
            _ => Purpose::Stray(StatusCode::NOT_FOUND, "there is no such page"),
        }
    }

    fn admit_answer(&self, visit: &Visit) -> Purpose {
        if visit.headers.get_all(SEC_FETCH_MODE).iter().any(|mode| mode != "navigate") {
            return Purpose::Stray(StatusCode::FORBIDDEN, "it is not a page view");
        }
        if visit.method == Method::POST {
            return read_form(visit);
        }
        if !self.is_cookie_ours(visit) {
            return Purpose::Stray(StatusCode::BAD_REQUEST, "its cookie belongs to another sign-in");
        }
        Purpose::Callback(visit.uri.query().unwrap_or_default().into())
    }

    fn takes_form(&self) -> bool {
        self.response_mode == ResponseMode::FormPost
    }

    fn is_origin_ours(&self, visit: &Visit) -> bool {
        visit.headers.get_all(header::ORIGIN).iter().all(|origin| origin.as_bytes() == self.origin.as_bytes())
    }

    /// Whether our cookie came back, or none of its name: the URL may have been opened in another browser.
    fn is_cookie_ours(&self, visit: &Visit) -> bool {
        let headers = visit.headers.get_all(header::COOKIE);
        let pairs = headers.iter().flat_map(|header| header.as_bytes().split(|byte| *byte == b';'));
        let (name, value) = (format!("{}=", self.cookie.0), self.cookie.1.as_bytes());
        let mut values = pairs.filter_map(|pair| pair.trim_ascii().strip_prefix(name.as_bytes())).peekable();
        values.peek().is_none() || values.any(|given| given == value)
    }
}

fn random(bytes: u32) -> String {
    CsrfToken::new_random_len(bytes).into_secret()
}

fn is_idle_look(visit: &Visit) -> bool {
    let is_prefetch = ["sec-purpose", "purpose", "x-purpose", "x-moz"].iter().any(|name| {
        let value = visit.headers.get(*name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.contains("prefetch") || value.contains("preview") || value.contains("prerender")
    });
    visit.method == Method::HEAD || is_prefetch
}

fn read_form(visit: &Visit) -> Purpose {
    let content_type =
        visit.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(FORM) {
        return Purpose::Stray(StatusCode::UNSUPPORTED_MEDIA_TYPE, "it is not a form");
    }
    match &visit.body {
        Ok(body) => Purpose::Callback(body.to_vec()),
        Err(StatusCode::PAYLOAD_TOO_LARGE) => Purpose::Stray(StatusCode::PAYLOAD_TOO_LARGE, "it is too large"),
        Err(status) => Purpose::Stray(*status, "it did not arrive completely"),
    }
}
