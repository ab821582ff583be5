//! The sign-in in the browser: authorization code flow with PKCE and a redirect to loopback (RFC 8252).

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use openidconnect::AuthorizationCode;
use url::Url;

use super::announcement::{announce, where_to_open};
use super::choice::Verdict;
use super::consent;
use super::gate::Gate;
use super::local_tls::LocalTls;
use super::loopback::Loopback;
use super::pages::Pages;
use super::paste::Paste;
use super::patience::Patience;
use super::reception::{Reception, Seen};
use crate::error::{Error, ErrorKind, Result};
use crate::exec_credential::ExecInfo;
use crate::kubeconfig::login_command;
use crate::oidc::authorization::{AuthorizationRequest, response_mode};
use crate::oidc::pushed::push_endpoint;
use crate::oidc::refusal::Unproven;
use crate::oidc::{Person, Provider};
use crate::settings::{LoopbackAddress, Settings};
use crate::token::TokenSet;
use crate::token_cache::{Lock, SignInPlace};
use crate::{log, terminal};

/// Like [`super::sign_in`], with a discovered provider, and with `tls` on loopback if there is one.
pub async fn sign_in(
    provider: &Provider,
    settings: &Settings,
    exec_info: &ExecInfo,
    verdict: &Verdict,
    lock: &mut Lock,
    tls: Option<LocalTls>,
) -> Result<(TokenSet, Person)> {
    push_endpoint(&provider.metadata, settings)?;
    // Bound before the browser opens: no other program can take the port of the response.
    let loopback = Loopback::bind(&settings.loopback_addresses).await?;
    let redirect_uri = &loopback.redirect_uri.clone();
    let request = request(provider, settings, redirect_uri);
    let gate = Gate::new(redirect_uri, request.response_mode, settings.login_timeout);
    if let Some((tls, server)) = tls.as_ref().zip(settings.local_server.as_ref()) {
        tls.check_host(redirect_uri, server);
    }
    let server = loopback.serve(gate.host.clone(), tls);

    let launched = show(settings, &gate, verdict, lock);
    let mut paste = paste_beside(provider, settings, redirect_uri, verdict).await;
    let pages = Pages::new(settings, exec_info.server());
    let mut reception = Reception::new(server, gate, pages, (provider, settings), &request);
    let patience = Patience::new(settings, launched, reception.seen.opened.clone());
    let mut patience = patience.counting_down(paste.is_none());
    let answer = tokio::select! {
        biased;
        answer = reception.await_answer() => Some((answer, false)),
        answer = pasted(&mut paste) => Some((answer, true)),
        () = patience.run_out(|| lock.note_abandoned()) => None,
    };
    terminal::end_countdown();
    log::debug(format_args!("sign-in: {}", how(answer.as_ref().map(|(_, is_pasted)| *is_pasted))));
    // The terminal is the user's again.
    let pasted = paste.map(|paste| paste.request);
    let result = match answer {
        Some((Ok(code), is_pasted)) => {
            let answered = pasted.as_ref().filter(|_| is_pasted).unwrap_or(&request);
            reception.attend_during(answered.exchange(provider, settings, code)).await
        }
        Some((Err(error), _)) => Err(error),
        None => Err(nobody_answered(settings, &request, verdict, &reception.seen, &patience)),
    };
    consent::note_answer(settings, &request, &result);
    reception.end(&result, settings.post_login_url.as_ref()).await;
    result
}

/// Shows the sign-in to the user, and to runs that wait for it.
fn show(settings: &Settings, gate: &Gate, verdict: &Verdict, lock: &mut Lock) -> Arc<AtomicBool> {
    lock.note_place(SignInPlace::at(&gate.start_url()));
    log::debug(format_args!("sign-in: listening at {}", gate.origin));
    announce(settings, &gate.start_url(), verdict.no_browser)
}

