//! The access token, where the cluster gets it instead of the ID token. It is for the cluster (RFC 6749 §1.4), which verifies
//! it: kubekey trusts it because the token endpoint sent it, and reads only when it expires.

use chrono::{DateTime, TimeDelta, Utc};

use super::doubt::Doubt;
use super::token_endpoint::TokenResponse;
use crate::error::{Error, ErrorKind};
use crate::log;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::token::{self, IdToken, TokenSet};

/// How long one is used that does not say when it expires: RFC 6749 §5.1 only recommends `expires_in`.
const LIFETIME: TimeDelta = TimeDelta::minutes(5);

/// The access token of a response that came at `now`, and when it expires: its `exp`, read and not verified (RFC 9068 §2.2),
/// else `expires_in`.
///
/// # Errors
/// [`Doubt::Other`] if there is none; [`Doubt::Clock`] if it has expired.
pub(super) fn read(
    settings: &Settings,
    response: &TokenResponse,
    now: DateTime<Utc>,
) -> Result<(Secret, DateTime<Utc>), Doubt> {
    let token = response.access_token.as_ref().ok_or_else(|| {
        let error = Error::new(ErrorKind::SignIn, "the provider's token response has no access token").hint(
            match settings.is_machine() {
                true => "set --use-access-token=false for an ID token, or ask your administrator which scope gives one",
                false => "leave --use-access-token out, or ask your administrator which scope or resource gives one",
            },
        );
        Doubt::Other(error)
    })?;
    // RFC 6750 §2.1: a header field and a terminal get it as it is.
    if !token.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
        let error =
            Error::new(ErrorKind::SignIn, "the provider's access token is not a word of visible ASCII characters")
                .hint("the provider is at fault: tell its administrator");
        return Err(Doubt::Other(error));
    }
    let claims = token::objects(token.expose()).map(|(_, claims)| claims);
    let exp = claims.as_ref().and_then(|claims| DateTime::from_timestamp(claims.get("exp")?.as_f64()? as i64, 0));
    // Some providers say 0 where there is no limit.
    let after =
        response.expires_in.filter(|seconds| *seconds > 0.0).and_then(|seconds| TimeDelta::try_seconds(seconds as i64));
    let (expires_at, why) = match (exp, after.and_then(|after| now.checked_add_signed(after))) {
        (Some(exp), _) => (exp, "by its 'exp'"),
        (None, Some(end)) => (end, "by 'expires_in'"),
        (None, None) => (now + LIFETIME, "as it does not say when"),
    };
    let form = if claims.is_some() { "a JWT that is not verified here" } else { "opaque" };
    log::debug(format_args!("access token: {form}; it expires at {expires_at}, {why}"));
    match expires_at > now {
        true => Ok((token.clone(), expires_at)),
        false => {
            let message = format!("the provider's access token expired at {expires_at}, before it arrived");
            let error = Error::new(ErrorKind::SignIn, message).hint("compare this machine's clock with the real time");
            Err(Doubt::Clock(error))
        }
    }
}

/// The tokens of a response without an ID token. The user signed in at that time, or just now.
///
/// # Errors
/// As [`read`]; [`Doubt::Other`] if the policy requires an `acr`, which only an ID token has.
pub(super) fn tokens(
    settings: &Settings,
    response: &TokenResponse,
    signed_in_at: Option<DateTime<Utc>>,
) -> Result<TokenSet, Doubt> {
    let (rules, issued_at) = (&settings.session_rules, Utc::now());
    if let Some(why) = rules.why_not_acr(None) {
        let message = format!("the provider's response without an ID token was rejected: {why}");
        return Err(Doubt::Other(
            Error::new(ErrorKind::Policy, message).hint("ask your administrator ('required_acr')"),
        ));
    }
    let (jwt, expires_at) = read(settings, response, issued_at)?;
    let signed_in_at = signed_in_at.unwrap_or(issued_at);
    Ok(TokenSet { id_token: rules.cap(IdToken { jwt, issued_at, signed_in_at, expires_at }), session: None })
}

/// What the user should know of an access token that names another issuer. It is no error: Microsoft Entra issues such
/// tokens, and a cluster may trust that issuer.
pub(super) fn other_issuer(token: &Secret, settings: &Settings) -> Option<String> {
    let (_, claims) = token::objects(token.expose())?;
    let (theirs, own) = (claims.get("iss")?.as_str()?, settings.issuer_url.as_str());
    (theirs != own).then(|| {
        format!("the issuer of the access token is '{theirs}': a cluster that trusts only '{own}' does not accept it")
    })
}
