//! Answers the requests at our URLs, from the first one to the page with the result.

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hyper::{Method, StatusCode};
use openidconnect::AuthorizationCode;
use tokio::time::timeout;
use url::Url;

use super::failed_page::FailedPage;
use super::gate::{Gate, Purpose};
use super::loopback::Server;
use super::pages::Pages;
use super::visit::Visit;
use crate::error::{Error, ErrorKind, Result};
use crate::kubeconfig::login_command;
use crate::oidc::authorization::{Answer, AuthorizationRequest, Sent};
use crate::oidc::refusal::Unproven;
use crate::oidc::{Person, Provider};
use crate::settings::{ResponseMode, Settings};
use crate::token::TokenSet;

/// How many responses with a forged `state` are rejected before the sign-in ends.
const MOST_FORGERIES: usize = 20;

/// How long to wait for the browser to load the page with the result. It follows a redirect at once, and kubectl waits.
const RESULT_TIMEOUT: Duration = Duration::from_secs(2);

/// The reception of one sign-in.
pub struct Reception<'a> {
    server: Server,
    gate: Gate,
    pages: Pages<'a>,
    provider: &'a Provider,
    settings: &'a Settings,
    request: &'a AuthorizationRequest,
    /// What happened, for the message of a failed sign-in.
    pub seen: Seen,
    /// The response has arrived: only one is accepted.
    is_answered: bool,
    /// The requests that wait for the result: the response itself, and reloads of the page.
    waiting: Vec<Visit>,
}

/// The page with the result, and where the browser continues from there.
struct ResultPage<'a> {
    status: StatusCode,
    html: String,
    next: Option<&'a Url>,
}

impl ResultPage<'_> {
    fn show(&self, visit: Visit) {
        let html = self.html.clone();
        match self.next {
            Some(next) => visit.page_before(next, self.status, html),
            None => visit.page(self.status, html),
        };
    }
}

/// What happened so far.
#[derive(Default)]
pub struct Seen {
    /// A browser was sent to the provider.
    pub start: bool,
    /// When that last happened.
    pub opened: Rc<Cell<Option<Instant>>>,
    /// A code arrived in the URL although a form was requested.
    pub code_in_address: bool,
    /// An error arrived that may not be the provider's.
    pub unproven: Option<Unproven>,
    forgeries: usize,
}

impl<'a> Reception<'a> {
    /// A reception without any request yet.
    pub fn new(
        server: Server,
        gate: Gate,
        pages: Pages<'a>,
        (provider, settings): (&'a Provider, &'a Settings),
        request: &'a AuthorizationRequest,
    ) -> Self {
        let (seen, is_answered, waiting) = (Seen::default(), false, Vec::new());
        Self { server, gate, pages, provider, settings, request, seen, is_answered, waiting }
    }

    /// Answers requests until one ends the sign-in: with a code, or with the reason why there is none.
    ///
    /// # Errors
    /// That reason.
    pub async fn await_answer(&mut self) -> Result<AuthorizationCode> {
        loop {
            let visit = self.server.next().await;
            let ended = match self.gate.admit(&visit) {
                Purpose::Start => self.send_to_provider(visit).await,
                _ => self.attend(visit),
            };
            if let Some((visit, result)) = ended {
                self.is_answered = true;
                self.waiting.push(visit);
                return result;
            }
        }
    }

    /// Waits for the exchange of the code. A reload of the response waits for the result, too.
    ///
    /// # Errors
    /// Those of `exchange`.
    pub async fn attend_during(
        &mut self,
        exchange: impl Future<Output = Result<(TokenSet, Person)>>,
    ) -> Result<(TokenSet, Person)> {
        self.is_answered = true;
        let mut exchange = pin!(exchange);
        loop {
            tokio::select! {
                result = &mut exchange => return result,
                visit = self.server.next() => {
                    let again = self.attend(visit);
                    self.waiting.extend(again.map(|(visit, _)| visit));
                }
            }
        }
    }

    /// Shows the result to all requests that wait for it, and stops the server. After a sign-in the browser continues to
    /// `next`.
    pub async fn end(mut self, result: &Result<(TokenSet, Person)>, next: Option<&Url>) {
        while let Some(visit) = self.server.try_next() {
            let again = self.attend(visit);
            self.waiting.extend(again.map(|(visit, _)| visit));
        }
        if !self.waiting.is_empty() {
            let page = self.result_page(result, next);
            match self.request.response_mode {
                ResponseMode::FormPost => self.waiting.drain(..).for_each(|visit| page.show(visit)),
                ResponseMode::Query => self.show_elsewhere(&page).await,
            }
        }
        self.server.finish().await;
    }

