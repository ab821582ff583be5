//! A short-lived HTTP server on loopback. It does not know what is served: each request becomes a [`Visit`], which is
//! answered with a page.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpListener;
#[cfg(windows)]
use tokio::net::TcpSocket;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::connections::{Connections, accept};
use super::local_tls::LocalTls;
use super::visit::Visit;
use crate::error::{Error, ErrorKind, Result};
use crate::settings::LoopbackAddress;
#[cfg(windows)]
use crate::windows::socket::require_exclusive_address;

/// How often a free port is tried, since it may be in use in the other address family.
const BIND_ATTEMPTS: usize = 16;

/// How many connections may wait to be accepted; as tokio does.
#[cfg(windows)]
const BACKLOG: u32 = 1024;

/// A bound listener: the port is ours from now on.
pub struct Loopback {
    listeners: Vec<TcpListener>,
    /// The `redirect_uri` that points here.
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
        let message = format!("cannot listen for the browser's response ({})", reasons.join("; "));
        Err(Error::new(ErrorKind::SignIn, message)
            .hint("stop the program that uses the port, or add another --listen-address (or --redirect-url) that is registered at the provider"))
    }

    /// Starts to serve, https if there is a `tls`. Requests for another host than `host`, the host and port of our own URLs,
    /// are rejected.
    pub fn serve(self, host: String, tls: Option<LocalTls>) -> Server {
        let (sender, visits) = mpsc::channel(1);
        let mut server = Server { visits, accepting: Vec::new(), closing: Vec::new() };
        for listener in self.listeners {
            let (close, closed) = oneshot::channel();
            server.accepting.push(tokio::spawn(accept(listener, tls.clone(), host.clone(), sender.clone(), closed)));
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

    /// The next request, if there is one already.
    pub fn try_next(&mut self) -> Option<Visit> {
        self.visits.try_recv().ok()
    }

    /// Accepts no more connections, closes those that have no response by now, and waits until every response is delivered.
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

/// Binds all of `ips` to one port. An address family that this machine lacks is skipped.
async fn bind_same_port(ips: &[IpAddr], mut port: u16) -> io::Result<(Vec<TcpListener>, u16)> {
    let mut listeners = Vec::new();
    let mut missing = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for ip in ips {
        match listen(SocketAddr::new(*ip, port)).await {
            Ok(listener) => {
                port = listener.local_addr()?.port();
                listeners.push(listener);
            }
            // Windows denies a port that is reserved, or that a program of another user has for itself.
            Err(error) if matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied) => {
                return Err(error);
            }
            Err(error) => missing = error,
        }
    }
    if listeners.is_empty() { Err(missing) } else { Ok((listeners, port)) }
}

#[cfg(not(windows))]
async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Listens so that no other program can bind the same address with `SO_REUSEADDR`, which Windows grants to every program
/// unless the first one forbids it. RFC 8252 §8.3 has that for the whole of loopback: the response must reach this run.
#[cfg(windows)]
async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    require_exclusive_address(&socket)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(all(test, windows))]
mod tests {
    use super::*;

    #[test]
    fn another_program_cannot_bind_the_same_port_even_if_it_asks_to_share_it() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let ours = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
            let other = TcpSocket::new_v4().unwrap();
            other.set_reuseaddr(true).unwrap();
            assert!(other.bind(ours.local_addr().unwrap()).is_err());
        });
    }
}
