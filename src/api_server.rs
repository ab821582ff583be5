//! The API server of a context, asked for whom it takes the user: a `SelfSubjectReview`.
//!
//! The only place where kubekey sends an ID token anywhere itself: to the server that the kubeconfig names for the
//! context, if the policy allows that, verified as client-go verifies it, and never further.

use openidconnect::HttpResponse;
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use rustls::pki_types::ServerName;
use serde_json::{Map, Value, json};
use url::Url;

use crate::config::cluster::check_server;
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop;
use crate::kubeconfig::{Access, Context, argument, command_of, of_file};
use crate::local_time;
use crate::oidc::{HttpClient, Limits, Proxy, Route, TlsSetup};
use crate::policy::Policy;
use crate::settings::{Authority, Tls};
use crate::shell::quoted;
use crate::token::{self, IdToken};
use crate::{printable, terminal};

/// The versions of the API group with this review: since Kubernetes 1.28, and 1.27 where it is enabled.
const VERSIONS: [&str; 2] = ["v1", "v1beta1"];

/// The API server of a context.
pub struct ApiServer {
    /// Its URL, as the kubeconfig has it.
    pub server: String,
    /// The name of the context.
    pub context: String,
    url: Url,
    http: HttpClient,
}

impl ApiServer {
    /// The API server of `context`. Sends nothing yet.
    ///
    /// # Errors
    /// [`ErrorKind::Policy`] if the policy does not allow a token for it; [`ErrorKind::Usage`] if the kubeconfig's
    /// cluster cannot be used, or its server must not get a token.
    pub fn of(context: &Context<'_>, policy: &Policy) -> Result<Self> {
        let cluster = context.described_cluster();
        policy.check_cluster(cluster.as_ref())?;
        let access = context.access().ok_or_else(|| unusable(context, "it has no server"))?;
        let skips_verification = cluster.is_some_and(|cluster| cluster.insecure_skip_tls_verify);
        policy.check_verified(access.server, skips_verification)?;
        check_server(access.server).map_err(|why| unusable(context, &format!("server '{}': {why}", access.server)))?;
        let url = Url::parse(access.server).map_err(|error| unusable(context, &error.to_string()))?;
        if skips_verification {
            terminal::warning(
                "the API server's certificate is not verified ('insecure-skip-tls-verify' of the cluster): anyone can intercept the token",
            );
        }
        let http = HttpClient::over(tls(context, &access, skips_verification)?, Limits::LOOK, route(&access)?);
        Ok(Self { server: access.server.to_owned(), context: context.name.to_owned(), url, http })
    }

    /// Who the user is with this token, as the server says: its `userInfo`.
    ///
    /// # Errors
    /// [`ErrorKind::SignIn`] if it does not accept the token, [`ErrorKind::Unreachable`] if it does not respond,
    /// [`ErrorKind::Failed`] for any other response.
    pub fn who(&self, id_token: &IdToken) -> Result<Map<String, Value>> {
        let bearer = HeaderValue::from_str(&format!("Bearer {}", id_token.jwt.expose()));
        let mut bearer = bearer.expect("a token is visible ASCII");
        bearer.set_sensitive(true);
        printable::hide(id_token.jwt.expose());
        let http = self.http.clone().with_headers(&self.url, &HeaderMap::from_iter([(AUTHORIZATION, bearer)]));
        let answer = event_loop::run(self.review(&http)).map_err(|error| self.unreachable(error))?;
        match answer.status() {
            status if status.is_success() => self.read(answer.body()),
            StatusCode::UNAUTHORIZED => Err(self.refused(id_token)),
            StatusCode::FORBIDDEN => Err(self.forbidden(&message(&answer))),
            StatusCode::NOT_FOUND => Err(self
                .failed("it does not know SelfSubjectReview (HTTP 404)")
                .hint("it needs Kubernetes 1.28; check also that the cluster's 'server' is the URL of an API server")),
            status => Err(self.failed(&format!("it returned HTTP {status}{}", message(&answer)))),
        }
    }

    /// Asks with the first version of [`VERSIONS`] that the server knows.
    async fn review(&self, http: &HttpClient) -> Result<HttpResponse> {
        let [version, older] = VERSIONS;
        let answer = self.review_in(version, http).await?;
        match answer.status() {
            StatusCode::NOT_FOUND => self.review_in(older, http).await,
            _ => Ok(answer),
        }
    }

    async fn review_in(&self, version: &str, http: &HttpClient) -> Result<HttpResponse> {
        let version = format!("authentication.k8s.io/{version}");
        let mut url = self.url.clone();
        url.set_path(&format!("{}/apis/{version}/selfsubjectreviews", self.url.path().trim_end_matches('/')));
        let review = json!({ "apiVersion": version, "kind": "SelfSubjectReview" });
        Ok(http.post_json(&url, review.to_string()).await?)
    }