    fn result_page<'n>(&self, result: &Result<(TokenSet, Person)>, next: Option<&'n Url>) -> ResultPage<'n> {
        match result {
            Ok((_, person)) => ResultPage { status: StatusCode::OK, html: self.pages.signed_in(person), next },
            // The page shows the same error as the terminal.
            Err(error) => {
                let is_unreachable = error.kind() == ErrorKind::Unreachable;
                let status = if is_unreachable { StatusCode::BAD_GATEWAY } else { StatusCode::FORBIDDEN };
                ResultPage { status, html: self.pages.failed(&FailedPage::ended(error)), next: None }
            }
        }
    }

    /// Redirects all requests that wait to a URL without the response in it: what is in an address bar ends up in histories
    /// and screenshots.
    async fn show_elsewhere(&mut self, page: &ResultPage<'_>) {
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        let to_come = waiting.filter_map(|visit| self.send_to_result(visit).then_some(())).count();
        let shown = async {
            for _ in 0..to_come {
                self.show_once(page).await;
            }
        };
        // A browser that is late does not get the page.
        let _ = timeout(RESULT_TIMEOUT, shown).await;
    }

    async fn show_once(&mut self, page: &ResultPage<'_>) {
        loop {
            let visit = self.server.next().await;
            if matches!(self.gate.admit(&visit), Purpose::Result) {
                page.show(visit);
                return;
            }
            if let Some((visit, _)) = self.attend(visit) {
                self.send_to_result(visit);
            }
        }
    }

    fn send_to_result(&self, visit: Visit) -> bool {
        visit.redirect(StatusCode::SEE_OTHER, &self.gate.result_path, None)
    }

    /// Sends the browser to the provider, as often as requested: browsers have profile pickers, and tabs get closed. Ends the
    /// sign-in if that is not possible.
    async fn send_to_provider(&mut self, visit: Visit) -> Option<(Visit, Result<AuthorizationCode>)> {
        match self.request.url(self.provider, self.settings).await {
            Ok(url) => {
                self.seen.start = true;
                self.seen.opened.set(Some(Instant::now()));
                visit.redirect(StatusCode::FOUND, url.as_str(), self.gate.cookie().as_deref());
                None
            }
            Err(error) => Some((visit, Err(error))),
        }
    }

    /// Answers `visit`, unless it is the provider's response.
    fn attend(&mut self, visit: Visit) -> Option<(Visit, Result<AuthorizationCode>)> {
        match self.gate.admit(&visit) {
            Purpose::Callback(parameters) => return self.read_answer(visit, &parameters),
            Purpose::Start if self.is_answered => _ = visit.page(StatusCode::CONFLICT, self.late_page()),
            // The other visits of this page are for `send_to_provider`.
            Purpose::Start => _ = visit.page(StatusCode::GONE, self.pages.failed(&FailedPage::over())),
            Purpose::Result => self.turn_away(visit, StatusCode::NOT_FOUND, "there is no such page"),
            Purpose::Stray(status, why) => self.turn_away(visit, status, why),
            Purpose::WrongMethod(allowed) => {
                let page = self.pages.failed(&FailedPage::stray("it is not a page view"));
                visit.method_not_allowed(allowed, page);
            }
            Purpose::IdleLook => visit.no_content(),
        }
        None
    }

    fn read_answer(&mut self, visit: Visit, parameters: &[u8]) -> Option<(Visit, Result<AuthorizationCode>)> {
        let sent = if visit.method == Method::POST { Sent::InForm } else { Sent::InAddress };
        let why = match self.request.read_answer(parameters, sent) {
            Answer::Code(code) => return Some((visit, Ok(code))),
            Answer::Refused(error) => return Some((visit, Err(error))),
            Answer::Forged if self.is_last_forgery() => return Some((visit, Err(too_many_forgeries()))),
            Answer::Forged => "it does not belong to this sign-in",
            Answer::CodeInAddress => {
                self.seen.code_in_address = true;
                "its code is in the URL, where others can read it, and kubekey requested a form \
                 (for a provider that does not send one, set --response-mode=query)"
            }
            // Before the browser was sent to the provider, this cannot be its response.
            Answer::Unproven(error) if self.seen.start => {
                self.seen.unproven = Some(error);
                visit.page(StatusCode::BAD_REQUEST, self.pages.failed(&FailedPage::unproven(error)));
                return None;
            }
            Answer::Unproven(_) => "it does not belong to this sign-in",
            Answer::Stray(why) => why,
        };
        self.turn_away(visit, StatusCode::BAD_REQUEST, why);
        None
    }

    /// Counts a forgery; after the response they do no harm.
    fn is_last_forgery(&mut self) -> bool {
        self.seen.forgeries += 1;
        self.seen.forgeries > MOST_FORGERIES && !self.is_answered
    }

    fn turn_away(&self, visit: Visit, status: StatusCode, why: &str) {
        visit.page(status, self.pages.failed(&FailedPage::stray(why)));
    }

    fn late_page(&self) -> String {
        self.pages.failed(&FailedPage::late())
    }
}

fn too_many_forgeries() -> Error {
    let message = format!("more than {MOST_FORGERIES} responses arrived that do not belong to this sign-in");
    Error::new(ErrorKind::SignIn, message).hint(format!(
        "a web page or a program on this machine sends them: close other tabs, and run {}",
        login_command()
    ))
}
