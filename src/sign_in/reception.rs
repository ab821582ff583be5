//! Who answers the requests at our URLs, from the first one to the page with the result.

use std::pin::pin;
use std::time::Duration;

use hyper::{Method, StatusCode};
use openidconnect::AuthorizationCode;
use tokio::time::timeout;
use url::Url;

use super::gate::{Gate, Purpose};
use super::loopback::Server;
use super::pages::{FailedPage, Pages};
use super::visit::Visit;
use crate::config::{ResponseMode, Settings};
use crate::error::{Error, ErrorKind, Result};
use crate::oidc::authorization::{Answer, AuthorizationRequest, Sent};
use crate::oidc::{Person, Provider};
use crate::token::TokenSet;

/// How many answers with a forged `state` are turned away before the sign-in ends.
const MOST_FORGERIES: usize = 20;

/// How long the browser is awaited at the page with the result. It follows a redirect at once, and kubectl waits.
const RESULT_TIMEOUT: Duration = Duration::from_secs(2);

/// The reception of one sign-in.
pub struct Reception<'a> {
    server: Server,
    gate: Gate,
    pages: Pages<'a>,
    provider: &'a Provider,
    request: &'a AuthorizationRequest,
    /// What a sign-in that fails can tell of its course.
    pub seen: Seen,
    /// The answer is there: it is taken once.
    is_answered: bool,
    /// Who is to see the result: whoever brought the answer, or reloaded the page meanwhile.
    waiting: Vec<Visit>,
}

/// The page with the result, and where the browser goes from there.
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

/// What happened until now.
#[derive(Default)]
pub struct Seen {
    /// Somebody was sent to the provider.
    pub start: bool,
    /// A code came in the address although a form was asked for.
    pub code_in_address: bool,
    forgeries: usize,
}

impl<'a> Reception<'a> {
    /// A reception where nobody has come yet.
    pub fn new(
        server: Server,
        gate: Gate,
        pages: Pages<'a>,
        provider: &'a Provider,
        request: &'a AuthorizationRequest,
    ) -> Self {
        let (seen, is_answered, waiting) = (Seen::default(), false, Vec::new());
        Self { server, gate, pages, provider, request, seen, is_answered, waiting }
    }

    /// Answers requests until the one comes that ends the sign-in: a code, or the reason why there is none.
    ///
    /// # Errors
    /// That reason.
    pub async fn await_answer(&mut self) -> Result<AuthorizationCode> {
        loop {
            let visit = self.server.next().await;
            if let Some((visit, result)) = self.attend(visit) {
                self.is_answered = true;
                self.waiting.push(visit);
                return result;
            }
        }
    }

    /// Exchanges the code. Who comes with the answer once more meanwhile waits, too.
    ///
    /// # Errors
    /// As [`AuthorizationRequest::exchange`].
    pub async fn exchange(&mut self, settings: &Settings, code: AuthorizationCode) -> Result<(TokenSet, Person)> {
        let mut exchange = pin!(self.request.exchange(self.provider, settings, code));
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

    /// Shows the result to all who wait for it, and ends the server. After a sign-in their browsers go on to `next`.
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
            // The user reads on the page what they will also read in the terminal.
            Err(error) => {
                let is_unreachable = error.kind() == ErrorKind::Unreachable;
                let status = if is_unreachable { StatusCode::BAD_GATEWAY } else { StatusCode::FORBIDDEN };
                ResultPage { status, html: self.pages.failed(&FailedPage::ended(error)), next: None }
            }
        }
    }

    /// Sends all who wait to an address without the answer in it: what stands in an address bar ends up in histories,
    /// pictures of the screen and in the hands of whoever asks for it.
    async fn show_elsewhere(&mut self, page: &ResultPage<'_>) {
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        let to_come = waiting.filter_map(|visit| self.send_to_result(visit).then_some(())).count();
        let shown = async {
            for _ in 0..to_come {
                self.show_once(page).await;
            }
        };
        // Who does not come in time goes without.
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

    /// Answers `visit`, unless it brings the provider's answer.
    fn attend(&mut self, visit: Visit) -> Option<(Visit, Result<AuthorizationCode>)> {
        match self.gate.admit(&visit) {
            Purpose::Callback(parameters) => return self.read_answer(visit, &parameters),
            Purpose::Start if self.is_answered => _ = visit.page(StatusCode::CONFLICT, self.late_page()),
            Purpose::Start => {
                // As often as it is asked for: browsers have profile pickers, tabs get closed.
                self.seen.start = true;
                visit.redirect(StatusCode::FOUND, self.request.url.as_str(), self.gate.cookie().as_deref());
            }
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
                "its code stands in the address, where others can read it, and kubekey has asked for a form \
                 (for a provider that sends none there is --response-mode=query)"
            }
            Answer::Stray(why) => why,
        };
        self.turn_away(visit, StatusCode::BAD_REQUEST, why);
        None
    }

    /// Counts one more; after the answer they do no harm.
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
    let message = format!("more than {MOST_FORGERIES} answers came that do not belong to this sign-in");
    Error::new(ErrorKind::SignIn, message).hint(
        "a web page or a program on this computer sends them: close other tabs, and run 'kubekey login' with the same settings",
    )
}
