//! The sign-in in the browser: authorization code flow with PKCE and a redirect to loopback (RFC 8252).

use std::sync::atomic::Ordering;

use hyper::header::HeaderMap;
use hyper::{Method, StatusCode};
use openidconnect::{AuthorizationCode, CsrfToken};
use tokio::time::timeout;
use url::Url;

use super::launcher::launch;
use super::loopback::{Loopback, Server, Visit};
use super::pages::{FailedPage, Pages};
use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::oidc::authorization::{Answer, AuthorizationRequest};
use crate::oidc::{Person, Provider};
use crate::token::TokenSet;
use crate::{log, terminal};

/// How many random bytes make our local URL unguessable; in base64 it has 16 characters.
const START_PATH_BYTES: u32 = 12;

/// As [`super::sign_in`], at a provider that is known.
pub async fn sign_in(
    provider: &Provider,
    settings: &Settings,
    cluster: Option<&str>,
    on_start: &mut dyn FnMut(&str),
) -> Result<(TokenSet, Person)> {
    // Bound before anything opens: nobody else can take the port that the answer will come to.
    let loopback = Loopback::bind(&settings.loopback_addresses).await?;
    let request = AuthorizationRequest::new(provider, settings, &loopback.redirect_uri)?;
    let places = Places::new(&loopback.redirect_uri)?;
    let pages = Pages::new(settings, cluster);

    let mut server = loopback.serve(places.host.clone());
    on_start(&places.start_url());
    log::debug(format_args!("sign-in: listening at {}", places.origin));
    announce(settings, &places);
    let launched = launch(&settings.opener, places.start_url());

    let mut visited = false;
    let awaited = await_answer(&mut server, provider, &request, &places, &pages, &mut visited);
    let answer = timeout(settings.login_timeout, awaited).await;
    log::debug(format_args!(
        "sign-in: {}",
        if answer.is_ok() { "the browser's answer came" } else { "no answer came" }
    ));
    let result = match answer {
        Ok((visit, Ok(code))) => match request.exchange(provider, settings, code).await {
            Ok((tokens, person)) => {
                visit.page(StatusCode::OK, pages.signed_in(&person));
                Ok((tokens, person))
            }
            Err(error) => Err(fail(visit, &pages, error)),
        },
        Ok((visit, Err(error))) => Err(fail(visit, &pages, error)),
        Err(_) => Err(nobody_answered(settings, &request, visited, launched.load(Ordering::Relaxed))),
    };
    server.finish().await;
    result
}

/// The URLs of ours that are answered.
struct Places {
    origin: String,
    /// The host and port, as a browser names them.
    host: String,
    start_path: String,
    callback_path: String,
}

impl Places {
    fn new(redirect_uri: &str) -> Result<Self> {
        let redirect_uri = Url::parse(redirect_uri).map_err(|error| {
            Error::new(ErrorKind::Usage, format!("the redirect URL '{redirect_uri}' cannot be used: {error}"))
        })?;
        let origin = redirect_uri.origin().ascii_serialization();
        Ok(Self {
            host: origin.split_once("://").map_or(origin.as_str(), |(_, host)| host).to_owned(),
            start_path: format!("/{}", CsrfToken::new_random_len(START_PATH_BYTES).secret()),
            callback_path: redirect_uri.path().to_owned(),
            origin,
        })
    }

    /// The one URL that a process list may show: it tells nothing of the request, and is gone with this run.
    fn start_url(&self) -> String {
        format!("{}{}", self.origin, self.start_path)
    }
}

/// Answers requests until the one comes that ends the sign-in: a code, or the reason why there is none.
async fn await_answer(
    server: &mut Server,
    provider: &Provider,
    request: &AuthorizationRequest,
    places: &Places,
    pages: &Pages<'_>,
    visited: &mut bool,
) -> (Visit, Result<AuthorizationCode>) {
    loop {
        let visit = server.next().await;
        if is_idle_look(&visit.method, &visit.headers) {
            visit.no_content();
        } else if visit.method != Method::GET {
            visit.page(StatusCode::METHOD_NOT_ALLOWED, pages.failed(&FailedPage::stray("it is not a page view")));
        } else if visit.uri.path() == places.start_path {
            // As often as it is asked for: browsers have profile pickers, tabs get closed.
            *visited = true;
            visit.redirect(request.url.as_str());
        } else if visit.uri.path() == places.callback_path {
            match request.read_answer(provider, visit.uri.query().unwrap_or_default()) {
                Answer::Code(code) => return (visit, Ok(code)),
                Answer::Refused(error) => return (visit, Err(error)),
                Answer::Stray(why) => visit.page(StatusCode::BAD_REQUEST, pages.failed(&FailedPage::stray(why))),
            }
        } else {
            visit.page(StatusCode::NOT_FOUND, pages.failed(&FailedPage::stray("there is no such page")));
        }
    }
}

/// Whether nobody looks at the answer: prefetchers and link checkers must not set the sign-in in motion.
fn is_idle_look(method: &Method, headers: &HeaderMap) -> bool {
    let is_prefetch = ["sec-purpose", "purpose", "x-purpose", "x-moz"].iter().any(|name| {
        let value = headers.get(*name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.contains("prefetch") || value.contains("preview") || value.contains("prerender")
    });
    method == Method::HEAD || is_prefetch
}

/// Shows the user on the page what they will also read in the terminal.
fn fail(visit: Visit, pages: &Pages<'_>, error: Error) -> Error {
    let status = match error.kind() {
        ErrorKind::Unreachable => StatusCode::BAD_GATEWAY,
        _ => StatusCode::FORBIDDEN,
    };
    visit.page(status, pages.failed(&FailedPage::ended(&error)));
    error
}

/// Tells the user where to go. The address has a line of its own, to be copied whole.
fn announce(settings: &Settings, places: &Places) {
    terminal::request(&format!("sign in to {} in your browser, at", settings.issuer_url.as_str()));
    terminal::request(&format!("  {}", places.start_url()));
    if std::env::var_os("SSH_CONNECTION").is_some() {
        let host = &places.host;
        let port = host.rsplit_once(':').map_or("80", |(_, port)| port);
        let command = format!("ssh -L {port}:{host} HOST");
        terminal::request(&format!("to open it on your own computer, first run there: {command}"));
    }
}

fn nobody_answered(settings: &Settings, request: &AuthorizationRequest, visited: bool, launched: bool) -> Error {
    let message = format!("nobody signed in within {} s", settings.login_timeout.as_secs());
    let hint = match visited {
        // What the provider does not redirect back it shows on a page of its own: RFC 6749 §4.1.2.1.
        true => format!(
            "if the provider showed an error, check that it knows the client ID '{}' with the redirect URI {}",
            settings.client_id.as_str(),
            request.redirect_uri(),
        ),
        false => {
            "run 'kubekey login' with the same settings and open the printed address in a browser on this computer"
                .into()
        }
    };
    // Where no browser came up there is no tab too many, and no reason to keep the next run from trying.
    let kind = if launched { ErrorKind::Unanswered } else { ErrorKind::SignIn };
    Error::new(kind, message).hint(hint)
}
