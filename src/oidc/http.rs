//! The HTTP client for the provider, with its limits.

use std::time::Duration;

use openidconnect::{HttpRequest, HttpResponse};
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Client, Method, Request, StatusCode, redirect};
use url::Url;

use super::http_error::HttpError;
use super::http_log::HttpLog;
use super::proxy::proxy_of;
use super::tls::TlsSetup;
use crate::config::{Tls, is_loopback_host};
use crate::error::{Error, ErrorKind, Result, root_cause};

/// What a provider may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Until there is a connection, TLS and a proxy included.
    pub connect: Duration,
    /// From the first to the last byte of a request and its answer.
    pub request: Duration,
    /// The largest answer, in bytes. The largest honest one, a key set, has a few thousand.
    pub body: usize,
}

const LIMITS: Limits = Limits { connect: Duration::from_secs(10), request: Duration::from_secs(30), body: 1024 * 1024 };

/// An HTTPS client that follows no redirect and reads no endless answer.
#[derive(Clone)]
pub struct HttpClient {
    /// By way of the proxy of the environment or the system, if there is one.
    far: Client,
    /// To this computer, never by way of a proxy: over http it would read codes, secrets and tokens.
    near: Client,
    limits: Limits,
}

impl HttpClient {
    /// Builds the client, which takes about 2 ms: never on the warm path.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for a certificate authority that cannot be read; [`ErrorKind::Failed`] if the platform's
    /// trust store cannot be used.
    pub fn new(tls: &Tls) -> Result<Self> {
        Self::with_limits(tls, LIMITS)
    }

    fn with_limits(tls: &Tls, limits: Limits) -> Result<Self> {
        let tls = TlsSetup::new(tls)?;
        let client = || {
            tls.client()
                // RFC 6749 §10.6: a code, a secret or a token goes where it was addressed and nowhere else.
                .redirect(redirect::Policy::none())
                .connect_timeout(limits.connect)
                .timeout(limits.request)
                .user_agent(concat!("kubekey/", env!("CARGO_PKG_VERSION")))
        };
        let failed = |error: reqwest::Error| {
            Error::new(ErrorKind::Failed, format!("cannot set up HTTPS: {}", root_cause(&error)))
                .hint("check the system's certificates and the proxy settings (HTTPS_PROXY)")
        };
        Ok(Self { far: client().build().map_err(failed)?, near: client().no_proxy().build().map_err(failed)?, limits })
    }

    /// Gets a JSON document.
    ///
    /// # Errors
    /// If there is no answer, or one of trouble; a 4xx status is an answer.
    pub async fn get(&self, url: &Url) -> std::result::Result<HttpResponse, HttpError> {
        self.send(request(url, HeaderMap::new(), Vec::new())?).await
    }

    /// Posts a form.
    ///
    /// # Errors
    /// As [`HttpClient::get`].
    pub async fn post_form(
        &self,
        url: &Url,
        mut headers: HeaderMap,
        form: String,
    ) -> std::result::Result<HttpResponse, HttpError> {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let mut request = request(url, headers, form.into_bytes())?;
        *request.method_mut() = Method::POST;
        self.send(request).await
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// As [`HttpClient::get`].
    async fn send(&self, request: HttpRequest) -> std::result::Result<HttpResponse, HttpError> {
        let logged = HttpLog::of(&request);
        logged.ended(self.exchange(request).await)
    }

    async fn exchange(&self, request: HttpRequest) -> std::result::Result<HttpResponse, HttpError> {
        let request: Request = request.try_into().map_err(|error: reqwest::Error| {
            HttpError::unreachable(format!("the request cannot be sent: {}", root_cause(&error)))
        })?;
        let url = request.url().clone();
        let (client, proxy) = match is_loopback_host(url.host()) {
            true => (&self.near, None),
            false => (&self.far, proxy_of(&url)?),
        };
        let failure = |error| HttpError::new(&url, proxy.as_deref(), &error, self.limits);
        let mut response = client.execute(request).await.map_err(failure)?;
        refuse_trouble(&url, response.status())?;

        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failure)? {
            if body.len() + chunk.len() > self.limits.body {
                return Err(HttpError::unreachable(format!("{url} sent more than {} bytes", self.limits.body)));
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = HttpResponse::new(body);
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }
}

fn request(url: &Url, headers: HeaderMap, body: Vec<u8>) -> std::result::Result<HttpRequest, HttpError> {
    let mut request = HttpRequest::new(body);
    *request.uri_mut() = url.as_str().try_into().map_err(|error| HttpError::unreachable(format!("{url}: {error}")))?;
    *request.headers_mut() = headers;
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    Ok(request)
}

/// Refuses what is no answer to the question: the provider's own trouble, and a redirect.
fn refuse_trouble(url: &Url, status: StatusCode) -> std::result::Result<(), HttpError> {
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(HttpError::unreachable(format!("{url} answered HTTP {status}")));
    }
    if status.is_redirection() {
        let message = format!("{url} answered with a redirect (HTTP {status}), which is not followed");
        return Err(HttpError::unreachable(message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::event_loop;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(10);

    /// What is said about a server that reads a request, answers with `answer` and then falls silent.
    fn asks_a_silent_server(scheme: &str, answer: &'static str, limits: Limits) -> String {
        let asked = async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let url = format!("{scheme}://{}/x", listener.local_addr().unwrap());
            let client = HttpClient::with_limits(&Tls::default(), limits)?;
            let url = Url::parse(&url).unwrap();
            let silence = async { serve(listener.accept().await.unwrap().0, answer).await };
            let error = tokio::select! {
                answer = client.get(&url) => answer.unwrap_err().to_string(),
                () = silence => unreachable!(),
                () = tokio::time::sleep(LONG) => panic!("it is not given up"),
            };
            Ok(error.replace(url.as_str(), "URL"))
        };
        event_loop::run(asked).unwrap()
    }

    async fn serve(mut stream: TcpStream, answer: &str) {
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
        std::future::pending().await
    }

    #[test]
    fn the_limits_are_those_that_are_documented() {
        let (connect, request) = (Duration::from_secs(10), Duration::from_secs(30));
        assert_eq!(LIMITS, Limits { connect, request, body: 1_048_576 });
    }

    #[test]
    fn a_connection_that_does_not_come_about_is_given_up() {
        let limits = Limits { connect: SHORT, request: LONG, ..LIMITS };
        let error = asks_a_silent_server("https", "", limits);
        assert_eq!(error, "URL cannot be reached: no connection within 0.05 s");
    }

    #[test]
    fn a_provider_that_does_not_answer_is_given_up() {
        let limits = Limits { connect: LONG, request: SHORT, ..LIMITS };
        assert_eq!(asks_a_silent_server("http", "", limits), "URL did not answer within 0.05 s");
    }

    #[test]
    fn an_answer_that_does_not_end_is_given_up() {
        let limits = Limits { connect: LONG, request: SHORT, ..LIMITS };
        let half = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{";
        assert_eq!(asks_a_silent_server("http", half, limits), "URL did not answer within 0.05 s");
    }

    #[test]
    fn an_answer_that_is_too_large_is_given_up_before_it_ends() {
        let limits = Limits { connect: LONG, request: LONG, body: 4 };
        let five = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n";
        assert_eq!(asks_a_silent_server("http", five, limits), "URL sent more than 4 bytes");
    }
}
