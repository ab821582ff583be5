//! Whether an ID token is to be believed: OpenID Connect Core §3.1.3.7, and §12.2 for a refreshed one.

use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::Nonce;

use super::Provider;
use super::id_token::{Claims, Jwt, Person};
use super::key_set::{KeyError, KeySet};
use super::token_endpoint::TokenResponse;
use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::token::{IdToken, Session, TokenSet};

/// How far the provider's clock may be ahead of ours.
const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// What ties the ID token to what was asked for.
#[derive(Clone, Copy, Debug)]
pub enum Expected<'a> {
    /// It answers the authorization request with this nonce.
    Nonce(&'a Nonce),
    /// It is a refreshed one, of this session's subject; there is no nonce to expect then.
    Session(&'a Session),
}

/// Why an ID token is not believed.
#[derive(Debug)]
enum Doubt {
    /// Newer keys of the provider's may dispel it.
    Key(String),
    /// A time in it does not fit our clock.
    Time(String),
    /// Anything else.
    Other(String),
}

/// Verifies the ID token of a token response.
///
/// # Errors
/// [`ErrorKind::SignIn`] if there is none or it is not to be believed; [`ErrorKind::Unreachable`] if the keys had to
/// be fetched and could not be.
pub async fn accept(
    provider: &Provider,
    settings: &Settings,
    response: &TokenResponse,
    expected: Expected<'_>,
) -> Result<(TokenSet, Person)> {
    let id_token = response.id_token.as_ref().ok_or_else(|| {
        Error::new(ErrorKind::SignIn, "the provider's token response has no ID token")
            .hint("the client may not be registered for OpenID Connect: ask your administrator")
    })?;
    let now = Utc::now();
    let jwt = Jwt::parse(id_token.expose()).map_err(|why| unbelievable(&Doubt::Other(why), response, now))?;
    let verify = |keys: &KeySet| {
        let claims = jwt.claims(keys)?;
        check_purpose(&claims, provider.metadata.issuer.as_str(), settings.client_id.as_str(), expected)?;
        check_times(&claims, now)?;
        check_access_token(&jwt, &claims, response)?;
        Ok(claims)
    };
    let claims = match verify(&provider.keys().await?) {
        Err(Doubt::Key(_)) => verify(&provider.refetch_keys().await?),
        verified => verified,
    };
    let claims = claims.map_err(|doubt| unbelievable(&doubt, response, now))?;
    let signed_in_at = match expected {
        Expected::Nonce(_) => now,
        Expected::Session(session) => session.signed_in_at,
    };
    let session = |refresh_token: &Secret| Session {
        refresh_token: refresh_token.clone(),
        subject: claims.sub.clone(),
        signed_in_at,
    };
    let rules = &settings.session_rules;
    let refresh_token = response.refresh_token.as_ref().filter(|_| rules.allow_refresh());
    let id_token = IdToken { jwt: id_token.clone(), issued_at: now, signed_in_at, expires_at: claims.exp };
    let tokens = TokenSet { id_token: rules.cap(id_token), session: refresh_token.map(session) };
    Ok((tokens, claims.person()))
}

/// Who issued the token, about whom and for whom, in answer to what (steps 2 to 5 and 11).
fn check_purpose(
    claims: &Claims,
    issuer: &str,
    client_id: &str,
    expected: Expected<'_>,
) -> std::result::Result<(), Doubt> {
    let refuse = |why: String| Err(Doubt::Other(why));
    if claims.iss != issuer {
        return refuse(format!("its issuer is '{}'", claims.iss));
    }
    if claims.sub.is_empty() {
        return refuse("its subject ('sub') is empty".into());
    }
    if !claims.aud.iter().any(|audience| audience == client_id) {
        return refuse(format!("it is for the audience '{}'", claims.aud.join("', '")));
    }
    match &claims.azp {
        Some(party) if party != client_id => return refuse(format!("it was issued to '{party}' ('azp')")),
        None if claims.aud.iter().any(|audience| audience != client_id) => {
            let audiences = claims.aud.join("', '");
            return refuse(format!("it is for '{audiences}' and does not say to whom it was issued ('azp')"));
        }
        _ => {}
    }
    match expected {
        Expected::Nonce(nonce) if claims.nonce.as_ref() != Some(nonce.secret()) => {
            refuse("it answers another sign-in (its nonce is missing or wrong)".into())
        }
        Expected::Session(session) if claims.sub != session.subject => {
            refuse(format!("it is about '{}', and the session is of '{}'", claims.sub, session.subject))
        }
        _ => Ok(()),
    }
}

/// Steps 9 and 10, and RFC 7519 §4.1.5.
fn check_times(claims: &Claims, now: DateTime<Utc>) -> std::result::Result<(), Doubt> {
    if claims.exp <= now {
        return Err(Doubt::Time(format!("it expired at {}, before it came", claims.exp)));
    }
    let begins = claims.nbf.map_or(claims.iat, |nbf| nbf.max(claims.iat));
    if begins > now + LEEWAY {
        return Err(Doubt::Time(format!(
            "it is valid from {begins}, which is {} s ahead",
            (begins - now).num_seconds()
        )));
    }
    Ok(())
}

/// §3.1.3.8: the ID token and the access token come from the same answer.
fn check_access_token(jwt: &Jwt<'_>, claims: &Claims, response: &TokenResponse) -> std::result::Result<(), Doubt> {
    let Some(at_hash) = &claims.at_hash else { return Ok(()) };
    match response.access_token.as_ref().map(|token| jwt.algorithm.half_hash(token.expose())) {
        Some(hash) if hash == *at_hash => Ok(()),
        _ => Err(Doubt::Other("its at_hash does not fit the access token".into())),
    }
}

impl From<KeyError> for Doubt {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Unknown(why) => Self::Key(why),
            KeyError::Unusable(why) => Self::Other(why),
        }
    }
}

fn unbelievable(doubt: &Doubt, response: &TokenResponse, now: DateTime<Utc>) -> Error {
    let (Doubt::Key(why) | Doubt::Time(why) | Doubt::Other(why)) = doubt;
    let message = format!("the provider's ID token is not to be believed: {why}");
    let hint = "the provider's or this client's configuration is wrong: tell your administrator";
    let skew = response.date.map_or(TimeDelta::zero(), |date| now - date);
    match doubt {
        Doubt::Time(_) if skew.abs() > LEEWAY => {
            let direction = if skew > TimeDelta::zero() { "ahead of" } else { "behind" };
            let seconds = skew.abs().num_seconds();
            Error::new(
                ErrorKind::SignIn,
                format!("{message}; this computer's clock is {seconds} s {direction} the provider's"),
            )
            .hint("set this computer's clock, and run the command again")
        }
        Doubt::Time(_) => {
            Error::new(ErrorKind::SignIn, message).hint("compare this computer's clock with the real time")
        }
        _ => Error::new(ErrorKind::SignIn, message).hint(hint),
    }
}
