//! The grants of programs: tokens for the client itself, without a person.

use super::access_token;
use super::github;
use super::limits::Limits;
use super::refusal::Asked;
use super::token_endpoint::{ASSERTION_TYPE, Failure, ask};
use super::verify::{Expected, accept};
use super::{Person, Provider};
use crate::config::Flow;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::settings::{Settings, SubjectToken};
use crate::token::TokenSet;

/// RFC 6749 §4.4.2, RFC 8693 §2.1, RFC 7523 §2.1.
const CLIENT_CREDENTIALS: &str = "client_credentials";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The types of subject tokens (RFC 8693 §3).
const TYPE_JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const TYPE_ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

/// Requests the tokens of a program. The access token is used, or where that was chosen the ID token, which is verified. The
/// `limits` are for requests to others than the provider.
///
/// # Errors
/// [`ErrorKind::Usage`] if the settings lack what proves who the program is; [`ErrorKind::SignIn`] if the provider refuses, or
/// its response cannot be used; [`ErrorKind::Unreachable`] if it does not respond.
pub async fn tokens(provider: &Provider, settings: &Settings, limits: Limits) -> Result<(TokenSet, Person)> {
    let subject = match &settings.subject_token {
        Some(source) => Some(subject_token(source, settings, limits).await?),
        None => require_none(provider, settings).map(|()| None)?,
    };
    let default = || if settings.use_access_token { Vec::new() } else { vec!["openid".to_owned()] };
    let scopes = settings.scopes.clone().unwrap_or_else(default);
    let scope = scopes.join(" ");
    let (grant_type, mut grant) = grant(provider, settings, subject.as_ref());
    grant.extend((!scope.is_empty()).then_some(("scope", &*scope)));
    grant.extend(settings.request.others.iter().map(|(name, value)| (&**name, &**value)));
    let asked = Asked::new(settings, scopes).with_grant(grant_type);
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

/// The grant, and the parameters that only it has.
fn grant<'a>(
    provider: &Provider,
    settings: &'a Settings,
    subject: Option<&'a Secret>,
) -> (&'static str, Vec<(&'a str, &'a str)>) {
    let subject = subject.map(Secret::expose);
    let (name, mut own) = match settings.flow {
        Some(Flow::TokenExchange) => {
            (TOKEN_EXCHANGE, subject.map(|token| ("subject_token", token)).into_iter().collect())
        }
        Some(Flow::JwtBearer) => (JWT_BEARER, subject.map(|token| ("assertion", token)).into_iter().collect()),
        // RFC 7523 §2.2: the token of another issuer authenticates the client, instead of a key of its own.
        _ if provider.client_key.is_none() && provider.client_secret.is_none() => {
            let token = subject.map(|token| [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", token)]);
            (CLIENT_CREDENTIALS, token.into_iter().flatten().collect::<Vec<_>>())
        }
        _ => (CLIENT_CREDENTIALS, Vec::new()),
    };
    own.push(("grant_type", name));
    if name == TOKEN_EXCHANGE && settings.request.others.iter().all(|(name, _)| name != "subject_token_type") {
        let is_id_token = matches!(settings.subject_token, Some(SubjectToken::GitHub { .. }));
        own.push(("subject_token_type", if is_id_token { TYPE_ID_TOKEN } else { TYPE_JWT }));
    }
    (name, own)
}

/// The token to exchange, which may be another one each time.
async fn subject_token(source: &SubjectToken, settings: &Settings, limits: Limits) -> Result<Secret> {
    match (source.read()?, source) {
        (Some(token), _) => Ok(token),
        (None, SubjectToken::GitHub { audience, hosts }) => github::id_token(settings, audience, hosts, limits).await,
        (None, _) => Err(no_subject_token(settings)),
    }
}

/// Without a subject token, only a client with a secret or a key can do anything.
fn require_none(provider: &Provider, settings: &Settings) -> Result<()> {
    match settings.flow {
        Some(Flow::TokenExchange | Flow::JwtBearer) => Err(no_subject_token(settings)),
        _ if provider.client_secret.is_none() && provider.client_key.is_none() => {
            Err(Error::new(ErrorKind::Usage, "--flow=client-credentials needs a client secret or a client key").hint(
                "give --client-secret-file, --client-key, or a token of another issuer with --subject-token-file",
            ))
        }
        _ => Ok(()),
    }
}

fn no_subject_token(settings: &Settings) -> Error {
    let flow = settings.flow.map_or("", Flow::name);
    Error::new(ErrorKind::Usage, format!("--flow={flow} needs a subject token"))
        .hint("give --subject-token-file, --subject-token-variable, or in GitHub Actions --github-audience")
}
