//! A short-lived HTTP server on loopback. It knows nothing of what is served: each request comes out as a [`Visit`],
//! which is answered with a page.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::config::LoopbackAddress;
use crate::error::{Error, ErrorKind, Result};

/// How long a client may take to send its request's head; browsers open connections ahead and leave them idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest request head, in bytes. A code and a state are short; cookies of other local servers come along.
const LARGEST_HEAD: usize = 64 * 1024;

/// How long the last page may take to reach the browser before the process ends.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(5);

/// For free ports that turn out to be taken in the other address family.
const BIND_ATTEMPTS: usize = 16;

/// No script ever, and nothing that leads away; a company's logo, fonts and styles may be inline or come over https.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline' data: https:; \
    font-src data: https:; img-src data: https:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A bound listener: from here on the port is ours.
pub struct Loopback {
    listeners: Vec<TcpListener>,
    /// The `redirect_uri` that leads here.
    pub redirect_uri: String,
}

/// The running server.
pub struct Server {
    visits: mpsc::Receiver<Visit>,
    accepting: Vec<JoinHandle<GracefulShutdown>>,
    closing: Vec<oneshot::Sender<()>>,
}

/// One request, waiting for its answer.
pub struct Visit {
    /// The request's method.
    pub method: Method,
    /// The request's path and query.
    pub uri: Uri,
    /// The request's header fields.
    pub headers: HeaderMap,
    reply: oneshot::Sender<Response<Full<Bytes>>>,
}

impl Loopback {
    /// Binds the first of `addresses` that is free.
    ///
    /// # Errors
    /// [`ErrorKind::SignIn`] if none is.
    pub async fn bind(addresses: &[LoopbackAddress]) -> Result<Self> {
        let mut reasons = Vec::new();
        for address in addresses {
            match bind_all(&address.ips, address.port).await {
                Ok((listeners, port)) => return Ok(Self { listeners, redirect_uri: address.redirect_uri(port) }),
                Err(error) => reasons.push(format!("{}: {error}", address.redirect_uri(address.port))),
            }
        }
        let message = format!("cannot listen for the browser's answer ({})", reasons.join("; "));
        Err(Error::new(ErrorKind::SignIn, message)
            .hint("end the program that uses the port, or give a further --listen-address (or --redirect-url) that the provider knows"))
    }

    /// Starts to serve. Requests for another host than `host`, the host and port of our own URLs, are turned away: a
    /// foreign name that leads to loopback is an attack (DNS rebinding).
    pub fn serve(self, host: String) -> Server {
        let (sender, visits) = mpsc::channel(1);
        let mut server = Server { visits, accepting: Vec::new(), closing: Vec::new() };
        for listener in self.listeners {
            let (close, closed) = oneshot::channel();
            server.accepting.push(tokio::spawn(accept(listener, host.clone(), sender.clone(), closed)));
            server.closing.push(close);
        }
        server
    }
}

impl Server {
    /// The next request.
    pub async fn next(&mut self) -> Visit {
        // The sender lives in the accepting tasks, which run until `finish`.
        match self.visits.recv().await {
            Some(visit) => visit,
            None => std::future::pending().await,
        }
    }

    /// Takes no more connections, and waits until every answer given has been delivered.
    pub async fn finish(self) {
        drop(self.visits);
        drop(self.closing);
        let delivered = async {
            for accepting in self.accepting {
                if let Ok(connections) = accepting.await {
                    connections.shutdown().await;
                }
            }
        };
        // A browser that stopped reading must not keep the token from kubectl.
        let _ = tokio::time::timeout(DELIVERY_TIMEOUT, delivered).await;
    }
}

impl Visit {
    /// Answers with an HTML page.
    pub fn page(self, status: StatusCode, html: String) {
        let mut response = Response::new(Full::from(html));
        *response.status_mut() = status;
        let content_type = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        self.answer(response);
    }

    /// Answers with a redirect.
    pub fn redirect(self, location: &str) {
        let mut response = Response::new(Full::default());
        match HeaderValue::from_str(location) {
            Ok(location) => {
                *response.status_mut() = StatusCode::FOUND;
                response.headers_mut().insert(header::LOCATION, location);
            }
            Err(_) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
        }
        self.answer(response);
    }

    /// Answers with nothing.
    pub fn no_content(self) {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::NO_CONTENT;
        self.answer(response);
    }

    fn answer(self, mut response: Response<Full<Bytes>>) {
        for (name, value) in [
            (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        // A client that has gone needs no answer.
        let _ = self.reply.send(response);
    }
}

async fn bind_all(ips: &[IpAddr], port: u16) -> io::Result<(Vec<TcpListener>, u16)> {
    let mut result = bind_same_port(ips, port).await;
    for _ in 1..BIND_ATTEMPTS {
        if port != 0 || result.is_ok() {
            break;
        }
        result = bind_same_port(ips, port).await;
    }
    result
}

/// Binds all of `ips` to one port. An address family that this machine does not have is left out.
async fn bind_same_port(ips: &[IpAddr], mut port: u16) -> io::Result<(Vec<TcpListener>, u16)> {
    let mut listeners = Vec::new();
    let mut missing = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for ip in ips {
        match TcpListener::bind(SocketAddr::new(*ip, port)).await {
            Ok(listener) => {
                port = listener.local_addr()?.port();
                listeners.push(listener);
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
            Err(error) => missing = error,
        }
    }
    if listeners.is_empty() { Err(missing) } else { Ok((listeners, port)) }
}

async fn accept(
    listener: TcpListener,
    host: String,
    visits: mpsc::Sender<Visit>,
    mut closed: oneshot::Receiver<()>,
) -> GracefulShutdown {
    let connections = GracefulShutdown::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // Out of file descriptors, most likely: let some be freed.
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            _ = &mut closed => return connections,
        };
        let (host, visits) = (host.clone(), visits.clone());
        let service = service_fn(move |request| respond(request, host.clone(), visits.clone()));
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(LARGEST_HEAD)
            .serve_connection(TokioIo::new(stream), service);
        // What goes wrong on a connection concerns its client only.
        tokio::spawn(connections.watch(connection));
    }
}

async fn respond(
    request: Request<Incoming>,
    host: String,
    visits: mpsc::Sender<Visit>,
) -> std::result::Result<Response<Full<Bytes>>, Infallible> {
    if request.headers().get(header::HOST).is_none_or(|value| value.as_bytes() != host.as_bytes()) {
        return Ok(empty(StatusCode::MISDIRECTED_REQUEST));
    }
    let (head, _) = request.into_parts();
    let (reply, answer) = oneshot::channel();
    let visit = Visit { method: head.method, uri: head.uri, headers: head.headers, reply };
    // The sign-in may end while this request waits for its turn.
    if visits.send(visit).await.is_err() {
        return Ok(empty(StatusCode::SERVICE_UNAVAILABLE));
    }
    Ok(answer.await.unwrap_or_else(|_| empty(StatusCode::SERVICE_UNAVAILABLE)))
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
