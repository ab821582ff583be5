//! How a sign-in would go in this session, and where its response would arrive.

use super::line::Line;
use crate::exec_credential::ExecInfo;
use crate::kubeconfig::login_command;
use crate::oidc::Examination;
use crate::settings::Settings;
use crate::sign_in::{Verdict, flows_here, try_listener};

/// The flows that would be tried; `None` if the provider, which decides too, cannot be used.
pub fn here(settings: &Settings, exec_info: &ExecInfo, found: Option<&Examination>) -> Option<Verdict> {
    let offers_device = found?.provider.metadata.device_endpoint().is_some();
    Some(flows_here(settings, exec_info, offers_device))
}

/// Which flow that is, and why.
pub fn check(settings: &Settings, verdict: Option<&Verdict>) -> Line {
    if let Some(Err(error)) = settings.flow.map(|flow| settings.session_rules.require_flow(flow)) {
        return Line::of("flow", &error);
    }
    let Some(verdict) = verdict else {
        return Line::warning("flow", "it depends on the provider, which cannot be used", "see the line 'provider'");
    };
    match (verdict.flows.is_empty(), verdict.is_nobody_there) {
        (false, _) => Line::ok("flow", verdict.to_string()),
        (true, true) => Line::warning(
            "flow",
            verdict.to_string(),
            format!(
                "run {} in a terminal; if a person reads the output of this job, set --flow=device",
                login_command()
            ),
        ),
        (true, false) => {
            Line::error("flow", verdict.to_string(), "ask your administrator for another flow ('allowed_flows')")
        }
    }
}

/// Whether the listener for the browser's response can be bound.
pub fn listener(settings: &Settings) -> Line {
    match try_listener(settings) {
        Ok(redirect_uri) => Line::ok("listener", format!("the redirect URI would be {redirect_uri}")),
        Err(error) => Line::of("listener", &error),
    }
}
