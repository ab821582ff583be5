//! The sign-ins that the contexts of the kubeconfig use.

use super::context_run::{flags_of_user, is_taken};
use crate::config::Layers;
use crate::environment::{compared, variable};
use crate::error::Result;
use crate::exec_credential::ExecInfo;
use crate::kubeconfig::Context;
use crate::policy::Policy;
use crate::settings::Settings;
use crate::token_cache::TokenCache;

/// The storage of the sign-in that a context uses.
///
/// # Errors
/// If its settings cannot be used.
pub(super) fn cache_of(context: &Context<'_>, policy: &Policy) -> Result<Option<TokenCache>> {
    Ok(settings_of(context, policy)?.map(|settings| TokenCache::new(&settings)))
}

/// The settings of a context, as kubectl would run kubekey for it.
///
/// # Errors
/// If they cannot be used.
pub(super) fn settings_of(context: &Context<'_>, policy: &Policy) -> Result<Option<Settings>> {
    let Some(exec) = &context.exec else { return Ok(None) };
    let flags = flags_of_user(context)?;
    let of_user = |name: &str| {
        let same = exec.env.iter().find(|(own, _)| compared(own.as_ref()) == name && is_taken(name));
        same.map(|(_, value)| value.clone())
    };
    let environment = |name: &str| of_user(name).or_else(|| variable(name));
    let info = ExecInfo::parse(Some(&context.exec_info()))?;
    let layers = Layers::read(&flags, environment, info.cluster.as_ref())?;
    Settings::resolve(&layers.given, environment, policy).map(Some)
}
