//! The connections of the loopback listener, and their limits: any program on this machine, and any web page in its
//! browser, can open some.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header;
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::local_tls::{LocalTls, Stream};
use super::visit::{Answer, Ends, Stage, Visit, empty};

/// How long a client may take to send its request's head; browsers open connections ahead and leave them idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may take to send the body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest request head, in bytes. A code and a state are short; cookies of other local servers come along.
const LARGEST_HEAD: usize = 64 * 1024;

/// The largest body, in bytes: a form with a code, a state and what a provider adds to them.
const LARGEST_BODY: usize = 64 * 1024;

/// How long a client may take to read the response; a browser that stopped reading must not keep the token from kubectl.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(5);

/// How many connections are open at most. A browser has six; macOS allows a process 256 files.
const MOST_CONNECTIONS: usize = 64;

/// The least time between two connections: a flood must not use the whole processor.
const PACE: Duration = Duration::from_millis(2);

/// The open connections of one listener, oldest first.
#[derive(Default)]
pub struct Connections(VecDeque<Connection>);

struct Connection {
    task: JoinHandle<()>,
    stage: watch::Receiver<Stage>,
}

/// Accepts connections until `closed`, and turns their requests into `visits`. Requests for another host than `host` are
/// rejected.
pub async fn accept(
    listener: TcpListener,
    tls: Option<LocalTls>,
    host: String,
    visits: mpsc::Sender<Visit>,
    mut closed: oneshot::Receiver<()>,
) -> Connections {
    let mut connections = Connections::default();
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => connections.add(stream, &tls, &host, &visits),
                // Most likely out of file descriptors: wait until some are freed.
                Err(_) => sleep(Duration::from_millis(50)).await,
            },
            _ = &mut closed => return connections,
        }
    }
}

impl Connections {
    fn add(&mut self, stream: TcpStream, tls: &Option<LocalTls>, host: &str, visits: &mpsc::Sender<Visit>) {
        if self.make_room() {
            let (stage, watched) = watch::channel(Stage::Asking);
            let task = tokio::spawn(serve((stream, tls.clone()), host.to_owned(), visits.clone(), stage));
            self.0.push_back(Connection { task, stage: watched });
        }
    }

    /// Whether there is room for one more. If necessary the oldest connection without a request is closed: the user's
    /// browser sends its request at once.
    fn make_room(&mut self) -> bool {
        self.0.retain(|connection| !connection.task.is_finished());
        if self.0.len() < MOST_CONNECTIONS {
            return true;
        }
        let silent = self.0.iter().position(|connection| *connection.stage.borrow() == Stage::Asking);
        match silent.and_then(|index| self.0.remove(index)) {
            Some(connection) => {
                connection.task.abort();
                true
            }
            None => false,
        }
    }

    /// Waits until every response is delivered. A request without a response by now gets none.
    pub async fn finish(self) {
        let (answered, others): (Vec<_>, Vec<_>) =
            self.0.into_iter().partition(|connection| *connection.stage.borrow() == Stage::Answered);
        others.iter().for_each(|connection| connection.task.abort());
        for connection in answered {
            // How it ended does not matter.
            let _ = connection.task.await;
        }
    }
}

/// Serves the one request of a connection.
async fn serve(
    (stream, tls): (TcpStream, Option<LocalTls>),
    host: String,
    visits: mpsc::Sender<Visit>,
    stage: watch::Sender<Stage>,
) {
    let ends = stream.peer_addr().ok().zip(stream.local_addr().ok());
    let stream: Box<dyn Stream> = match tls {
        None => Box::new(stream),
        Some(tls) => match tls.accept(stream).await {
            Some(stream) => stream,
            None => return,
        },
    };
    let answered = stage.subscribe();
    let service = service_fn(move |request| respond(request, host.clone(), visits.clone(), ends, stage.clone()));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(LARGEST_HEAD)
        // With one request on each, a connection ends as soon as its response is delivered.
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // An error on a connection concerns only its client.
        _ = connection => {}
        () = overdue(answered) => {}
    }
}

/// Returns when a response was not delivered in time.
async fn overdue(mut stage: watch::Receiver<Stage>) {
    // It fails when the connection is closed, and then nothing waits for it.
    let _ = stage.wait_for(|stage| *stage == Stage::Answered).await;
    sleep(DELIVERY_TIMEOUT).await;
}

async fn respond(
    request: Request<Incoming>,
    host: String,
    visits: mpsc::Sender<Visit>,
    ends: Ends,
    stage: watch::Sender<Stage>,
) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    if !is_for(&head, &host) {
        return Ok(empty(StatusCode::MISDIRECTED_REQUEST));
    }
    // Read here: a slow body must not delay other requests.
    let body = read_body(body).await;
    let (visit, answer) = Visit::new(head, body, ends, stage);
    // The sign-in may end while this request is queued.
    let _ = visits.send(visit).await;
    Ok(answer.await.unwrap_or_else(|_| empty(StatusCode::SERVICE_UNAVAILABLE)))
}

/// Whether the request names our host and port, once, and no other: a foreign name that resolves to loopback is an attack
/// (DNS rebinding).
fn is_for(head: &Parts, host: &str) -> bool {
    let mut named = head.headers.get_all(header::HOST).iter();
    let is_named = named.next().is_some_and(|value| value.as_bytes() == host.as_bytes()) && named.next().is_none();
    // RFC 9112 §3.2.2: an absolute URL in the request line overrides `Host`.
    is_named && head.uri.authority().is_none_or(|authority| authority.as_str() == host)
}

async fn read_body(body: Incoming) -> Result<Bytes, StatusCode> {
    match timeout(BODY_TIMEOUT, Limited::new(body, LARGEST_BODY).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Err(_)) => Err(StatusCode::BAD_REQUEST),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}
