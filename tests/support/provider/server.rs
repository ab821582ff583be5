//! A small HTTP server on loopback, with a thread of its own.

use std::future::Future;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::sync::oneshot;

/// A request as it arrived, whole.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    /// The body's fields, when it is a form.
    pub form: Vec<(String, String)>,
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

/// What a request is answered with.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn new(status: u16, content_type: &str, body: impl Into<String>) -> Self {
        Answer { status, headers: vec![("content-type".into(), content_type.into())], body: body.into() }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Answer::new(status, "application/json", body.to_string())
    }

    pub fn html(status: u16, body: impl Into<String>) -> Self {
        Answer::new(status, "text/html; charset=utf-8", body)
    }

    pub fn redirect(location: &str) -> Self {
        Answer::html(302, "").with_header("location", location)
    }

    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// Serves until it is dropped; then the port is closed, and so is every open connection.
pub struct Server {
    port: u16,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on `127.0.0.1:port`, on a free port for 0.
    pub fn start<H, F>(port: u16, handler: H) -> Self
    where
        H: Fn(Request) -> F + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("a port on 127.0.0.1");
        let port = listener.local_addr().expect("a bound address").port();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || run(listener, handler, stopped));
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

/// Dropping the runtime at the end closes what is still open.
fn run<H, F>(listener: TcpListener, handler: H, stopped: oneshot::Receiver<()>)
where
    H: Fn(Request) -> F + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        tokio::select! {
            () = accept(listener, Arc::new(handler)) => {}
            _ = stopped => {}
        }
    });
}

async fn accept<H, F>(listener: TcpListener, handler: Arc<H>)
where
    H: Fn(Request) -> F + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    listener.set_nonblocking(true).expect("a listener");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    while let Ok((stream, _)) = listener.accept().await {
        let handler = handler.clone();
        let service = service_fn(move |request| {
            let handler = handler.clone();
            async move { Ok::<_, hyper::Error>(response(handler(read(request).await?).await)) }
        });
        let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        // A client that goes away in the middle is the client's business.
        tokio::spawn(async move { drop(connection.await) });
    }
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
