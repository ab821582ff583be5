//! The HTTP client for the provider, with its limits.

use std::time::{Duration, Instant};

use openidconnect::HttpResponse;
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Request, StatusCode, retry};
use tower::util::MapResponseLayer;
use url::{Origin, Url};

use super::body::{too_large, unpack};
use super::http_error::HttpError;
use super::http_log::HttpLog;
use super::limits::Limits;
use super::name_lookup::NameLookup;
use super::proxy::{Proxy, Route};
use super::redirect;
use super::refusal::PROVIDERS_TROUBLE;
use super::tls::TlsSetup;
use super::way::Way;
use crate::error::{Error, ErrorKind, Result, root_cause};
use crate::printable;
use crate::settings::Tls;

/// An HTTPS client that follows no redirect to another server and none with a secret, reads no endless response and
/// uses no connection twice.
///
/// Between two requests a provider, or a load balancer in front of it, may close a connection or just forget it. That
/// shows only when a request on it is lost, and a code or a refresh token is good for one request.
#[derive(Clone)]
pub struct HttpClient {
    tls: TlsSetup,
    limits: Limits,
    route: Route,
    /// Header fields, and the only origin that gets them.
    extra: Option<(Origin, HeaderMap)>,
}

impl HttpClient {
    /// Builds the client, which takes about 2 ms: never on the warm path.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for a certificate authority that cannot be read; [`ErrorKind::Failed`] if the platform's
    /// trust store cannot be used.
    pub fn new(tls: &Tls, limits: Limits) -> Result<Self> {
        Ok(Self::over(TlsSetup::new(tls)?, limits, Route::OfEnvironment))
    }

    /// The client for a server that is verified in this way, and reached on this route.
    pub fn over(tls: TlsSetup, limits: Limits, route: Route) -> Self {
        Self { tls, limits, route, extra: None }
    }

    /// The same client, which sends these header fields with each request to the origin of `url`, and to no other.
    pub fn with_headers(self, url: &Url, headers: &HeaderMap) -> Self {
        let values = headers.values().filter_map(|value| value.to_str().ok());
        values.for_each(printable::hide);
        let extra = (!headers.is_empty()).then(|| (url.origin(), headers.clone()));
        Self { extra, ..self }
    }

    /// Gets a public JSON document, following redirects within its server. If the connection is lost, the request is sent
    /// once more, on another one.
    ///
    /// # Errors
    /// If there is no response, or one that tells of the provider's own problem; a 4xx status is a response.
    pub async fn get(&self, url: &Url) -> std::result::Result<HttpResponse, HttpError> {
        let start = Instant::now();
        let mut url = url.clone();
        for _ in 0..redirect::MOST {
            let answer = self.get_at(&url, start).await?;
            match redirect::followed(&url, &answer)? {
                Some(target) => url = target,
                None => return Ok(answer),
            }
        }
        let answer = self.get_at(&url, start).await?;
        match redirect::followed(&url, &answer)? {
            Some(_) => Err(redirect::endless(&url, &answer)),
            None => Ok(answer),
        }
    }

    /// The same without following any redirect.
    ///
    /// # Errors
    /// As [`HttpClient::get`], and for a redirect.
    pub async fn get_here(&self, url: &Url) -> std::result::Result<HttpResponse, HttpError> {
        let answer = self.get_at(url, Instant::now()).await?;
        redirect::refuse(url, &answer).map(|()| answer)
    }

    /// The time for all requests began at `start`.
    async fn get_at(&self, url: &Url, start: Instant) -> std::result::Result<HttpResponse, HttpError> {
        let left = || self.limits.request.saturating_sub(start.elapsed());
        let request = || request(Method::GET, url, HeaderMap::new(), Vec::new());
        match self.send(request(), left(), unannounced).await {
            Err(error) if error.broke_off => self.send(request(), left(), unannounced).await,
            result => result,
        }
    }

    /// Posts a form, once: its code or token may be good for one request only, and a lost request may have spent it.
    /// `on_connected` is called when there is a connection, TLS and a proxy included, right before the request is sent
    /// on it; without a connection it is not called.
    ///
    /// # Errors
    /// As [`HttpClient::get`].
    pub async fn post_form(
        &self,
        url: &Url,
        mut headers: HeaderMap,
        form: String,
        on_connected: impl Fn() + Clone + Send + Sync + 'static,
    ) -> std::result::Result<HttpResponse, HttpError> {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        self.post(url, headers, form, on_connected).await
    }

