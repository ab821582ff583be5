//! One request to the loopback listener, and its response.

use std::net::SocketAddr;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode, Uri};
use tokio::sync::{oneshot, watch};
use url::Url;

/// No scripts and no navigation; a company's logo, fonts and styles may be inline or loaded over https.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline' data: https:; \
    font-src data: https:; img-src data: https:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The header fields of every response.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // For browsers that do not know `frame-ancestors`.
    (header::X_FRAME_OPTIONS, "DENY"),
    // A page that opened ours in another window cannot control it.
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// A complete response.
pub type Answer = Response<Full<Bytes>>;

/// The progress of the one request of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It has not arrived completely.
    Asking,
    /// It waits for its response.
    Waiting,
    /// Its response is being sent.
    Answered,
}

/// One request that waits for its response.
pub struct Visit {
    /// The request's method.
    pub method: Method,
    /// The request's path and query.
    pub uri: Uri,
    /// The request's header fields.
    pub headers: HeaderMap,
    /// The request's body, or the status that says why it was not read.
    pub body: Result<Bytes, StatusCode>,
    /// The addresses of the client and of our end; `None` if the connection is gone.
    pub ends: Ends,
    reply: oneshot::Sender<Answer>,
    stage: watch::Sender<Stage>,
}

/// The addresses of both ends of a connection: the client's and ours.
pub type Ends = Option<(SocketAddr, SocketAddr)>;

impl Visit {
    /// The visit of this request, and the receiver of its response.
    pub fn new(
        head: Parts,
        body: Result<Bytes, StatusCode>,
        ends: Ends,
        stage: watch::Sender<Stage>,
    ) -> (Self, oneshot::Receiver<Answer>) {
        let (reply, answer) = oneshot::channel();
        stage.send_replace(Stage::Waiting);
        (Self { method: head.method, uri: head.uri, headers: head.headers, body, ends, reply, stage }, answer)
    }

    /// Answers with an HTML page. Returns false if the client has disconnected.
    pub fn page(self, status: StatusCode, html: String) -> bool {
        self.answer(html_page(status, html))
    }

    /// Answers with a page from which the browser continues to `next` at once.
    pub fn page_before(self, next: &Url, status: StatusCode, html: String) -> bool {
        let mut answer = html_page(status, html);
        // Not a redirect: many providers' pages allow their form to be sent to us and no further (`form-action`).
        if let Ok(next) = HeaderValue::from_str(&format!("0; url={next}")) {
            answer.headers_mut().insert(header::REFRESH, next);
        }
        self.answer(answer)
    }

    /// Answers with a page of our own whose script may run and submit its form to `action`, and to no other origin by http.
    pub fn form_page(self, action: &Url, nonce: &str, html: String) -> bool {
        let mut answer = html_page(StatusCode::OK, html);
        let origin = action.origin().ascii_serialization();
        // A provider may redirect the browser to other pages of its own.
        let policy = format!(
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'nonce-{nonce}'; \
             base-uri 'none'; form-action {origin} https:; frame-ancestors 'none'"
        );
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        self.answer(answer)
    }

    /// Answers that only the `allowed` methods are accepted here.
    pub fn method_not_allowed(self, allowed: &'static str, html: String) {
        let mut answer = html_page(StatusCode::METHOD_NOT_ALLOWED, html);
        // RFC 9110 §15.5.6: the response must name them.
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
        self.answer(answer);
    }

    /// Answers with a redirect, and sets the cookie if there is one. Returns false if the client has disconnected.
    pub fn redirect(self, status: StatusCode, location: &str, cookie: Option<&str>) -> bool {
        let mut answer = empty(status);
        let cookie = cookie.map(|cookie| (header::SET_COOKIE, cookie));
        for (name, value) in [(header::LOCATION, location)].into_iter().chain(cookie) {
            match HeaderValue::from_str(value) {
                Ok(value) => drop(answer.headers_mut().insert(name, value)),
                Err(_) => *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
            }
        }
        self.answer(answer)
    }

    /// Answers without content.
    pub fn no_content(self) {
        self.answer(empty(StatusCode::NO_CONTENT));
    }

    fn answer(self, mut answer: Answer) -> bool {
        for (name, value) in HEADERS {
            answer.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
        }
        // Here and not at delivery: the server may stop before that.
        self.stage.send_replace(Stage::Answered);
        self.reply.send(answer).is_ok()
    }
}

fn html_page(status: StatusCode, html: String) -> Answer {
    let mut answer = Answer::new(Full::from(html));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    answer
}

/// A response without content.
pub fn empty(status: StatusCode) -> Answer {
    let mut answer = Answer::new(Full::default());
    *answer.status_mut() = status;
    answer
}
