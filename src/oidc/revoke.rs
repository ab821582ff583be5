//! The revocation of a refresh token (RFC 7009): the provider ends what the user no longer wants.

use super::Provider;
use super::body::refused;
use super::token_endpoint::authenticated;
use crate::error::{Error, ErrorKind, Result};
use crate::log;
use crate::printable;
use crate::settings::Settings;
use crate::token::Session;

/// Revokes the refresh token of `session`. Returns `false` if the provider has no endpoint for that.
///
/// # Errors
/// If the provider does not respond, or refuses.
pub async fn revoke(provider: &Provider, settings: &Settings, session: &Session) -> Result<bool> {
    let Some(url) = &provider.metadata.revocation_endpoint else { return Ok(false) };
    printable::hide(session.refresh_token.expose());
    let form = [("token", session.refresh_token.expose()), ("token_type_hint", "refresh_token")];
    let (headers, form) = authenticated(provider, settings, &form);
    let answer = provider.http.post_form(url, headers, form, || {}).await?;
    log::debug(format_args!("revocation: HTTP {}", answer.status()));
    // RFC 7009 §2.2: a token that is not known (any more) is no error.
    match answer.status().is_success() {
        true => Ok(true),
        false => Err(Error::new(ErrorKind::Failed, format!("{url} returned {}", refused(&answer)))),
    }
}
