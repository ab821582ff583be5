//! The log of a request and its response.

use std::fmt::Display;

use openidconnect::HttpResponse;
use reqwest::Request;
use serde_json::Value;
use url::Url;

use crate::log::{self, Timer};
use crate::log_level::{self, Level};

/// A pending request.
pub struct HttpLog {
    /// Its method and URL; empty where they are not logged.
    what: String,
    timer: Timer,
}

impl HttpLog {
    /// Notes what the log needs, before the request is moved.
    pub fn of(request: &Request) -> Self {
        let is_on = log_level::is_on(Level::Debug);
        let what = is_on.then(|| format!("{} {}", request.method(), plain(request.url())));
        Self { what: what.unwrap_or_default(), timer: Timer::start() }
    }

    /// Logs the result, and returns it.
    pub fn ended<E: Display>(self, result: Result<HttpResponse, E>) -> Result<HttpResponse, E> {
        let Self { what, timer } = self;
        match &result {
            Ok(answer) => {
                let (status, length) = (answer.status().as_u16(), answer.body().len());
                log::debug(format_args!("http: {what}: {status}, {length} bytes in {timer}"));
                if log_level::is_on(Level::Trace) {
                    trace(answer);
                }
            }
            Err(error) => log::debug(format_args!("http: {what}: failed in {timer} ({error})")),
        }
        result
    }
}

/// Logs names and never values: those are tokens.
fn trace(answer: &HttpResponse) {
    let headers: Vec<_> = answer.headers().keys().map(|name| name.as_str()).collect();
    log::trace(format_args!("http: header fields: {}", headers.join(", ")));
    if let Ok(Value::Object(fields)) = serde_json::from_slice(answer.body()) {
        let names: Vec<_> = fields.keys().map(|name| if is_name(name) { name } else { "?" }).collect();
        log::trace(format_args!("http: fields: {}", names.join(", ")));
    }
}

/// Whether this is a field name as in a specification. No token looks like one.
fn is_name(text: &str) -> bool {
    text.len() <= 60 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// The URL without the parts that may hold a secret.
fn plain(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // It fails for URLs that cannot have them.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_logged_without_query_fragment_and_user() {
        let url = Url::parse("https://jane:canary@login.example.com/token?code=canary#canary").unwrap();
        assert_eq!(plain(&url), "https://login.example.com/token");
    }

    #[test]
    fn a_field_is_logged_by_a_name_and_by_nothing_else() {
        for (text, expected) in [("id_token", true), ("eyJhbGciOiJub25lIn0", false), ("code-1-x", false)] {
            assert_eq!(is_name(text), expected, "{text}");
        }
        assert!(!is_name(&"x".repeat(61)));
    }
}
