//! Signing the user in: `choice` decides from the facts of `session` which flows fit, and they are tried in that order. The
//! parts of the flow in the browser know little of each other: the loopback listener serves HTTP, the gate decides which
//! requests are admitted, the pages are text, and only the reception that `browser` sets up knows that it waits for an
//! OAuth response.

mod announcement;
mod browser;
mod browser_process;
mod choice;
mod connections;
mod consent;
pub mod cool_down;
#[cfg(unix)]
mod desktop;
#[cfg(windows)]
#[path = "shell_execute.rs"]
mod desktop;
#[cfg(any(windows, test))]
mod desktop_session;
mod device;
mod examination;
mod failed_page;
mod gate;
mod html_position;
mod launcher;
mod local_tls;
mod loopback;
mod original_template;
mod pages;
mod paste;
mod patience;
mod peer;
mod preview;
mod reception;
mod session;
mod sign_out;
pub mod template;
mod visit;
#[cfg(target_os = "linux")]
mod wsl;

pub use announcement::announce_again;
pub use choice::Verdict;
#[cfg(windows)]
pub use desktop::open_for_parent;
pub use examination::{Override, flows_here, launchers, overrides, try_listener};
pub use pages::BUILT_IN_PAGES;
pub use preview::preview;
pub use sign_out::sign_out;

use std::time::Duration;

use tokio::time::timeout;

use choice::choose;
use local_tls::LocalTls;
use session::Session;

use crate::config::Flow;
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop;
use crate::exec_credential::ExecInfo;
use crate::kubeconfig::login_command;
use crate::log;
use crate::oidc::device::Declined;
use crate::oidc::{Limits, Person, Provider, machine_grant};
use crate::settings::Settings;
use crate::token::TokenSet;
use crate::token_cache::Lock;

/// Signs the user in, and returns who it is. `exec_info` tells whether the user can type, and for the page which cluster the
/// token is for. Runs that wait for `lock` learn our local URL once it is served.
///
/// # Errors
/// [`crate::error::ErrorKind::SignIn`] if the provider refuses or its response is rejected;
/// [`crate::error::ErrorKind::Unanswered`], [`crate::error::ErrorKind::Unseen`] or
/// [`crate::error::ErrorKind::Abandoned`] if the sign-in times out;
/// [`crate::error::ErrorKind::Unreachable`] if the provider does not respond; [`crate::error::ErrorKind::Policy`] if this
/// way to sign in is not allowed.
pub fn sign_in(settings: &Settings, exec_info: &ExecInfo, lock: &mut Lock) -> Result<(TokenSet, Person)> {
    let session = Session::now(&settings.opener, exec_info);
    require_any_flow(settings, &session)?;
    if settings.is_machine() {
        return sign_in_machine(settings, Limits::USUAL, Duration::MAX);
    }
    // Before anything is sent: what is wrong with its files, the user can mend at once.
    let local_server = settings.local_server.as_ref().filter(|_| matches!(settings.flow, None | Some(Flow::Browser)));
    let tls = local_server.map(LocalTls::new).transpose()?;
    event_loop::run(async {
        let mut provider = Provider::discover(settings, Limits::USUAL).await?;
        // With outdated endpoints the user would get an error page in the browser and no way back.
        provider.renew().await?;
        provider.fetch_keys_early();
        let verdict = verdict(&provider, settings, &session)?;
        let mut flows = verdict.flows.iter().peekable();
        while let Some(flow) = flows.next() {
            let result = match flow {
                // With paste beside it, where that is possible.
                Flow::Browser => return browser::sign_in(&provider, settings, exec_info, &verdict, lock, tls).await,
                Flow::Device => device::sign_in(&provider, settings, &verdict, lock).await,
                Flow::Paste => return paste::sign_in(&provider, settings, &verdict, lock).await,
                // For machines, see above.
                _ => continue,
            };
            match result {
                Err(Declined::Flow(why)) if flows.peek().is_some() => {
                    log::debug(format_args!("sign-in: the flow '{}' is not possible: {why}", flow.name()));
                }
                result => return Ok(result?),
            }
        }
        Err(nobody_there(&verdict))
    })
}

/// Signs a machine in: one request to the provider, without a person. The `limits` are for each request.
///
/// # Errors
/// As [`sign_in`], apart from those about the user.
pub fn sign_in_machine(settings: &Settings, limits: Limits, patience: Duration) -> Result<(TokenSet, Person)> {
    settings.flow.map_or(Ok(()), |flow| settings.session_rules.require_flow(flow))?;
    let work = async {
        let provider = Provider::discover(settings, limits).await?;
        machine_grant::tokens(&provider, settings, limits).await
    };
    event_loop::run(async { timeout(patience, work).await.unwrap_or_else(|_| Err(too_slow(patience))) })
}

/// Nothing to do about it: a run that has a token goes on with that.
fn too_slow(patience: Duration) -> Error {
    Error::new(ErrorKind::Unreachable, format!("the sign-in took more than {} s", patience.as_secs()))
}

/// Checks, before anything is sent, that the policy allows the flow that was chosen, or any.
fn require_any_flow(settings: &Settings, session: &Session) -> Result<()> {
    let rules = &settings.session_rules;
    match settings.flow {
        Some(flow) => rules.require_flow(flow),
        None if rules.allows_flow(Flow::Device) => Ok(()),
        None if rules.allows_flow(Flow::Paste) && session.can_type => Ok(()),
        None => rules.require_flow(Flow::Browser),
    }
}

/// What to try in this session, at least one flow.
fn verdict(provider: &Provider, settings: &Settings, session: &Session) -> Result<Verdict> {
    let rules = &settings.session_rules;
    let offers_device = provider.metadata.device_endpoint().is_some();
    let verdict = choose(settings.flow, session, offers_device, |flow| rules.allows_flow(flow));
    log::debug(format_args!("sign-in: the flow is {verdict}"));
    match verdict.flows.is_empty() {
        false => Ok(verdict),
        true if verdict.is_nobody_there => Err(nobody_there(&verdict)),
        // Those that are allowed are not possible here.
        true => rules.require_flow(Flow::Browser).map(|()| verdict),
    }
}

fn nobody_there(verdict: &Verdict) -> Error {
    let message = format!("a sign-in is needed, and nobody can be reached: {verdict}");
    Error::new(ErrorKind::SignIn, message)
        .hint(format!("run {} in a terminal; if a person reads the output of this job, set --flow=device; for a program, set --flow=client-credentials or --flow=token-exchange", login_command()))
}
