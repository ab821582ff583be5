//! One request to the loopback listener, and its answer.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode, Uri};
use tokio::sync::{oneshot, watch};
use url::Url;

/// No script ever, and nothing that leads away; a company's logo, fonts and styles may be inline or come over https.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline' data: https:; \
    font-src data: https:; img-src data: https:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What every answer says beside its content.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // For browsers that do not know `frame-ancestors`.
    (header::X_FRAME_OPTIONS, "DENY"),
    // A page that opened ours in a window of its own keeps no hold of it.
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// An answer, whole.
pub type Answer = Response<Full<Bytes>>;

/// How far the one request of a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It has not arrived whole.
    Asking,
    /// It waits for its answer.
    Waiting,
    /// Its answer is on the way to the client.
    Answered,
}

/// One request, waiting for its answer.
pub struct Visit {
    /// The request's method.
    pub method: Method,
    /// The request's path and query.
    pub uri: Uri,
    /// The request's header fields.
    pub headers: HeaderMap,
    /// The request's body, or the status that says why it was not read.
    pub body: Result<Bytes, StatusCode>,
    reply: oneshot::Sender<Answer>,
    stage: watch::Sender<Stage>,
}

impl Visit {
    /// A visit of this request, and where its answer comes out.
    pub fn new(
        head: Parts,
        body: Result<Bytes, StatusCode>,
        stage: watch::Sender<Stage>,
    ) -> (Self, oneshot::Receiver<Answer>) {
        let (reply, answer) = oneshot::channel();
        stage.send_replace(Stage::Waiting);
        (Self { method: head.method, uri: head.uri, headers: head.headers, body, reply, stage }, answer)
    }

    /// Answers with an HTML page. False if the client has gone.
    pub fn page(self, status: StatusCode, html: String) -> bool {
        self.answer(html_page(status, html))
    }

    /// Answers with a page from which the browser goes on to `next` at once.
    pub fn page_before(self, next: &Url, status: StatusCode, html: String) -> bool {
        let mut answer = html_page(status, html);
        // Not a redirect: many a provider's page lets its form lead to us and no further (`form-action`).
        if let Ok(next) = HeaderValue::from_str(&format!("0; url={next}")) {
            answer.headers_mut().insert(header::REFRESH, next);
        }
        self.answer(answer)
    }

    /// Answers that the method is none of those `allowed` here.
    pub fn method_not_allowed(self, allowed: &'static str, html: String) {
        let mut answer = html_page(StatusCode::METHOD_NOT_ALLOWED, html);
        // RFC 9110 §15.5.6: the answer has to name them.
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
        self.answer(answer);
    }

    /// Answers with a redirect, and sets the cookie if there is one. False if the client has gone.
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

    /// Answers with nothing.
    pub fn no_content(self) {
        self.answer(empty(StatusCode::NO_CONTENT));
    }

    fn answer(self, mut answer: Answer) -> bool {
        for (name, value) in HEADERS {
            answer.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        // Here and not where it is delivered: the server may end before that has had its turn.
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

/// An answer without content.
pub fn empty(status: StatusCode) -> Answer {
    let mut answer = Answer::new(Full::default());
    *answer.status_mut() = status;
    answer
}
