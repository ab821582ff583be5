//! An OpenID provider on loopback: discovery, keys, authorization, token. Jane is signed in there.
//!
//! ```ignore
//! let provider = Provider::start();
//! provider.configure(|behaviour| behaviour.lifetime = 60);
//! // run a client against provider.issuer() ...
//! assert_eq!(provider.count("/token"), 1);
//! ```

mod authorization;
pub mod behaviour;
pub mod connection;
pub mod device;
pub mod keys;
mod machine;
mod metadata;
pub mod server;
mod token;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::ServerConfig;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tokio::net::TcpSocket;
use tokio::sync::Notify;

use super::canary;
use behaviour::{Behaviour, Edit};
use connection::End;
use server::{Answer, Request, Server};

const PATIENCE: Duration = Duration::from_secs(30);

/// Stops when it is dropped.
pub struct Provider {
    shared: Arc<Shared>,
    server: Option<Server>,
    /// Keeps the port while the server is stopped, so that no other test gets it.
    #[expect(dead_code, reason = "held, not read")]
    reserved: Option<TcpSocket>,
    address: IpAddr,
    port: u16,
    tls: Option<Arc<ServerConfig>>,
}

struct Shared {
    state: Mutex<State>,
    /// Notified of every request.
    arrived: Condvar,
    /// Notified of every change of the behaviour.
    configured: Notify,
}

#[derive(Default)]
struct State {
    base: String,
    behaviour: Behaviour,
    requests: Vec<Request>,
    connections: usize,
    generation: usize,
    issued: usize,
    codes: HashMap<String, Grant>,
    device_codes: HashMap<String, Grant>,
    /// Requests that were pushed, by their references.
    pushed: HashMap<String, Vec<(String, String)>>,
    refresh_tokens: HashMap<String, Grant>,
    /// Refresh tokens that were used, with their families.
    spent: HashMap<String, usize>,
    /// How often one of these was used again, and its family revoked.
    revoked: usize,
}

/// What the user agreed to: stored for a code, then for a refresh token.
#[derive(Clone)]
struct Grant {
    redirect_uri: String,
    scope: String,
    nonce: Option<String>,
    code_challenge: String,
    /// Whether the request asked for the user's consent.
    has_consent: bool,
    /// The sign-in that all its refresh tokens come from.
    family: usize,
}

impl Provider {
    /// Listens on a free port of 127.0.0.1.
    pub fn start() -> Self {
        Provider::start_at(Ipv4Addr::LOCALHOST.into(), None)
    }

    /// Listens on a free port of this address; with TLS, if there is a configuration for it.
    pub fn start_at(address: IpAddr, tls: Option<Arc<ServerConfig>>) -> Self {
        let shared = Arc::new(Shared { state: Mutex::default(), arrived: Condvar::new(), configured: Notify::new() });
        let reserved = cfg!(target_os = "linux").then(|| bound_only(SocketAddr::new(address, 0)));
        let port = reserved.as_ref().map_or(0, |socket| socket.local_addr().expect("a port").port());
        let server = serve(address, port, tls.clone(), shared.clone());
        let (scheme, port) = (if tls.is_some() { "https" } else { "http" }, server.port());
        shared.state().base = format!("{scheme}://{address}:{port}");
        Provider { shared, server: Some(server), reserved, address, port, tls }
    }

    /// Uses this host name from now on.
    pub fn call(&self, host: &str) {
        let base = format!("http://{host}:{}", self.port);
        self.shared.state().base = base;
    }

    pub fn issuer(&self) -> String {
        self.shared.state().issuer()
    }

    pub fn client_id(&self) -> String {
        self.shared.state().behaviour.client_id.clone()
    }

    pub fn configure(&self, change: impl FnOnce(&mut Behaviour)) {
        let behaviour = &mut self.shared.state().behaviour;
        change(behaviour);
        behaviour.client_secret.iter().for_each(|secret| canary::tell(secret));
        self.shared.configured.notify_waiters();
    }

    /// From now on, signs with other keys under other IDs, and no longer lists the previous ones.
    pub fn rotate_keys(&self) {
        self.shared.state().generation += 1;
    }

    /// The requests for this path, in order of arrival.
    pub fn requests(&self, path: &str) -> Vec<Request> {
        let state = self.shared.state();
        let of_path = state.requests.iter().filter(|request| request.path == path);
        of_path.cloned().collect()
    }

    pub fn count(&self, path: &str) -> usize {
        self.shared.state().count(path)
    }

    /// How many requests there were for any path.
    pub fn count_all(&self) -> usize {
        self.shared.state().requests.len()
    }

    /// How many times a used refresh token was used again: each time its whole session was revoked.
    pub fn revoked(&self) -> usize {
        self.shared.state().revoked
    }

    /// How many refresh tokens were replaced.
    pub fn replaced(&self) -> usize {
        self.shared.state().spent.len()
    }

    /// How many connections came, however they ended.
    pub fn connections(&self) -> usize {
        self.shared.state().connections
    }

    /// Forgets the requests and connections counted so far.
    pub fn forget_requests(&self) {
        let mut state = self.shared.state();
        state.requests.clear();
        state.connections = 0;
    }

    /// Waits until there have been `count` requests for this path.
    pub fn wait_for(&self, path: &str, count: usize) {
        let short = |state: &mut State| state.count(path) < count;
        let (state, wait) =
            self.shared.arrived.wait_timeout_while(self.shared.state(), PATIENCE, short).expect("the provider's state");
        let seen = state.count(path);
        drop(state);
        assert!(!wait.timed_out(), "{seen} of {count} requests for {path} came");
    }

