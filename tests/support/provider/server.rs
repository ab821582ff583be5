//! A small HTTP server on its own thread.

use std::future::Future;
use std::net::{IpAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::connection::{Connection, Cut, End, Scissors, Stream};

/// A request that arrived complete.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    /// The body's fields, if it is a form.
    pub form: Vec<(String, String)>,
    /// How many requests came before it on the same connection.
    pub nth: usize,
}

impl Request {
    /// A parameter of the query or of the form.
    pub fn param(&self, name: &str) -> Option<&str> {
        let mut all = self.query.iter().chain(&self.form);
        all.find(|(key, _)| key == name).map(|(_, value)| &**value)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        all.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }
}

/// The response to a request.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// How it is cut on the way; the connection then ends.
    pub cut: Option<Cut>,
    /// The refresh token that it replaces: used up when the response leaves, but not if the client has gone away
    /// before.
    pub replaces: Option<String>,
}

impl Answer {
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".into(), content_type.into())];
        Answer { status, headers, body: body.into(), cut: None, replaces: None }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Answer::new(status, "application/json", body.to_string())
    }

    pub fn html(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Answer::new(status, "text/html; charset=utf-8", body)
    }

    pub fn redirect(location: &str) -> Self {
        Answer::html(302, "").with_header("location", location)
    }

    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn cut(mut self, after: usize, end: End) -> Self {
        self.cut = Some(Cut { after, end });
        self
    }
}

/// Called for each new connection: how it ends at once, if it does.
pub type Door = Arc<dyn Fn() -> Option<End> + Send + Sync>;

/// Serves until it is dropped; then the port and every open connection are closed.
pub struct Server {
    port: u16,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens at this address, on a free port for 0; with TLS, if there is a configuration for it.
    pub fn start<H, F>(address: IpAddr, port: u16, tls: Option<Arc<ServerConfig>>, door: Door, handler: H) -> Self
    where
        H: Fn(Request) -> F + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        let listener = TcpListener::bind((address, port)).expect("a port");
        let port = listener.local_addr().expect("a bound address").port();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || run(listener, tls, door, handler, stopped));
        Server { port, stop: Some(stop), thread: Some(thread) }
    }

    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "server panicked");
        }
    }
}

/// Dropping the runtime at the end closes the connections that are still open.
fn run<H, F>(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    door: Door,
    handler: H,
    stopped: oneshot::Receiver<()>,
) where
    H: Fn(Request) -> F + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        tokio::select! {
            () = accept(listener, tls.map(TlsAcceptor::from), door, Arc::new(handler)) => {}
            _ = stopped => {}
        }
    });
}

async fn accept<H, F>(listener: TcpListener, tls: Option<TlsAcceptor>, door: Door, handler: Arc<H>)
where
    H: Fn(Request) -> F + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    listener.set_nonblocking(true).expect("a listener");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, handler, end) = (tls.clone(), handler.clone(), door());
        // A client that goes away early is not an error of the server.
        tokio::spawn(async move {
            match (end, tls) {
                (Some(end), _) => turn_away(stream, end).await,
                (None, None) => serve(stream, handler).await,
                (None, Some(tls)) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, handler).await;
                    }
                }
            }
        });
    }
}

async fn turn_away(stream: TcpStream, end: End) {
    match end {
        End::Close | End::Drop => {}
        End::Reset => stream.set_zero_linger().expect("a socket"),
        End::Silence => std::future::pending().await,
    }
    drop(stream);
}

async fn serve<H, F>(stream: impl Stream, handler: Arc<H>)
where
    H: Fn(Request) -> F + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let (scissors, count) = (Scissors::default(), AtomicUsize::new(0));
    let connection = TokioIo::new(Connection::new(stream, scissors.clone()));
    let service = service_fn(|request| {
        let (handler, scissors, nth) = (&handler, &scissors, count.fetch_add(1, Ordering::Relaxed));
        async move {
            let answer = handler(Request { nth, ..read(request).await? }).await;
            *scissors.lock().expect("the cut") = answer.cut;
            Ok::<_, hyper::Error>(response(answer))
        }
    });
    drop(hyper::server::conn::http1::Builder::new().serve_connection(connection, service).await);
}

async fn read(request: hyper::Request<Incoming>) -> Result<Request, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let headers: Vec<(String, String)> =
        head.headers.iter().map(|(name, value)| (name.to_string(), lossy(value.as_bytes()))).collect();
    let is_form = headers
        .iter()
        .any(|(name, value)| name == "content-type" && value.starts_with("application/x-www-form-urlencoded"));
    Ok(Request {
        method: head.method.to_string(),
        path: head.uri.path().to_string(),
        query: fields(head.uri.query().unwrap_or_default().as_bytes()),
        form: if is_form { fields(&body) } else { Vec::new() },
        headers,
        nth: 0,
    })
}

fn fields(encoded: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(encoded).into_owned().collect()
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn response(answer: Answer) -> hyper::Response<Full<Bytes>> {
    let mut response = hyper::Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Full::from(answer.body)).expect("an answer that HTTP can carry")
}
