//! A Kubernetes API server on loopback, as far as it says who a user is (`SelfSubjectReview`).

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use serde_json::{Value, json};

use super::provider::server::{Answer, Request, Server};

/// The path of the review.
pub const REVIEW: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

/// Stops when it is dropped.
pub struct ApiServer {
    server: Server,
    scheme: &'static str,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl ApiServer {
    /// Listens on a free port of 127.0.0.1, with TLS if there is a configuration for it, and takes everybody for Jane.
    pub fn start(tls: Option<Arc<ServerConfig>>) -> Self {
        Self::answering(tls, |request| match (request.method.as_str(), request.path.as_str()) {
            ("POST", REVIEW) => jane(),
            _ => status(404, "the server could not find the requested resource"),
        })
    }

    /// The same with other answers.
    pub fn answering(
        tls: Option<Arc<ServerConfig>>,
        answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let seen = requests.clone();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let server = Server::start(Ipv4Addr::LOCALHOST.into(), 0, tls, Arc::new(|| None), move |request| {
            let answer = answer(&request);
            seen.lock().expect("the requests").push(request);
            async move { answer }
        });
        ApiServer { server, scheme, requests }
    }

    pub fn port(&self) -> u16 {
        self.server.port()
    }

    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port())
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("the requests").clone()
    }

    /// The tokens that were sent to it.
    pub fn tokens(&self) -> Vec<String> {
        let token = |request: &Request| request.header("authorization")?.strip_prefix("Bearer ").map(str::to_owned);
        self.requests().iter().filter_map(token).collect()
    }
}

/// What it says about Jane.
pub fn jane() -> Answer {
    let user = json!({ "username": "oidc:jane", "uid": "", "groups": ["oidc:developers", "system:authenticated"] });
    let review = json!({ "kind": "SelfSubjectReview", "status": { "userInfo": user } });
    Answer::json(201, &review)
}

/// A refusal in its own words.
pub fn status(code: u16, message: &str) -> Answer {
    Answer::json(code, &json!({ "kind": "Status", "status": "Failure", "message": message, "code": code }))
}

/// A kubeconfig with a current context `prod` for this cluster, whose user runs kubekey with these arguments.
pub fn kubeconfig(cluster: &Value, exec: &Value) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "prod",
        "clusters": [{ "name": "k8s", "cluster": cluster }],
        "contexts": [{ "name": "prod", "context": { "cluster": "k8s", "user": "me" } }],
        "users": [{ "name": "me", "user": { "exec": exec } }],
    })
    .to_string()
}
