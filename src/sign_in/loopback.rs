//! A short-lived HTTP server on loopback. It knows nothing of what is served: each request comes out as a [`Visit`],
//! which is answered with a page.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::connections::{Connections, accept};
use super::visit::Visit;
use crate::config::LoopbackAddress;
use crate::error::{Error, ErrorKind, Result};

/// For free ports that turn out to be taken in the other address family.
const BIND_ATTEMPTS: usize = 16;

/// A bound listener: from here on the port is ours.
pub struct Loopback {
    listeners: Vec<TcpListener>,
    /// The `redirect_uri` that leads here.
    pub redirect_uri: String,
}

/// The running server.
pub struct Server {
    visits: mpsc::Receiver<Visit>,
    accepting: Vec<JoinHandle<Connections>>,
    closing: Vec<oneshot::Sender<()>>,
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

    /// Starts to serve. Requests for another host than `host`, the host and port of our own URLs, are turned away.
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

    /// The next request, if there is one by now.
    pub fn try_next(&mut self) -> Option<Visit> {
        self.visits.try_recv().ok()
    }

    /// Takes no more connections, ends those that have no answer by now, and waits until every answer given has been
    /// delivered.
    pub async fn finish(self) {
        drop(self.closing);
        for accepting in self.accepting {
            if let Ok(connections) = accepting.await {
                connections.finish().await;
            }
        }
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