    /// Posts a JSON document, once.
    ///
    /// # Errors
    /// As [`HttpClient::get`].
    pub async fn post_json(&self, url: &Url, json: String) -> std::result::Result<HttpResponse, HttpError> {
        let json_type = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.post(url, HeaderMap::from_iter([json_type]), json, unannounced).await
    }

    async fn post(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: String,
        on_connected: impl Fn() + Clone + Send + Sync + 'static,
    ) -> std::result::Result<HttpResponse, HttpError> {
        let request = request(Method::POST, url, headers, body.into_bytes());
        let answer = self.send(request, self.limits.request, on_connected).await?;
        redirect::refuse(url, &answer)?;
        Ok(answer)
    }

    /// Sends a request once and reads the whole response, within `time`.
    ///
    /// # Errors
    /// As [`HttpClient::get`].
    async fn send(
        &self,
        request: Request,
        time: Duration,
        on_connected: impl Fn() + Clone + Send + Sync + 'static,
    ) -> std::result::Result<HttpResponse, HttpError> {
        let logged = HttpLog::of(&request);
        logged.ended(self.exchange(request, time, on_connected).await)
    }

    async fn exchange(
        &self,
        mut request: Request,
        time: Duration,
        on_connected: impl Fn() + Clone + Send + Sync + 'static,
    ) -> std::result::Result<HttpResponse, HttpError> {
        *request.timeout_mut() = Some(time);
        let url = request.url().clone();
        if let Some((_, headers)) = self.extra.as_ref().filter(|(origin, _)| *origin == url.origin()) {
            request.headers_mut().extend(headers.clone());
        }
        let proxy = self.route.proxy(&url)?;
        let lookup = NameLookup::default();
        let client = self.client(self.route.is_direct(&url), proxy.as_ref(), &lookup, on_connected)?;
        let way =
            Way { url: &url, proxy: proxy.as_ref().map(|proxy| &*proxy.name), limits: self.limits, lookup: &lookup };
        let failure = |error| HttpError::new(&way, &error);
        let mut response = client.execute(request).await.map_err(failure)?;
        refuse_trouble(&url, response.status())?;

        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failure)? {
            if body.len() + chunk.len() > self.limits.body {
                return Err(too_large(&url, self.limits.body));
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = HttpResponse::new(unpack(&url, response.headers(), body, self.limits.body)?);
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }

    /// A client for one request. Building it takes microseconds: the trust store is in `tls`.
    fn client(
        &self,
        is_direct: bool,
        proxy: Option<&Proxy>,
        lookup: &NameLookup,
        on_connected: impl Fn() + Clone + Send + Sync + 'static,
    ) -> std::result::Result<Client, HttpError> {
        let client = self
            .tls
            .client()
            // RFC 6749 §10.6: a code, a secret or a token must not be redirected.
            .redirect(Policy::none())
            .retry(retry::never())
            .pool_max_idle_per_host(0)
            .connect_timeout(self.limits.connect)
            .dns_resolver(lookup.clone())
            .connector_layer(MapResponseLayer::new(move |connection| {
                on_connected();
                connection
            }))
            .user_agent(concat!("kubekey/", env!("CARGO_PKG_VERSION")));
        let client = match proxy.and_then(|proxy| proxy.url.as_ref()) {
            _ if is_direct => client.no_proxy(),
            Some(url) => client.no_proxy().proxy(reqwest::Proxy::all(url.expose()).map_err(unusable)?),
            None => client,
        };
        client.build().map_err(unusable)
    }
}

/// For a request of which nobody needs to know that it leaves.
fn unannounced() {}

/// The error for a client that cannot be built: what it is built from was checked before.
fn unusable(error: reqwest::Error) -> HttpError {
    HttpError::unreachable(root_cause(&error))
}

fn request(method: Method, url: &Url, headers: HeaderMap, body: Vec<u8>) -> Request {
    let mut request = Request::new(method, url.clone());
    *request.headers_mut() = headers;
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    *request.body_mut() = Some(body.into());
    request
}

/// The 4xx statuses that are about the moment and not about the request (RFC 9110 §15.5.9, RFC 8470 §5.2, RFC 6585 §4).
const NOT_NOW: [StatusCode; 3] = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];

