//! The HTTP client for the provider, with its limits.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use openidconnect::{HttpRequest, HttpResponse};
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Client, Method, StatusCode, redirect};
use url::Url;

use super::http_log::HttpLog;
use crate::error::{Error, ErrorKind, Result, root_cause};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest answer, in bytes. The largest honest one, a key set, has a few thousand.
const LARGEST_BODY: usize = 1024 * 1024;

/// An HTTPS client with the platform's trust store that follows no redirect and reads no endless answer.
#[derive(Clone)]
pub struct HttpClient(Client);

/// The provider could not be reached, or answered that it is in trouble. An OAuth error answer is none of these.
#[derive(Debug)]
pub struct HttpError(String);

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for HttpError {}

impl From<HttpError> for Error {
    fn from(error: HttpError) -> Self {
        let hint = if error.0.contains("certificate") {
            "if a company CA signed that certificate, add it to the system's trust store (on Linux SSL_CERT_FILE can name it)"
        } else {
            "check the network, the proxy (HTTPS_PROXY) and the issuer URL, and run the command again"
        };
        Error::new(ErrorKind::Unreachable, error.0).hint(hint)
    }
}

impl HttpClient {
    /// Builds the client, which takes about 2 ms: never on the warm path.
    ///
    /// # Errors
    /// [`ErrorKind::Failed`] if the platform's trust store cannot be used.
    pub fn new() -> Result<Self> {
        // It is refused only if a provider is installed already, and then that one serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Client::builder()
            // RFC 6749 §10.6: a code, a secret or a token goes where it was addressed and nowhere else.
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .user_agent(concat!("kubekey/", env!("CARGO_PKG_VERSION")))
            .build()
            .map(Self)
            .map_err(|error| {
                Error::new(ErrorKind::Failed, format!("cannot set up HTTPS: {}", root_cause(&error)))
                    .hint("check the system's certificates and the proxy settings (HTTPS_PROXY)")
            })
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
        let url = request.uri().to_string();
        let request = request.try_into().map_err(|error: reqwest::Error| failure(&url, &error))?;
        let mut response = self.0.execute(request).await.map_err(|error| failure(&url, &error))?;
        refuse_trouble(&url, &response)?;

        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failure(&url, &error))? {
            if body.len() + chunk.len() > LARGEST_BODY {
                return Err(HttpError(format!("{url} sent more than {LARGEST_BODY} bytes")));
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
    *request.uri_mut() = url.as_str().try_into().map_err(|error| HttpError(format!("{url}: {error}")))?;
    *request.headers_mut() = headers;
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    Ok(request)
}

/// Refuses what is no answer to the question: the provider's own trouble, and a redirect.
fn refuse_trouble(url: &str, response: &reqwest::Response) -> std::result::Result<(), HttpError> {
    let status = response.status();
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(HttpError(format!("{url} answered HTTP {status}")));
    }
    if status.is_redirection() {
        return Err(HttpError(format!("{url} answered with a redirect (HTTP {status}), which is not followed")));
    }
    Ok(())
}

fn failure(url: &str, error: &reqwest::Error) -> HttpError {
    let cause = error.source().map_or_else(|| error.to_string(), root_cause);
    HttpError(match (error.is_timeout(), error.is_connect()) {
        (true, true) => format!("{url} cannot be reached: no connection within {} s", CONNECT_TIMEOUT.as_secs()),
        (true, false) => format!("{url} did not answer within {} s", REQUEST_TIMEOUT.as_secs()),
        (false, true) => format!("{url} cannot be reached: {cause}"),
        (false, false) => format!("{url} broke off: {cause}"),
    })
}
