//! The checks of an ID token: OpenID Connect Core §3.1.3.7, and §12.2 for a refreshed one.

use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::Nonce;

use super::Provider;
use super::access_token;
use super::authentication::{check_max_age, check_unchanged, remarks};
use super::doubt::Doubt;
use super::id_token::{Claims, Jwt, Person};
use super::key_set::{KeyError, KeySet};
use super::token_endpoint::TokenResponse;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::settings::Settings;
use crate::terminal;
use crate::token::{IdToken, Session, TokenSet};

/// How far the provider's clock may be ahead of ours.
const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// What ties the ID token to the request.
#[derive(Clone, Copy, Debug)]
pub enum Expected<'a> {
    /// It belongs to the authorization request with this nonce, which was made at this time.
    Nonce(&'a Nonce, DateTime<Utc>),
    /// It was requested with a device code of this time, which has no nonce (RFC 8628).
    DeviceCode(DateTime<Utc>),
    /// A program requested it for itself, without a nonce.
    Machine,
    /// It was refreshed, and has this session's subject. A nonce is not expected then.
    Session(&'a Session),
}

/// Why an ID token was rejected, before that becomes a [`Doubt`].
enum Reason {
    Key(String),
    /// It has expired.
    Expired(String),
    /// It is not valid yet.
    Ahead(String),
    /// The policy does not accept how the user was authenticated.
    Policy(String),
    Other(String),
}

/// Verifies the ID token of a token response, if necessary with newer keys than the known ones.
///
/// # Errors
/// [`ErrorKind::SignIn`] if there is none or it is rejected; [`ErrorKind::Unreachable`] if the keys must be fetched and
/// cannot be.
pub async fn accept(
    provider: &Provider,
    settings: &Settings,
    response: &TokenResponse,
    expected: Expected<'_>,
) -> Result<(TokenSet, Person)> {
    let (tokens, claims) = match verify(provider, &provider.keys().await?, settings, response, expected) {
        Err(Doubt::Key(_)) => verify(provider, &provider.refetch_keys().await?, settings, response, expected)?,
        verified => verified?,
    };
    for remark in remarks(&claims, &tokens.id_token.jwt, settings) {
        terminal::warning(&remark);
    }
    Ok((tokens, claims.person()))
}

/// Verifies the ID token of a token response with these keys, without any request.
///
/// # Errors
/// Why it was rejected, as [`ErrorKind::SignIn`].
pub fn verify(
    provider: &Provider,
    keys: &KeySet,
    settings: &Settings,
    response: &TokenResponse,
    expected: Expected<'_>,
) -> std::result::Result<(TokenSet, Claims), Doubt> {
    let id_token = response.id_token.as_ref().ok_or_else(|| {
        let error = Error::new(ErrorKind::SignIn, "the provider's token response has no ID token");
        Doubt::Other(error.hint("the client may not be registered for OpenID Connect: ask your administrator"))
    })?;
    let now = Utc::now();
    let check = || {
        let jwt = Jwt::parse(id_token.expose()).map_err(Reason::Other)?;
        let claims = jwt.claims(keys)?;
        check_purpose(&claims, provider.metadata.issuer.as_str(), settings.client_id.as_str(), expected)?;
        check_times(&claims, now)?;
        check_access_token(&jwt, &claims, response)?;
        check_authentication(&claims, settings, expected, now)?;
        Ok(claims)
    };
    let claims = check().map_err(|reason| doubt(reason, response, now))?;
    let signed_in_at = match expected {
        Expected::Nonce(..) | Expected::DeviceCode(_) | Expected::Machine => now,
        Expected::Session(session) => session.signed_in_at,
    };
    let session = |refresh_token: &Secret| Session {
        refresh_token: refresh_token.clone(),
        subject: claims.sub.clone(),
        signed_in_at,
        rotations: 0,
        // Needed only where it is checked: a keyring item is small.
        auth_time: settings.request.max_age.and(claims.auth_time()).map(|time| time.timestamp()),
    };
    let rules = &settings.session_rules;
    let refresh_token = response.refresh_token.as_ref().filter(|_| rules.allow_refresh());
    let (jwt, expires_at) = match settings.use_access_token {
        true => access_token::read(settings, response, now)?,
        false => (id_token.clone(), claims.exp),
    };
    let id_token = IdToken { jwt, issued_at: now, signed_in_at, expires_at };
    let tokens = TokenSet { id_token: rules.cap(id_token), session: refresh_token.map(session) };
    Ok((tokens, claims))
}

/// Checks the issuer, the subject, the audience and the nonce (steps 2 to 5 and 11).
fn check_purpose(
    claims: &Claims,
    issuer: &str,
    client_id: &str,
    expected: Expected<'_>,
) -> std::result::Result<(), Reason> {
    let refuse = |why: String| Err(Reason::Other(why));
    if claims.iss != issuer {
        return refuse(format!("its issuer is '{}' and not '{issuer}'", claims.iss));
    }
    if claims.sub.is_empty() {
        return refuse("its subject ('sub') is empty".into());
    }
    if !claims.aud.iter().any(|audience| audience == client_id) {
        return refuse(format!("its audience is '{}' and not '{client_id}'", claims.aud.join("', '")));
    }
    match &claims.azp {
        Some(party) if party != client_id => {
            return refuse(format!("it was issued to '{party}' ('azp') and not to '{client_id}'"));
        }
        None if claims.aud.iter().any(|audience| audience != client_id) => {
            let audiences = claims.aud.join("', '");
            return refuse(format!("its audience is '{audiences}', but it does not say to whom it was issued ('azp')"));
        }
        _ => {}
    }
    match expected {
        Expected::Nonce(nonce, _) if claims.nonce.as_ref() != Some(nonce.secret()) => {
            refuse("it belongs to another sign-in (its nonce is missing or wrong)".into())
        }
        Expected::Session(session) if claims.sub != session.subject => {
            refuse(format!("its subject is '{}', but that of the session is '{}'", claims.sub, session.subject))
        }
        _ => Ok(()),
    }
}

/// Steps 9 and 10, and RFC 7519 §4.1.5.
fn check_times(claims: &Claims, now: DateTime<Utc>) -> std::result::Result<(), Reason> {
    if claims.exp <= now {
        return Err(Reason::Expired(format!("it expired at {}, before it arrived", claims.exp)));
    }
    let begins = claims.nbf.map_or(claims.iat, |nbf| nbf.max(claims.iat));
    if begins - now > LEEWAY {
        return Err(Reason::Ahead(format!("it is valid from {begins}, {} s from now", (begins - now).num_seconds())));
    }
    Ok(())
}

/// Steps 12 and 13, and §12.2.
fn check_authentication(
    claims: &Claims,
    settings: &Settings,
    expected: Expected<'_>,
    now: DateTime<Utc>,
) -> std::result::Result<(), Reason> {
    let checked = match (expected, settings.request.max_age) {
        (Expected::Session(session), _) => check_unchanged(claims, session.auth_time),
        (Expected::Nonce(_, asked_at) | Expected::DeviceCode(asked_at), Some(max_age)) => {
            check_max_age(claims, max_age, asked_at, now)
        }
        _ => Ok(()),
    };
    checked.map_err(Reason::Other)?;
    settings.session_rules.why_not_acr(claims.acr()).map_or(Ok(()), |why| Err(Reason::Policy(why)))
}

/// §3.1.3.8: the ID token and the access token belong together.
fn check_access_token(jwt: &Jwt<'_>, claims: &Claims, response: &TokenResponse) -> std::result::Result<(), Reason> {
    let Some(at_hash) = &claims.at_hash else { return Ok(()) };
    match response.access_token.as_ref().map(|token| jwt.algorithm.half_hash(token.expose())) {
        Some(hash) if hash == *at_hash => Ok(()),
        _ => Err(Reason::Other("its at_hash does not match the access token".into())),
    }
}

impl From<KeyError> for Reason {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Unknown(why) => Self::Key(why),
            KeyError::Unusable(why) => Self::Other(why),
        }
    }
}