fn request(provider: &Provider, settings: &Settings, redirect_uri: &str) -> AuthorizationRequest {
    let mode = response_mode(&provider.metadata, settings);
    let wishes = consent::wishes(settings);
    let request = AuthorizationRequest::new(&provider.metadata, settings, redirect_uri, wishes, mode);
    request.hide_url();
    request
}

/// The other way to answer, where the user can type.
async fn paste_beside(
    provider: &Provider,
    settings: &Settings,
    redirect_uri: &str,
    verdict: &Verdict,
) -> Option<Paste> {
    match verdict.can_paste {
        true => Paste::start(provider, settings, redirect_uri, true).await.ok(),
        false => None,
    }
}

fn how(is_pasted: Option<bool>) -> &'static str {
    match is_pasted {
        Some(false) => "the browser's response arrived",
        Some(true) => "the response was pasted",
        None => "no response arrived",
    }
}

/// The response that the user pastes.
async fn pasted(paste: &mut Option<Paste>) -> Result<AuthorizationCode> {
    let answer = match paste {
        Some(paste) => paste.await_answer().await,
        None => None,
    };
    match answer {
        Some(answer) => answer,
        None => std::future::pending().await,
    }
}

fn nobody_answered(
    settings: &Settings,
    request: &AuthorizationRequest,
    verdict: &Verdict,
    seen: &Seen,
    patience: &Patience<'_>,
) -> Error {
    let has_not_returned = seen.start && seen.unproven.is_none() && !seen.code_in_address;
    let how = if has_not_returned { ": the browser did not return from the provider" } else { "" };
    let message = format!("the sign-in timed out after {} s{how}", settings.login_timeout.as_secs());
    let again = login_command();
    let hint = match seen.unproven {
        _ if seen.code_in_address => "the provider sent the code in the URL instead of the requested form; \
            if it cannot send a form, set --response-mode=query"
            .into(),
        Some(Unproven { code, words }) => format!(
            "an error without 'state' arrived (from the provider, or forged): {words} ({code}); \
            run {again}, or ask the provider's administrator"
        ),
        // Errors that a provider must not redirect, it shows on its own page: RFC 6749 §4.1.2.1.
        None if seen.start => format!(
            "run {again}; if the provider rejected client '{}' or its redirect URI, register {}",
            settings.client_id.as_str(),
            registered(settings, request.redirect_uri()),
        ),
        None => format!(
            "run {again} and open the printed URL {}",
            where_to_open(request.redirect_uri(), verdict.no_browser)
        ),
    };
    // The cool-down is for unused tabs and absent users: without a browser there is no tab, and a code in the URL means that
    // the user is there.
    let is_nobody_there = patience.has_launched() && !seen.code_in_address;
    let kind = if is_nobody_there { ErrorKind::Unanswered } else { ErrorKind::SignIn };
    let error = Error::new(kind, message).hint(hint);
    if seen.code_in_address { error } else { patience.judge(error) }
}

/// The redirect URI to register at the provider. A free port changes with each run: RFC 8252 §7.3 requires providers to
/// accept any port, but some compare exactly.
fn registered(settings: &Settings, redirect_uri: &str) -> String {
    let is_fixed = |address: &LoopbackAddress| address.port != 0 && address.redirect_uri(address.port) == redirect_uri;
    let is_fixed = settings.loopback_addresses.iter().any(is_fixed);
    match with_port(redirect_uri, None).zip(with_port(redirect_uri, Some(8000))).filter(|_| !is_fixed) {
        Some((any, one)) => format!("{any} (any port) or a fixed --redirect-url={one}"),
        None => redirect_uri.to_owned(),
    }
}

fn with_port(redirect_uri: &str, port: Option<u16>) -> Option<String> {
    let mut url = Url::parse(redirect_uri).ok()?;
    url.set_port(port).ok()?;
    // An added slash would make it another URI where it is compared exactly.
    let text = url.as_str();
    Some(if redirect_uri.ends_with('/') { text } else { text.trim_end_matches('/') }.to_owned())
}
