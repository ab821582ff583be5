//! The sign-in in a browser that does not reach this machine: the user copies the URL at which it ends to this terminal.

use std::rc::Rc;
use std::sync::Arc;

use openidconnect::AuthorizationCode;
use url::Url;

use super::announcement::announce_paste;
use super::choice::Verdict;
use super::consent;
use super::loopback::Loopback;
use super::patience::Patience;
use crate::error::{Error, ErrorKind, Result};
use crate::hidden_lines::HiddenLines;
use crate::kubeconfig::login_command;
use crate::oidc::authorization::{Answer, AuthorizationRequest, Sent};
use crate::oidc::{Person, Provider};
use crate::settings::{ResponseMode, Settings, is_out_of_band};
use crate::terminal;
use crate::token::TokenSet;
use crate::token_cache::Lock;

/// A pending request whose response the user pastes.
pub struct Paste {
    /// The request.
    pub request: AuthorizationRequest,
    url: Url,
    lines: HiddenLines,
}

impl Paste {
    /// Shows the request's URL, and hides what is typed from now on.
    ///
    /// # Errors
    /// [`ErrorKind::SignIn`] if the standard input is not a terminal; otherwise as [`AuthorizationRequest::url`].
    pub async fn start(provider: &Provider, settings: &Settings, redirect_uri: &str, is_beside: bool) -> Result<Self> {
        let redirect_uri = settings.paste_redirect_url.as_deref().unwrap_or(redirect_uri);
        let (wishes, mode) = (consent::wishes(settings), ResponseMode::Query);
        let request = AuthorizationRequest::new(&provider.metadata, settings, redirect_uri, wishes, mode);
        let url = request.url(provider, settings).await?;
        let lines = HiddenLines::start().map_err(|_| nobody_types())?;
        announce_paste(settings, url.as_str(), is_out_of_band(redirect_uri), is_beside);
        Ok(Self { request, url, lines })
    }

    /// Reads lines until one ends the sign-in: with a code, or with the reason why there is none. `None` if the user ends
    /// the input before.
    pub async fn await_answer(&mut self) -> Option<Result<AuthorizationCode>> {
        while let Some(line) = self.lines.next().await {
            let line = String::from_utf8_lossy(&line);
            let why = match read(&self.request, &self.url, line.trim()) {
                Answer::Code(code) => return Some(Ok(code)),
                Answer::Refused(error) => return Some(Err(error)),
                Answer::Forged => "it is the URL of another sign-in",
                Answer::Unproven(error) => error.words,
                Answer::Stray(why) => why,
                Answer::CodeInAddress => unreachable!("a query was requested"),
            };
            if !line.trim().is_empty() {
                terminal::request(&format!(
                    "what you pasted cannot be used: {why}; paste the URL, or stop with Ctrl-C"
                ));
            }
        }
        None
    }
}

/// Like [`super::sign_in`], with a discovered provider and nothing else that the user can do.
///
/// # Errors
/// [`ErrorKind::SignIn`] if nobody can paste anything here; otherwise as [`super::sign_in`].
pub async fn sign_in(
    provider: &Provider,
    settings: &Settings,
    verdict: &Verdict,
    lock: &mut Lock,
) -> Result<(TokenSet, Person)> {
    if !verdict.can_paste {
        return Err(nobody_types());
    }
    // A port that nothing else uses: the browser must fail to open the URL, and not show a page of something else.
    let redirect_uri = Loopback::bind(&settings.loopback_addresses).await?.redirect_uri;
    let mut paste = Paste::start(provider, settings, &redirect_uri, false).await?;
    let mut patience = Patience::new(settings, Arc::default(), Rc::default());
    let answer = tokio::select! {
        biased;
        answer = paste.await_answer() => answer,
        () = patience.run_out(|| lock.note_abandoned()) => Some(Err(patience.judge(nobody_pasted(settings)))),
    };
    let Paste { request, lines, .. } = paste;
    drop(lines);
    let result = match answer {
        Some(Ok(code)) => request.exchange(provider, settings, code).await,
        Some(Err(error)) => Err(error),
        None => Err(nothing_pasted()),
    };
    consent::note_answer(settings, &request, &result);
    result
}

/// Reads what was pasted: the URL to which the provider sent the browser. A browser may copy it without its scheme.
fn read(request: &AuthorizationRequest, url: &Url, text: &str) -> Answer {
    let text = text.trim_matches(['"', '\'', '<', '>']);
    let redirect_uri = request.redirect_uri();
    if is_out_of_band(redirect_uri) {
        let is_code = !text.is_empty() && !text.contains([' ', '/', '?', '&', '=']);
        return match is_code {
            true => Answer::Code(AuthorizationCode::new(text.to_owned())),
            false => Answer::Stray("it is not a code"),
        };
    }
    let without_scheme = |url: &str| url.split_once("://").map_or(url, |(_, rest)| rest).to_owned();
    // A browser adds the slash that a URL without a path lacks.
    let page =
        |url: &str| without_scheme(url.split(['?', '#']).next().unwrap_or_default()).trim_end_matches('/').to_owned();
    match text.split_once('?') {
        _ if page(text) == page(url.as_str()) => {
            Answer::Stray("it is the URL to open, and not the one at which the browser ends")
        }
        Some((_, query)) if page(text) == page(redirect_uri) => {
            let query = query.split('#').next().unwrap_or_default();
            request.read_answer(query.as_bytes(), Sent::InAddress)
        }
        _ if !text.contains('/') => Answer::Stray("it is not a whole URL"),
        _ => Answer::Stray("it is not the URL at which this sign-in ends"),
    }
}

fn nobody_types() -> Error {
    let message = "nobody can paste a URL here: the standard input is not a terminal in the foreground";
    Error::new(ErrorKind::SignIn, message).hint(format!("run {} in a terminal, or leave --flow out", login_command()))
}

fn nothing_pasted() -> Error {
    Error::new(ErrorKind::SignIn, "nothing was pasted").hint(format!("run {} and paste the URL", login_command()))
}

fn nobody_pasted(settings: &Settings) -> Error {
    let message = format!("no URL was pasted within {} s", settings.login_timeout.as_secs());
    Error::new(ErrorKind::SignIn, message).hint(format!("run {} and paste the URL sooner", login_command()))
}
