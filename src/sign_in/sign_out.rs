//! The end of the provider's session in the browser (OpenID Connect RP-Initiated Logout 1.0), by way of our own page: it
//! has a form with the ID token, which must be in no URL and in no list of processes.

use std::rc::Rc;

use askama::Template;
use hyper::{HeaderMap, StatusCode};
use openidconnect::CsrfToken;
use url::Url;

use super::announcement::announce_sign_out;
use super::choice::choose;
use super::failed_page::FailedPage;
use super::gate::{Gate, Purpose};
use super::local_tls::LocalTls;
use super::loopback::{Loopback, Server};
use super::pages::Pages;
use super::patience::Patience;
use super::peer;
use super::session::Session;
use super::visit::Visit;
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop;
use crate::exec_credential::ExecInfo;
use crate::oidc::{Limits, Provider};
use crate::printable;
use crate::secret::Secret;
use crate::settings::{ResponseMode, Settings};
use crate::{log, terminal};

/// How many random bytes the nonce of the script has.
const NONCE_BYTES: u32 = 16;

#[derive(Template)]
#[template(path = "sign_out.html")]
struct SignOutPage<'a> {
    host: &'a str,
    method: &'a str,
    action: &'a str,
    fields: &'a [(String, String)],
    nonce: &'a str,
}

/// Opens the browser at our page, which sends it on to the provider. Without the ID token the provider asks the user.
///
/// # Errors
/// [`ErrorKind::Failed`] if the provider cannot end sessions; [`ErrorKind::SignIn`] if there is no browser, or none came
/// within the time for a sign-in; [`ErrorKind::Unreachable`] if the provider does not respond.
pub fn sign_out(settings: &Settings, id_token: Option<&Secret>) -> Result<()> {
    if settings.is_machine() {
        return Err(not_ended(settings, "no person signed in"));
    }
    // What is saved is the access token then, which is no hint (§2).
    let id_token = id_token.filter(|_| !settings.use_access_token);
    id_token.iter().for_each(|jwt| printable::hide(jwt.expose()));
    let verdict = choose(None, &Session::now(&settings.opener, &ExecInfo::default()), false, |_| true);
    if verdict.is_nobody_there {
        return Err(not_ended(settings, &format!("no browser can be opened here: {verdict}")));
    }
    let tls = settings.local_server.as_ref().map(LocalTls::new).transpose()?;
    event_loop::run(async {
        let provider = Provider::discover(settings, Limits::USUAL).await?;
        let Some(endpoint) = provider.metadata.end_session_endpoint.clone() else {
            let message =
                format!("{} names no end_session_endpoint, so its session goes on", settings.issuer_url.as_str());
            return Err(Error::new(ErrorKind::Failed, message).hint("sign out on the provider's own page"));
        };
        let loopback = Loopback::bind(&settings.loopback_addresses).await?;
        let gate = Gate::new(&loopback.redirect_uri, ResponseMode::Query, settings.login_timeout);
        let server = loopback.serve(gate.host.clone(), tls);
        let takes_form = takes_form(&provider, &endpoint).await;
        let launched = announce_sign_out(settings, &gate.start_url(), verdict.no_browser);
        let patience = Patience::new(settings, launched, Rc::default());
        let farewell = Farewell { settings, endpoint: &endpoint, takes_form, id_token, gate };
        farewell.serve(server, patience).await
    })
}

/// Whether the provider takes a posted form, as it must (§2), and not every provider does. An answer to a request without a
/// cookie ends nobody's session.
async fn takes_form(provider: &Provider, endpoint: &Url) -> bool {
    let answer = provider.http.post_form(endpoint, HeaderMap::new(), String::new(), || {}).await;
    let refusals = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED, StatusCode::NOT_IMPLEMENTED];
    let takes_form = answer.map_or(true, |answer| !refusals.contains(&answer.status()));
    if !takes_form {
        terminal::notice("the provider takes no form, so it gets no ID token, and may ask you");
    }
    takes_form
}

fn not_ended(settings: &Settings, why: &str) -> Error {
    Error::new(ErrorKind::SignIn, format!("the session at {} was not ended: {why}", settings.issuer_url.as_str()))
        .hint("sign out on the provider's own page")
}

fn turn_away(visit: Visit, purpose: &Purpose, pages: &Pages<'_>) {
    let page = |why| pages.failed(&FailedPage::astray(why));
    match purpose {
        Purpose::IdleLook => visit.no_content(),
        Purpose::WrongMethod(allowed) => visit.method_not_allowed(allowed, page("it is not a page view")),
        Purpose::Stray(status, why) => _ = visit.page(*status, page(why)),
        Purpose::Start | Purpose::Callback(_) | Purpose::Result => {
            visit.page(StatusCode::NOT_FOUND, page("there is no such page"));
        }
    }
}

struct Farewell<'a> {
    settings: &'a Settings,
    endpoint: &'a Url,
    takes_form: bool,
    id_token: Option<&'a Secret>,
    gate: Gate,
}

impl Farewell<'_> {
    /// Answers requests until a browser has the form.
    async fn serve(&self, mut server: Server, mut patience: Patience<'_>) -> Result<()> {
        let pages = Pages::new(self.settings, None);
        let shown = async {
            loop {
                let visit = server.next().await;
                match self.gate.admit(&visit) {
                    Purpose::Start => {
                        let is_other = visit.ends.and_then(peer::is_own) == Some(false);
                        // Another user of this machine, who may have read our URL, must not take it from this one.
                        if self.show(visit) && !is_other {
                            return;
                        }
                    }
                    purpose => turn_away(visit, &purpose, &pages),
                }
            }
        };
        let is_shown = tokio::select! {
            biased;
            () = shown => true,
            () = patience.run_out(|| ()) => false,
        };
        server.finish().await;
        match is_shown {
            true => {
                let host = self.endpoint.host_str().unwrap_or_default();
                terminal::notice(&format!("the browser goes to {host}, which ends its session there"));
                Ok(())
            }
            false => {
                let seconds = patience.limit().as_secs();
                Err(not_ended(self.settings, &format!("no browser opened the page within {seconds} s")))
            }
        }
    }

    /// Shows the form. The ID token is in it only for a program of this user: it is what an API server accepts. Without
    /// it, the provider asks the user (§2).
    fn show(&self, visit: Visit) -> bool {
        let is_own = visit.ends.and_then(peer::is_own) == Some(true);
        log::debug(format_args!("sign-out: the browser is {}", if is_own { "this user's" } else { "unknown" }));
        // What is not in a form would be in the URL.
        let hint = self.id_token.filter(|_| is_own && self.takes_form);
        let hint = hint.map(|jwt| ("id_token_hint".to_owned(), jwt.expose().to_owned()));
        // No `post_logout_redirect_uri`: one that is not registered makes providers refuse (§3), and ours is for sign-ins.
        let client = ("client_id".to_owned(), self.settings.client_id.as_str().to_owned());
        let method = if self.takes_form { "post" } else { "get" };
        // A browser drops the query of a form's address if it sends the form as one.
        let query =
            self.endpoint.query_pairs().filter(|_| !self.takes_form).map(|(name, value)| (name.into(), value.into()));
        let fields: Vec<(String, String)> = query.chain(hint).chain([client]).collect();
        let nonce = CsrfToken::new_random_len(NONCE_BYTES).into_secret();
        let host = self.endpoint.host_str().unwrap_or_default();
        let page = SignOutPage { host, method, action: self.endpoint.as_str(), fields: &fields, nonce: &nonce };
        match page.render() {
            Ok(html) => visit.form_page(self.endpoint, &nonce, html),
            Err(_) => false,
        }
    }
}