/// Rejects a status that tells of the provider's own problem.
pub(super) fn refuse_trouble(url: &Url, status: StatusCode) -> std::result::Result<(), HttpError> {
    let returned = || Error::new(ErrorKind::Unreachable, format!("{url} returned HTTP {status}"));
    if status.is_server_error() {
        return Err(returned().hint(PROVIDERS_TROUBLE).into());
    }
    if NOT_NOW.contains(&status) {
        return Err(returned().hint("wait a minute, and run the command again").into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::event_loop;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(10);

    /// The error for a server that reads a request, responds with `answer` and then stops.
    fn asks_a_silent_server(scheme: &str, answer: &'static str, limits: Limits) -> String {
        let asked = async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let url = format!("{scheme}://{}/x", listener.local_addr().unwrap());
            let client = HttpClient::new(&Tls::default(), limits)?;
            let url = Url::parse(&url).unwrap();
            let silence = async { serve(listener.accept().await.unwrap().0, answer).await };
            let error = tokio::select! {
                answer = client.get(&url) => answer.unwrap_err().to_string(),
                () = silence => unreachable!(),
                () = tokio::time::sleep(LONG) => panic!("it does not give up"),
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
        for (limits, connect, request) in [(Limits::USUAL, 10, 30), (Limits::EARLY, 2, 12), (Limits::LOOK, 10, 15)] {
            let (connect, request) = (Duration::from_secs(connect), Duration::from_secs(request));
            assert_eq!(limits, Limits { connect, request, body: 1_048_576 });
        }
    }

    #[test]
    fn a_connection_that_does_not_come_about_is_given_up() {
        let limits = Limits { connect: SHORT, request: LONG, ..Limits::USUAL };
        let error = asks_a_silent_server("https", "", limits);
        assert_eq!(error, "URL cannot be reached: no connection within 0.05 s");
    }

    #[test]
    fn a_provider_that_does_not_answer_is_given_up() {
        let limits = Limits { connect: LONG, request: SHORT, ..Limits::USUAL };
        assert_eq!(asks_a_silent_server("http", "", limits), "URL did not respond within 0.05 s");
    }

    #[test]
    fn an_answer_that_does_not_end_is_given_up() {
        let limits = Limits { connect: LONG, request: SHORT, ..Limits::USUAL };
        let half = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{";
        assert_eq!(asks_a_silent_server("http", half, limits), "URL did not respond within 0.05 s");
    }

    #[test]
    fn an_answer_that_is_too_large_is_given_up_before_it_ends() {
        let limits = Limits { connect: LONG, request: LONG, body: 4 };
        let five = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n";
        assert_eq!(asks_a_silent_server("http", five, limits), "URL sent more than 4 bytes");
    }

    /// Whether the hook of a form was called when the server had read `scheme`'s first bytes.
    fn is_told_before_the_first_bytes_of(scheme: &str) -> bool {
        let posted = async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let url = Url::parse(&format!("{scheme}://{}/x", listener.local_addr().unwrap())).unwrap();
            let client = HttpClient::new(&Tls::default(), Limits::USUAL)?;
            let told = Arc::new(AtomicBool::new(false));
            let hook = {
                let told = told.clone();
                move || told.store(true, Ordering::Relaxed)
            };
            let received = async { listener.accept().await.unwrap().0.read(&mut [0; 1024]).await.unwrap() };
            tokio::select! {
                answer = client.post_form(&url, HeaderMap::new(), String::new(), hook) => panic!("{answer:?}"),
                length = received => assert!(length > 0),
            }
            Ok(told.load(Ordering::Relaxed))
        };
        event_loop::run(posted).unwrap()
    }

    #[test]
    fn a_form_is_announced_when_its_connection_stands_and_before_it_leaves() {
        assert!(is_told_before_the_first_bytes_of("http"));
        // These belong to the TLS handshake.
        assert!(!is_told_before_the_first_bytes_of("https"));
    }

    #[test]
    fn a_name_that_is_not_looked_up_in_time_is_named_and_given_up() {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
        let asked = async {
            // The only thread that looks up names is busy.
            let (done, busy) = mpsc::channel::<()>();
            tokio::task::spawn_blocking(move || busy.recv());
            let limits = Limits { connect: SHORT, ..Limits::USUAL };
            let client = HttpClient::new(&Tls::default(), limits).unwrap();
            let error = client.get(&Url::parse("http://localhost:1/x").unwrap()).await.unwrap_err().to_string();
            drop(done);
            error
        };
        let error = runtime.block_on(asked);
        let expected =
            "http://localhost:1/x cannot be reached: the name 'localhost' could not be looked up within 0.05 s";
        assert_eq!(error, expected);
    }
}