    fn read(&self, body: &[u8]) -> Result<Map<String, Value>> {
        let mut review: Value = serde_json::from_slice(body).unwrap_or_default();
        match review.pointer_mut("/status/userInfo").map(Value::take) {
            Some(Value::Object(user)) => Ok(user),
            _ => Err(self
                .failed("its response is not a SelfSubjectReview")
                .hint("check that the cluster's 'server' is the URL of an API server")),
        }
    }

    /// The token is valid here: what the server may see differently.
    fn refused(&self, id_token: &IdToken) -> Error {
        let Some((_, claims)) = token::objects(id_token.jwt.expose()) else {
            return self
                .error(ErrorKind::SignIn, "it does not accept the token (HTTP 401), which is an opaque access token")
                .hint("API servers verify JWTs: leave --use-access-token out, or ask the provider for an access token in that form");
        };
        let claim = |name: &str| claims.get(name).map_or_else(|| "missing".to_owned(), in_quotes);
        let message = format!(
            "it does not accept the token (HTTP 401), whose iss is {}, its aud {}, and its exp {}",
            claim("iss"),
            claim("aud"),
            local_time::format(id_token.expires_at, "%Y-%m-%d %H:%M:%S %:z"),
        );
        self.error(ErrorKind::SignIn, &message)
            .hint(
                "the API server must be configured with exactly this issuer and audience, and its clock must be right; \
                 this prints the configuration for this context, for the cluster's administrator:",
            )
            .commands([command_of("setup --print kube-apiserver", &self.context, argument("--kubeconfig=").as_deref())])
    }

    fn forbidden(&self, message: &str) -> Error {
        self.failed(&format!("it does not let you ask who you are (HTTP 403){message}")).hint(
            "tell the cluster's administrator: the ClusterRole 'system:basic-user', which every authenticated user has by default, allows it",
        )
    }

    fn unreachable(&self, error: Error) -> Error {
        if error.kind() != ErrorKind::Unreachable {
            return error;
        }
        let check = format!(
            "kubectl --context {}{} get --raw /version",
            quoted(&self.context),
            of_file(argument("--kubeconfig="))
        );
        Error::new(error.kind(), format!("the API server of context '{}': {error}", self.context))
            .hint("check the network and the cluster's entry in the kubeconfig: kubectl must get a response as well:")
            .commands([check])
    }

    fn failed(&self, why: &str) -> Error {
        self.error(ErrorKind::Failed, why).hint("tell the cluster's administrator")
    }

    fn error(&self, kind: ErrorKind, why: &str) -> Error {
        Error::new(kind, format!("the API server {} of context '{}': {why}", self.server, self.context))
    }
}

/// How client-go verifies the server.
fn tls(context: &Context<'_>, access: &Access<'_>, skips_verification: bool) -> Result<TlsSetup> {
    let data = access.authority_data.map(|data| Authority::Data(data.split_whitespace().collect()));
    let authority = data.or_else(|| access.authority_file.clone().map(Authority::File));
    let field = if access.authority_data.is_some() { "certificate-authority-data" } else { "certificate-authority" };
    let label = format!("{field} of the kubeconfig's cluster '{}'", context.cluster);
    let name = access.tls_server_name.map(|name| ServerName::try_from(name.to_owned())).transpose();
    let name = name.map_err(|_| unusable(context, "its 'tls-server-name' is not a host name"))?;
    TlsSetup::of_cluster(&Tls::of_cluster(authority, &label, skips_verification), name)
}

/// How client-go reaches the server. A proxy of the plugin's own environment is none of client-go's: the kubeconfig that
/// sets it decides also which CAs are trusted, so that proxy could read the token.
fn route(access: &Access<'_>) -> Result<Route> {
    match access.proxy_url {
        Some(proxy) => Proxy::of_kubeconfig(proxy).map(Route::Through),
        None if access.has_proxy_of_plugin => Ok(Route::Direct),
        None => Ok(Route::OfEnvironment),
    }
}

fn unusable(context: &Context<'_>, why: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("the cluster '{}' of the kubeconfig cannot be used: {why}", context.cluster))
        .hint(format!(
            "fix it in the kubeconfig, with 'kubectl config set-cluster {}{}'",
            quoted(context.cluster),
            of_file(argument("--kubeconfig="))
        ))
}

/// The server's own words (`Status` of the Kubernetes API), if there are any.
fn message(answer: &HttpResponse) -> String {
    let status: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let words = status["message"].as_str().filter(|words| !words.is_empty());
    words.map(|words| format!(": {words}")).unwrap_or_default()
}

/// A claim of a string or of several.
fn in_quotes(claim: &Value) -> String {
    match claim {
        Value::String(text) => format!("'{text}'"),
        Value::Array(items) => items.iter().map(in_quotes).collect::<Vec<_>>().join(" and "),
        other => other.to_string(),
    }
}
