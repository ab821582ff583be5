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
pub mod keys;
pub mod server;
mod token;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::ServerConfig;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use super::canary;
use behaviour::{Behaviour, Edit};
use server::{Answer, Request, Server};

const PATIENCE: Duration = Duration::from_secs(30);

/// Stops when it is dropped.
pub struct Provider {
    shared: Arc<Shared>,
    server: Option<Server>,
    address: IpAddr,
    port: u16,
    tls: Option<Arc<ServerConfig>>,
}

struct Shared {
    state: Mutex<State>,
    /// Told of every request.
    arrived: Condvar,
    /// Told of every change of the behaviour.
    configured: Notify,
}

#[derive(Default)]
struct State {
    base: String,
    behaviour: Behaviour,
    requests: Vec<Request>,
    generation: usize,
    issued: usize,
    codes: HashMap<String, Grant>,
    refresh_tokens: HashMap<String, Grant>,
}

/// What the user agreed to: kept behind a code, then behind a refresh token.
#[derive(Clone)]
struct Grant {
    redirect_uri: String,
    scope: String,
    nonce: Option<String>,
    code_challenge: String,
}

impl Provider {
    /// Listens on a free port of 127.0.0.1.
    pub fn start() -> Self {
        Provider::start_at(Ipv4Addr::LOCALHOST.into(), None)
    }

    /// Listens on a free port elsewhere, and with TLS if there is a configuration for it.
    pub fn start_at(address: IpAddr, tls: Option<Arc<ServerConfig>>) -> Self {
        let shared = Arc::new(Shared { state: Mutex::default(), arrived: Condvar::new(), configured: Notify::new() });
        let server = serve(address, 0, tls.clone(), shared.clone());
        let (scheme, port) = (if tls.is_some() { "https" } else { "http" }, server.port());
        shared.state().base = format!("{scheme}://{address}:{port}");
        Provider { shared, server: Some(server), address, port, tls }
    }

    /// Goes by this host name from now on.
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

    /// Signs with other keys under other IDs from now on, and lists no more the ones before.
    pub fn rotate_keys(&self) {
        self.shared.state().generation += 1;
    }

    /// The requests for this path, in the order of their arrival.
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

    /// Forgets the requests recorded so far.
    pub fn forget_requests(&self) {
        self.shared.state().requests.clear();
    }

    /// Waits until there were `count` requests for this path.
    pub fn wait_for(&self, path: &str, count: usize) {
        let short = |state: &mut State| state.count(path) < count;
        let (state, wait) =
            self.shared.arrived.wait_timeout_while(self.shared.state(), PATIENCE, short).expect("the provider's state");
        let seen = state.count(path);
        drop(state);
        assert!(!wait.timed_out(), "{seen} of {count} requests for {path} came");
    }

    /// Closes the port: connections are refused from now on.
    pub fn stop(&mut self) {
        self.server = None;
    }

    /// Listens again, on the same port and with all it knew.
    pub fn restart(&mut self) {
        self.stop();
        self.server = Some(serve(self.address, self.port, self.tls.clone(), self.shared.clone()));
    }
}

fn serve(address: IpAddr, port: u16, tls: Option<Arc<ServerConfig>>, shared: Arc<Shared>) -> Server {
    Server::start(address, port, tls, move |request| answer(shared.clone(), request))
}

async fn answer(shared: Arc<Shared>, request: Request) -> Answer {
    canary::tell_of(&request);
    shared.state().requests.push(request.clone());
    shared.arrived.notify_all();
    shared.wait_while_held(&request.path).await;
    let delay = shared.state().behaviour.delay_of(&request.path);
    tokio::time::sleep(delay).await;
    let mut state = shared.state();
    let discovery = format!("{}/.well-known/openid-configuration", state.behaviour.issuer_path.trim_end_matches('/'));
    match (&*request.method, &*request.path) {
        ("GET", path) if path == discovery => state.discovery(),
        ("GET", "/jwks") => state.jwks(),
        // Some providers are told apart by the second name, see the discovery document's `authorization_endpoint`.
        ("GET", "/authorize" | "/auth") => state.authorize(&request),
        ("POST", "/approve") => state.approve(&request),
        ("POST", "/token") => state.token(&request),
        _ => Answer::html(404, "not found"),
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the provider's state")
    }

    async fn wait_while_held(&self, path: &str) {
        loop {
            let configured = self.configured.notified();
            tokio::pin!(configured);
            // Listen before looking, or a change in between would be missed.
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

    fn discovery(&self) -> Answer {
        if let Some(answer) = &self.behaviour.discovery_answer {
            return answer.clone();
        }
        let base = &self.base;
        let mut document = object(json!({
            "issuer": self.issuer(),
            "authorization_endpoint": format!("{base}/authorize"),
            "token_endpoint": format!("{base}/token"),
            "jwks_uri": format!("{base}/jwks"),
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.behaviour.algorithm],
            "scopes_supported": self.behaviour.scopes_supported,
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "code_challenge_methods_supported": ["S256"],
        }));
        if self.behaviour.authorization_response_iss_parameter_supported {
            document.insert("authorization_response_iss_parameter_supported".into(), true.into());
        }
        if self.behaviour.offers_form_post {
            document.insert("response_modes_supported".into(), json!(["query", "fragment", "form_post"]));
        }
        apply(&self.behaviour.discovery, &mut document);
        self.cacheable(&document.into())
    }

    fn jwks(&self) -> Answer {
        if let Some(answer) = &self.behaviour.jwks_answer {
            return answer.clone();
        }
        let mut keys = keys::published(self.behaviour.algorithm, self.generation);
        apply(&self.behaviour.jwks, &mut keys);
        self.cacheable(&keys.into())
    }

    fn cacheable(&self, document: &Value) -> Answer {
        let answer = Answer::json(200, document);
        match &self.behaviour.cache_control {
            Some(value) => answer.with_header("cache-control", value),
            None => answer,
        }
    }

    /// A new secret: of a kind that can be searched for, and not the same in two providers.
    fn secret(&mut self, kind: &str) -> String {
        self.issued += 1;
        let tail = Sha256::digest(format!("{kind} {} {}", self.issued, self.base));
        let secret = format!("{kind}-{}-{}", self.issued, URL_SAFE_NO_PAD.encode(&tail[..12]));
        canary::tell(&secret);
        secret
    }
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
