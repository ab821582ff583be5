//! The preview of the pages, with sample data: for those who write templates.

use hyper::{Method, StatusCode};
use url::{Position, Url};

use super::announcement::announce_preview;
use super::choice::choose;
use super::failed_page::FailedPage;
use super::loopback::{Loopback, Server};
use super::pages::Pages;
use super::session::Session;
use super::visit::Visit;
use crate::config::Flow;
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop;
use crate::exec_credential::ExecInfo;
use crate::oidc::Person;
use crate::oidc::refusal::Unproven;
use crate::settings::{LoopbackAddress, PageSettings};
use crate::terminal;

/// A portrait, which the browser loads from nowhere.
const PORTRAIT: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 96 96'%3E\
    %3Crect width='96' height='96' fill='%23475569'/%3E%3Ccircle cx='48' cy='38' r='17' fill='%23cbd5e1'/%3E\
    %3Cpath d='M12 96a36 36 0 0 1 72 0z' fill='%23cbd5e1'/%3E%3C/svg%3E";

/// The path of each page, and what it shows.
const SAMPLES: [(&str, &str, Sample); 7] = [
    ("/signed-in", "Signed in", Sample::SignedIn { name: "Jane Doe", email: "jane.doe@example.com", picture: "" }),
    (
        "/signed-in-with-picture",
        "Signed in, with a picture",
        Sample::SignedIn { name: "Jane Doe", email: "jane.doe@example.com", picture: PORTRAIT },
    ),
    (
        "/signed-in-without-name",
        "Signed in, with a long address and no name",
        Sample::SignedIn { name: LONG_ADDRESS, email: LONG_ADDRESS, picture: "" },
    ),
    ("/failed", "Sign-in failed", Sample::Failed),
    ("/not-yet", "An error that does not say for which sign-in it is", Sample::Unproven),
    ("/stray", "A request that does not belong to the sign-in", Sample::Stray),
    ("/late", "The same after the response arrived", Sample::Late),
];

const LONG_ADDRESS: &str = "maximiliane.wintersteiner@identity.engineering.example.com";

enum Sample {
    SignedIn { name: &'static str, email: &'static str, picture: &'static str },
    Failed,
    Unproven,
    Stray,
    Late,
}

/// Serves all pages with sample data on loopback, and opens their list in the browser, until the process ends. Each page is
/// made anew from its template when it is loaded.
///
/// # Errors
/// [`ErrorKind::SignIn`] if no port is free.
pub fn preview(settings: &PageSettings) -> Result<()> {
    event_loop::run(serve(settings))
}

async fn serve(settings: &PageSettings) -> Result<()> {
    let loopback = Loopback::bind(&[LoopbackAddress::any_port()]).await?;
    let url = Url::parse(&loopback.redirect_uri).and_then(|url| url.join("/"));
    let url = url.map_err(|error| Error::new(ErrorKind::Failed, error.to_string()))?;
    let mut server: Server = loopback.serve(url[Position::BeforeHost..Position::AfterPort].to_owned(), None);
    let session = Session::now(&settings.opener, &ExecInfo::default());
    let verdict = choose(Some(Flow::Browser), &session, false, |_| true);
    announce_preview(&settings.opener, url.as_str(), verdict.no_browser);
    let pages = Pages::sample(settings.template_dir.as_deref());
    loop {
        answer(server.next().await, &pages);
    }
}

fn answer(visit: Visit, pages: &Pages<'_>) {
    if visit.method != Method::GET {
        return visit.method_not_allowed("GET", pages.failed(&FailedPage::stray("it is not a page view")));
    }
    let sample = SAMPLES.iter().find(|(path, ..)| *path == visit.uri.path());
    let html = match sample {
        Some((_, _, sample)) => sample.page(pages),
        None if visit.uri.path() == "/" => Pages::list(&SAMPLES.map(|(path, title, _)| (path, title))),
        None => {
            visit.page(StatusCode::NOT_FOUND, pages.failed(&FailedPage::stray("there is no such page")));
            return;
        }
    };
    visit.page(StatusCode::OK, html);
}

impl Sample {
    fn page(&self, pages: &Pages<'_>) -> String {
        let failed = match *self {
            Self::SignedIn { name, email, picture } => {
                let [name, email, picture] = [name, email, picture].map(str::to_owned);
                let html = pages.signed_in(&Person { name, email, picture });
                warn_of_missing_picture(&html);
                return html;
            }
            Self::Failed => FailedPage::ended(
                &Error::new(ErrorKind::SignIn, "the provider refused the sign-in: you are not assigned to this client")
                    .hint("ask the provider's administrator for access"),
            ),
            Self::Unproven => FailedPage::unproven(Unproven {
                code: "temporarily_unavailable",
                words: "the provider is temporarily overloaded",
            }),
            Self::Stray => FailedPage::stray("there is no such page"),
            Self::Late => FailedPage::late(),
        };
        pages.failed(&failed)
    }
}

/// A template may show a picture that a user does not have.
fn warn_of_missing_picture(html: &str) {
    if ["src=\"\"", "src=''"].iter().any(|empty| html.contains(empty)) {
        terminal::warning(
            "a user without a picture gets an image with an empty 'src': put it between '{{if .Picture}}' and '{{end}}'",
        );
    }
}