fn doubt(reason: Reason, response: &TokenResponse, now: DateTime<Utc>) -> Doubt {
    let (Reason::Key(why) | Reason::Expired(why) | Reason::Ahead(why) | Reason::Policy(why) | Reason::Other(why)) =
        &reason;
    let message = format!("the provider's ID token was rejected: {why}");
    let skew = response.date.map(|date| now - date);
    let is_skewed = skew.is_some_and(|skew| skew.abs() > LEEWAY);
    let error = match reason {
        Reason::Expired(_) | Reason::Ahead(_) => clock_error(message, skew.filter(|_| is_skewed)),
        Reason::Policy(_) => Error::new(ErrorKind::Policy, message).hint(
            "sign in with the method that your administrator requires, or ask your administrator ('required_acr')",
        ),
        Reason::Key(_) | Reason::Other(_) => Error::new(ErrorKind::SignIn, message)
            .hint("the configuration of the provider or of this client is wrong: tell your administrator"),
    };
    match reason {
        Reason::Key(_) => Doubt::Key(error),
        // The clocks agree, so the provider sent an old token, and may send a better one.
        Reason::Expired(_) if skew.is_some() && !is_skewed => Doubt::Other(error),
        Reason::Expired(_) | Reason::Ahead(_) => Doubt::Clock(error),
        Reason::Policy(_) | Reason::Other(_) => Doubt::Other(error),
    }
}

fn clock_error(message: String, skew: Option<TimeDelta>) -> Error {
    let Some(skew) = skew else {
        return Error::new(ErrorKind::SignIn, message).hint("compare this machine's clock with the real time");
    };
    let direction = if skew > TimeDelta::zero() { "ahead of" } else { "behind" };
    let seconds = skew.abs().num_seconds();
    let message = format!("{message}; this machine's clock is {seconds} s {direction} the provider's");
    Error::new(ErrorKind::SignIn, message).hint("set this machine's clock, and run the command again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_in_a_token_is_too_much() {
        let numbers =
            ["-1e300", "-8334601228800", "-1", "0", "1.8e9", "8210266876799", "8210266876800", "1e300", "null"];
        let clocks = [0, 1_799_999_999, 253_370_764_799].map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap());
        let mut accepted = 0;
        for exp in numbers {
            for [iat, nbf] in numbers.iter().flat_map(|iat| numbers.map(|nbf| [iat, nbf])) {
                let json = format!(r#"{{"iss":"i","sub":"s","aud":"a","exp":{exp},"iat":{iat},"nbf":{nbf}}}"#);
                let Ok(claims) = serde_json::from_str::<Claims>(&json) else { continue };
                for now in clocks {
                    let checked = check_times(&claims, now);
                    let is_current =
                        claims.exp > now && claims.iat.max(claims.nbf.unwrap_or(claims.iat)) <= now + LEEWAY;
                    assert_eq!(checked.is_ok(), is_current, "{json} at {now}");
                    accepted += usize::from(is_current);
                }
            }
        }
        assert!(accepted > 0);
    }
}