    /// Calls `start` and waits until it has sent a request for this path, which gets no response before
    /// [`Self::let_go`].
    pub fn hold<T>(&self, path: &'static str, start: impl FnOnce() -> T) -> T {
        let before = self.count(path);
        self.configure(|behaviour| behaviour.hold = vec![path]);
        let started = start();
        self.wait_for(path, before + 1);
        started
    }

    /// Answers the held requests.
    pub fn let_go(&self) {
        self.configure(|behaviour| behaviour.hold = vec![]);
    }

    /// Closes the port: connections are refused from now on.
    pub fn stop(&mut self) {
        self.server = None;
    }

    /// Listens again, on the same port and with the same state.
    pub fn restart(&mut self) {
        self.server = None;
        self.server = Some(serve(self.address, self.port, self.tls.clone(), self.shared.clone()));
    }
}

/// A socket that has the port and does not listen, so that a stopped provider keeps it. On other systems than Linux the server
/// could not listen beside it.
fn bound_only(address: SocketAddr) -> TcpSocket {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.expect("a socket");
    socket.set_reuseaddr(true).expect("a socket");
    socket.bind(address).expect("a port");
    socket
}

fn serve(address: IpAddr, port: u16, tls: Option<Arc<ServerConfig>>, shared: Arc<Shared>) -> Server {
    let of_door = shared.clone();
    let door = Arc::new(move || of_door.state().receive());
    Server::start(address, port, tls, door, move |request| answer(shared.clone(), request))
}

async fn answer(shared: Arc<Shared>, request: Request) -> Answer {
    canary::tell_of(&request);
    if let Some(end) = shared.state().behaviour.second_request.filter(|_| request.nth > 0) {
        return Answer::html(500, "").cut(0, end);
    }
    shared.state().requests.push(request.clone());
    shared.arrived.notify_all();
    shared.wait_while_held(&request.path).await;
    let delay = shared.state().behaviour.delay_of(&request.path);
    tokio::time::sleep(delay).await;
    let mut answer = shared.state().answer(&request);
    if let Some(token) = answer.replaces.take() {
        // Signing takes a while: if the client has gone away by now, this ends here.
        tokio::task::yield_now().await;
        answer = shared.state().replace(&token, answer);
    }
    answer.cut = shared.state().behaviour.take_cut(&request.path).or(answer.cut);
    answer
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the provider's state")
    }

    async fn wait_while_held(&self, path: &str) {
        loop {
            let configured = self.configured.notified();
            tokio::pin!(configured);
            // Listen before looking; otherwise a change in between would be missed.
            configured.as_mut().enable();
            if !self.state().behaviour.hold.contains(&path) {
                return;
            }
            configured.await;
        }
    }
}

impl State {
    fn issuer(&self) -> String {
        format!("{}{}", self.base, self.behaviour.issuer_path)
    }

    fn count(&self, path: &str) -> usize {
        let of_path = self.requests.iter().filter(|request| request.path == path);
        of_path.count()
    }

    /// How a new connection ends at once, if it does.
    fn receive(&mut self) -> Option<End> {
        self.connections += 1;
        let turned_away = &mut self.behaviour.turn_away;
        (!turned_away.is_empty()).then(|| turned_away.remove(0))
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let discovery =
            format!("{}/.well-known/openid-configuration", self.behaviour.issuer_path.trim_end_matches('/'));
        if let Some(redirect) =
            self.behaviour.moved.filter(|_| request.method == "GET").and_then(|moved| on(moved, request))
        {
            return redirect;
        }
        match (&*request.method, &*request.path) {
            ("GET", path) if path == discovery => self.discovery(),
            ("GET", "/jwks") => self.jwks(),
            // Some providers are recognized by the second path, see the discovery document's `authorization_endpoint`.
            ("GET", "/authorize" | "/auth") => self.authorize(request),
            ("POST", "/approve") => self.approve(request),
            ("POST", "/par") => self.push(request),
            ("POST", "/device_authorization") => self.authorize_device(request),
            ("GET", "/job/token") => self.issue_to_job(request),
            ("POST", "/token") => self.token(request),
            ("POST", "/revoke") if self.behaviour.offers_revocation => self.revoke(request),
            ("POST", "/end") if self.behaviour.offers_end_session && self.behaviour.end_takes_form => {
                Answer::html(200, "signed out")
            }
            _ => Answer::html(404, "not found"),
        }
    }

    /// A new secret that can be searched for, different for each provider.
    fn secret(&mut self, kind: &str) -> String {
        self.issued += 1;
        let tail = Sha256::digest(format!("{kind} {} {}", self.issued, self.base));
        let secret = format!("{kind}-{}-{}", self.issued, URL_SAFE_NO_PAD.encode(&tail[..12]));
        canary::tell(&secret);
        secret
    }
}

/// The documents are behind this many redirects with this status, all on the same server.
fn on((status, times): (u16, usize), request: &Request) -> Option<Answer> {
    let is_document = request.path == "/jwks" || request.path.ends_with("/.well-known/openid-configuration");
    let hop = request.param("hop").map_or(0, |hop| hop.parse().expect("a number"));
    let next = format!("{}?hop={}", request.path, hop + 1);
    (is_document && hop < times).then(|| Answer::new(status, "text/plain", "").with_header("location", &next))
}

fn apply(edit: &Option<Edit>, map: &mut Map<String, Value>) {
    if let Some(edit) = edit {
        edit(map);
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}
