//! The sign-in with a code (RFC 8628): the user enters it on any device with a browser, and this run asks for the tokens
//! until that is done. No URL of the provider is ever opened from here.

use std::time::Duration;

use chrono::Utc;
use tokio::time::{Instant, sleep};

use super::announcement::announce_code;
use super::choice::Verdict;
use super::consent;
use crate::error::{Error, ErrorKind};
use crate::kubeconfig::login_command;
use crate::oidc::device::{Declined, DeviceRequest};
use crate::oidc::{Person, Provider};
use crate::reader::Reader;
use crate::settings::{Opener, Settings};
use crate::token::TokenSet;
use crate::token_cache::{Lock, PlaceCode, SignInPlace};
use crate::{controlling_terminal, log, terminal};

/// How often the run looks whether its reader has ended.
const LOOK: Duration = Duration::from_millis(250);

/// Like [`super::sign_in`], with a discovered provider.
///
/// # Errors
/// [`Declined::Flow`] if the provider does not let this client use this flow.
pub async fn sign_in(
    provider: &Provider,
    settings: &Settings,
    verdict: &Verdict,
    lock: &mut Lock,
) -> Result<(TokenSet, Person), Declined> {
    let endpoint = provider.metadata.device_endpoint().ok_or_else(not_offered)?;
    let mut request = DeviceRequest::new(provider, settings, &endpoint, consent::wishes(settings)).await?;
    let code = PlaceCode { text: request.user_code.clone(), until: request.expires_at };
    lock.note_place(SignInPlace { url: request.page.as_str().to_owned(), code: Some(code) });
    announce_code(settings, &request, verdict.no_browser);
    let mut wait = Wait::new(settings, &request);
    let response = tokio::select! {
        biased;
        response = request.response(provider, settings) => response,
        () = wait.run_out(lock) => Ok(None),
    };
    terminal::end_countdown();
    let result = match response {
        // The user has done their part: the keys are waited for beyond the end.
        Ok(Some(response)) => request.accept(provider, settings, &response).await.map_err(Declined::Other),
        Ok(None) => Err(Declined::Other(wait.judge(request.trouble.take()))),
        Err(declined) => Err(declined),
    };
    note_consent(settings, &request, &result);
    if let Err(Declined::Flow(why)) = &result {
        terminal::warning(&format!("the code cannot be used any more: {why}"));
    }
    result
}

fn note_consent(settings: &Settings, request: &DeviceRequest, result: &Result<(TokenSet, Person), Declined>) {
    let tokens = match result {
        Ok((tokens, _)) => Ok(tokens),
        Err(Declined::Flow(error) | Declined::Other(error)) => Err(error.kind()),
    };
    consent::note(settings, (request.asks_offline_access, request.asks_consent), tokens);
}

fn not_offered() -> Declined {
    let message =
        "the provider does not offer the device flow: its discovery document has no 'device_authorization_endpoint'";
    Declined::Flow(Error::new(ErrorKind::SignIn, message).hint("use --flow=browser, or leave --flow out"))
}

/// The wait for the user of one sign-in.
struct Wait<'a> {
    settings: &'a Settings,
    start: Instant,
    end: Instant,
    reader: Reader,
    /// No terminal shows the code.
    is_unseen: bool,
    /// The reader of this run has ended.
    is_abandoned: bool,
}

impl<'a> Wait<'a> {
    /// A wait that starts now: until the code ends, or for the time that was chosen. A user whose terminal does not show the
    /// code gets the usual time.
    fn new(settings: &'a Settings, request: &DeviceRequest) -> Self {
        let is_left_to_choice = settings.opener != Opener::Nobody && !settings.is_login_timeout_chosen;
        let is_unseen = is_left_to_choice && !controlling_terminal::is_watched();
        let lifetime = (request.expires_at - Utc::now()).to_std().unwrap_or_default();
        let limit = if is_unseen || settings.is_login_timeout_chosen { settings.login_timeout } else { lifetime };
        let start = Instant::now();
        Self {
            settings,
            start,
            end: start + limit.min(lifetime),
            reader: Reader::now(),
            is_unseen,
            is_abandoned: false,
        }
    }

    /// Returns at the end. If the reader ends before, runs that wait for `lock` learn it, and the user, who may be about to
    /// enter the code, gets the usual time.
    async fn run_out(&mut self, lock: &mut Lock) {
        while Instant::now() < self.end {
            if !self.is_abandoned && self.reader.is_gone() {
                log::debug(format_args!("sign-in: the reader of the token has ended"));
                self.is_abandoned = true;
                self.end = self.end.min(Instant::now() + self.settings.login_timeout);
                lock.note_abandoned();
            }
            let left = self.end.saturating_duration_since(Instant::now());
            if !self.is_abandoned {
                terminal::count_down("waiting for the code to be entered", left);
            }
            sleep(LOOK.min(left)).await;
        }
    }

    /// The error at the end. `trouble` is why the provider did not respond, if it did not.
    fn judge(&self, trouble: Option<Error>) -> Error {
        if let Some(trouble) = trouble {
            return trouble;
        }
        let kind = match (self.is_abandoned, self.is_unseen) {
            (true, _) => ErrorKind::Abandoned,
            (false, true) => ErrorKind::Unseen,
            (false, false) => ErrorKind::Unanswered,
        };
        let message = format!("the code was not entered within {} s", self.start.elapsed().as_secs_f64().round());
        Error::new(kind, message).hint(format!("run {} and enter the new code", login_command()))
    }
}
