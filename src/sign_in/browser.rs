//! The sign-in in the browser: authorization code flow with PKCE and a redirect to loopback (RFC 8252).

use std::sync::atomic::Ordering;

use tokio::time::timeout;

use super::gate::Gate;
use super::launcher::launch;
use super::loopback::Loopback;
use super::pages::Pages;
use super::reception::{Reception, Seen};
use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::oidc::authorization::AuthorizationRequest;
use crate::oidc::{Person, Provider};
use crate::token::TokenSet;
use crate::{log, terminal};

/// As [`super::sign_in`], at a provider that is known.
pub async fn sign_in(
    provider: &Provider,
    settings: &Settings,
    cluster: Option<&str>,
    on_start: &mut dyn FnMut(&str),
) -> Result<(TokenSet, Person)> {
    // Bound before anything opens: nobody else can take the port that the answer will come to.
    let loopback = Loopback::bind(&settings.loopback_addresses).await?;
    let request = AuthorizationRequest::new(&provider.metadata, settings, &loopback.redirect_uri);
    let gate = Gate::new(&loopback.redirect_uri, request.response_mode, settings.login_timeout)?;
    let server = loopback.serve(gate.host.clone());

    on_start(&gate.start_url());
    log::debug(format_args!("sign-in: listening at {}", gate.origin));
    announce(settings, &gate);
    let launched = launch(&settings.opener, gate.start_url());

    let mut reception = Reception::new(server, gate, Pages::new(settings, cluster), provider, &request);
    let answer = timeout(settings.login_timeout, reception.await_answer()).await;
    log::debug(format_args!(
        "sign-in: {}",
        if answer.is_ok() { "the browser's answer came" } else { "no answer came" }
    ));
    let result = match answer {
        Ok(Ok(code)) => reception.exchange(settings, code).await,
        Ok(Err(error)) => Err(error),
        Err(_) => Err(nobody_answered(settings, &request, &reception.seen, launched.load(Ordering::Relaxed))),
    };
    reception.end(&result, settings.post_login_url.as_ref()).await;
    result
}

/// Tells the user where to go. The address has a line of its own, to be copied whole.
fn announce(settings: &Settings, gate: &Gate) {
    terminal::request(&format!("sign in to {} in your browser, at", settings.issuer_url.as_str()));
    terminal::request(&format!("  {}", gate.start_url()));
    let host = &gate.host;
    // It is there to be copied into a shell.
    let is_plain = host.chars().all(|character| character.is_ascii_alphanumeric() || ".:[]-".contains(character));
    if std::env::var_os("SSH_CONNECTION").is_some() && is_plain {
        let port = host.rsplit_once(':').map_or("80", |(_, port)| port);
        let command = format!("ssh -L {port}:{host} HOST");
        terminal::request(&format!("to open it on your own computer, first run there: {command}"));
    }
}

fn nobody_answered(settings: &Settings, request: &AuthorizationRequest, seen: &Seen, launched: bool) -> Error {
    let message = format!("nobody signed in within {} s", settings.login_timeout.as_secs());
    let hint = match seen.start {
        _ if seen.code_in_address => {
            "the provider sent the code in the address and not in a form, as it was asked to; \
            if it cannot do better, --response-mode=query takes it from there"
                .into()
        }
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
    // Where no browser came up there is no tab too many, and where somebody is there, no reason to keep the next run from
    // trying.
    let is_nobody_there = launched && !seen.code_in_address;
    let kind = if is_nobody_there { ErrorKind::Unanswered } else { ErrorKind::SignIn };
    Error::new(kind, message).hint(hint)
}
