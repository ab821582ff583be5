//! The grants of programs: tokens for the client itself, without a person.

use super::access_token;
use super::refusal::Asked;
use super::token_endpoint::{Failure, ask};
use super::verify::{Expected, accept};
use super::{Person, Provider};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::Settings;
use crate::token::TokenSet;

/// RFC 6749 §4.4.2.
const CLIENT_CREDENTIALS: &str = "client_credentials";

/// Requests the tokens of a program. The access token is used, or where that was chosen the ID token, which is verified.
///
/// # Errors
/// [`ErrorKind::Usage`] if the settings lack what proves who the program is; [`ErrorKind::SignIn`] if the provider refuses, or
/// its response cannot be used; [`ErrorKind::Unreachable`] if it does not respond.
pub async fn tokens(provider: &Provider, settings: &Settings) -> Result<(TokenSet, Person)> {
    if provider.client_secret.is_none() && provider.client_key.is_none() {
        return Err(Error::new(ErrorKind::Usage, "--flow=client-credentials needs a client secret or a client key")
            .hint("give --client-secret-file or --client-key"));
    }
    let default = || if settings.use_access_token { Vec::new() } else { vec!["openid".to_owned()] };
    let scopes = settings.scopes.clone().unwrap_or_else(default);
    let scope = scopes.join(" ");
    let mut grant = vec![("grant_type", CLIENT_CREDENTIALS)];
    grant.extend((!scope.is_empty()).then_some(("scope", &*scope)));
    grant.extend(settings.request.others.iter().map(|(name, value)| (&**name, &**value)));
    let asked = Asked::new(settings, scopes).with_grant(CLIENT_CREDENTIALS);
    let response = ask(provider, settings, &grant, || {}).await.map_err(|failure| match failure {
        Failure::Trouble(error) | Failure::Unusable(error, _) => error,
        Failure::OAuth(error) | Failure::Gone(error) => {
            error.into_error(ErrorKind::SignIn, "refused the client", &asked)
        }
    })?;
    if settings.use_access_token {
        let name = settings.client_id.as_str().to_owned();
        return Ok((access_token::tokens(settings, &response, None)?, Person { name, ..Person::default() }));
    }
    let (tokens, person) = accept(provider, settings, &response, Expected::Machine).await?;
    // RFC 6749 §4.4.3: there should be no refresh token, and none is needed.
    Ok((TokenSet { session: None, ..tokens }, person))
}
