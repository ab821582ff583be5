//! What a sign-in would find here, without signing in.

use super::choice::{Verdict, choose};
use super::launcher;
use super::loopback::Loopback;
use super::pages;
use super::session::Session;
use crate::error::Result;
use crate::event_loop;
use crate::exec_credential::ExecInfo;
use crate::settings::Settings;

pub use pages::Override;

/// The flows that would be tried in this session, and why.
pub fn flows_here(settings: &Settings, exec_info: &ExecInfo, offers_device: bool) -> Verdict {
    let session = Session::now(settings, exec_info);
    choose(settings.flow, &session, offers_device, |flow| settings.session_rules.allows_flow(flow))
}

/// Binds the listener and closes it again; returns its redirect URI.
///
/// # Errors
/// As at a sign-in, if no address is free.
pub fn try_listener(settings: &Settings) -> Result<String> {
    event_loop::run(async { Ok(Loopback::bind(&settings.loopback_addresses).await?.redirect_uri) })
}

/// The programs that would be asked to open the browser, in this order; empty where the system does it.
///
/// # Errors
/// Why there is none, in words.
pub fn launchers(settings: &Settings) -> std::result::Result<Vec<String>, String> {
    launcher::programs(&settings.opener)
}

/// The templates that replace built-in pages, each rendered.
pub fn overrides(settings: &Settings) -> Vec<Override> {
    pages::overrides(settings)
}
