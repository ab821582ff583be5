//! The refresh: new tokens without the user (RFC 6749 §6, OpenID Connect Core §12).

use chrono::Utc;

use super::Provider;
use super::access_token;
use super::doubt::Doubt;
use super::key_set::KeySet;
use super::refusal::Asked;
use super::token_endpoint::{Failure, TokenResponse, ask};
use super::verify::{Expected, verify};
use crate::error::{Error, ErrorKind, Result};
use crate::log;
use crate::printable;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::token::{Session, TokenSet};

/// Error codes that are about the client or the moment, not about this user's session: a new sign-in would meet them,
/// too. Every other code ends the session, whatever it is: a user must never be stranded.
const NOT_ABOUT_THE_SESSION: [&str; 4] =
    ["invalid_client", "unauthorized_client", "temporarily_unavailable", "slow_down"];

/// The result of a refresh.
pub struct Refreshed {
    /// The session with the new refresh token, if the old one was replaced and is spent.
    pub rotated: Option<Session>,
    /// The rest of the result.
    pub outcome: Outcome,
}

/// The result of a refresh, beside the refresh token.
pub enum Outcome {
    /// A verified ID token.
    Tokens(TokenSet),
    /// An ID token that newer keys may verify, see [`verify_anew`], and why the known ones did not.
    Unverified(TokenResponse, String),
    /// Nothing that can be used while this machine's clock is wrong. A new sign-in would not help.
    WrongClock(Error),
    /// No ID token, as OpenID Connect Core §12.2 allows. The user must sign in again.
    NoIdToken(String),
    /// The endpoint does not exist (any more), in the provider's words. Nothing was spent.
    EndpointGone(String),
    /// The session is over, for this reason. The user must sign in again.
    SessionOver(String),
}

/// Requests new tokens with the refresh token of `session`, and verifies them with `keys`. `on_sent` is called right before
/// the refresh token is sent: from then on nothing may interrupt.
///
/// # Errors
/// [`ErrorKind::Unreachable`] if the provider does not respond or has a problem, [`ErrorKind::Failed`] if it refuses the
/// client: the refresh token is as good as before.
pub async fn refresh(
    provider: &Provider,
    keys: &KeySet,
    settings: &Settings,
    session: &Session,
    on_sent: impl Fn() + Clone + Send + Sync + 'static,
) -> Result<Refreshed> {
    printable::hide(session.refresh_token.expose());
    let refreshed = try_refresh(provider, keys, settings, session, on_sent).await;
    log::debug(format_args!("refresh: {}", in_words(&refreshed)));
    refreshed
}

/// Verifies an ID token with the current keys of the provider.
///
/// # Errors
/// [`ErrorKind::Unreachable`] and [`ErrorKind::Failed`] if they cannot be fetched.
pub async fn verify_anew(
    provider: &Provider,
    settings: &Settings,
    response: &TokenResponse,
    session: &Session,
) -> Result<Outcome> {
    let keys = provider.refetch_keys().await?;
    Ok(match verify(provider, &keys, settings, response, Expected::Session(session)) {
        Ok((tokens, _)) => Outcome::Tokens(with_session(tokens, session)),
        Err(Doubt::Clock(why)) => Outcome::WrongClock(why),
        Err(Doubt::Key(why) | Doubt::Other(why)) => Outcome::SessionOver(why.to_string()),
    })
}

fn in_words(refreshed: &Result<Refreshed>) -> String {
    let Refreshed { rotated, outcome } = match refreshed {
        Ok(refreshed) => refreshed,
        Err(why) => return format!("failed ({why})"),
    };
    let which = if rotated.is_some() { "another" } else { "the same" };
    match outcome {
        Outcome::Tokens(_) => format!("new tokens, with {which} refresh token"),
        Outcome::Unverified(..) => format!("an ID token that needs newer keys, with {which} refresh token"),
        Outcome::WrongClock(why) => format!("the clock is wrong ({why})"),
        Outcome::NoIdToken(why) => format!("no ID token ({why}), with {which} refresh token"),
        Outcome::EndpointGone(why) => format!("there is no such endpoint ({why})"),
        Outcome::SessionOver(why) => format!("the session is over ({why})"),
    }
}

async fn try_refresh(
    provider: &Provider,
    keys: &KeySet,
    settings: &Settings,
    session: &Session,
    on_sent: impl Fn() + Clone + Send + Sync + 'static,
) -> Result<Refreshed> {
    let nothing = |outcome| Ok(Refreshed { rotated: None, outcome });
    if let Some(why) = settings.session_rules.why_over(session, Utc::now()) {
        return nothing(Outcome::SessionOver(why));
    }
    let grant = [("grant_type", "refresh_token"), ("refresh_token", session.refresh_token.expose())];
    let response = match ask(provider, settings, &grant, on_sent).await {
        Ok(response) => response,
        // The old one is spent, even if the tokens that came with the new one cannot be used.
        Err(Failure::Unusable(why, refresh_token)) => {
            let rotated = rotated(session, refresh_token);
            return Ok(Refreshed { rotated, outcome: Outcome::SessionOver(why.to_string()) });
        }
        Err(failure) => return nothing(without_tokens(failure, &Asked::new(settings, Vec::new()))?),
    };
    let rotated = rotated(session, response.refresh_token.clone());
    let outcome = match check(provider, keys, settings, &response, session) {
        Ok(tokens) => Outcome::Tokens(with_session(tokens, rotated.as_ref().unwrap_or(session))),
        Err(Doubt::Key(why)) => Outcome::Unverified(response, why.to_string()),
        Err(Doubt::Clock(why)) => Outcome::WrongClock(why),
        Err(Doubt::Other(why)) if response.id_token.is_none() => Outcome::NoIdToken(why.to_string()),
        // A rejected ID token: only a new sign-in can give a better one.
        Err(Doubt::Other(why)) => Outcome::SessionOver(why.to_string()),
    };
    Ok(Refreshed { rotated, outcome })
}

/// OpenID Connect Core §12.2: there may be no ID token, and where the cluster gets the access token none is needed.
fn check(
    provider: &Provider,
    keys: &KeySet,
    settings: &Settings,
    response: &TokenResponse,
    session: &Session,
) -> std::result::Result<TokenSet, Doubt> {
    match &response.id_token {
        None if settings.use_access_token => access_token::tokens(settings, response, Some(session.signed_in_at)),
        _ => verify(provider, keys, settings, response, Expected::Session(session)).map(|(tokens, _)| tokens),
    }
}

/// The session with a new refresh token, if it is another one.
fn rotated(session: &Session, new: Option<Secret>) -> Option<Session> {
    let refresh_token = new.filter(|new| *new != session.refresh_token)?;
    Some(Session { refresh_token, rotations: session.rotations.saturating_add(1), ..session.clone() })
}

/// What a failure means for the session.
fn without_tokens(failure: Failure, asked: &Asked) -> Result<Outcome> {
    match failure {
        Failure::Trouble(error) => Err(error),
        Failure::OAuth(error) if NOT_ABOUT_THE_SESSION.contains(&&*error.code) || error.is_about_client(asked) => {
            Err(error.into_error(ErrorKind::Failed, "refused the refresh", asked))
        }
        Failure::OAuth(error) => Ok(Outcome::SessionOver(error.to_string())),
        Failure::Gone(error) => Ok(Outcome::EndpointGone(error.to_string())),
        // Tokens that cannot be used; only a new sign-in can give better ones.
        Failure::Unusable(error, _) => Ok(Outcome::SessionOver(error.to_string())),
    }
}

fn with_session(tokens: TokenSet, session: &Session) -> TokenSet {
    TokenSet { session: Some(session.clone()), ..tokens }
}

#[cfg(test)]
mod tests {
    use openidconnect::HttpResponse;
    use reqwest::StatusCode;
    use url::Url;

    use super::super::http::refuse_trouble;
    use super::super::redirect;
    use super::super::token_endpoint::read;
    use super::*;

    /// Bodies without an OAuth error.
    const NO_REASON: [&str; 15] = [
        "",
        " ",
        "Bad Request",
        "<html><body>no</body></html>",
        "{}",
        "[]",
        "null",
        r#"{"message":"no"}"#,
        r#"{"error":""}"#,
        r#"{"error":null}"#,
        r#"{"error":{"code":7}}"#,
        "\u{feff}{",
        r#"{"detail":"Not Found"}"#,
        r#"{"error":7,"message":"no Route matched with those values"}"#,
        r#"{"type":"about:blank","title":"Nope"}"#,
    ];

    /// The result of a response to a refresh.
    fn outcome(status: u16, body: &str) -> &'static str {
        let mut answer = HttpResponse::new(body.into());
        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        let url = Url::parse("https://login.example.com/token").unwrap();
        if refuse_trouble(&url, answer.status()).is_err() || redirect::refuse(&url, &answer).is_err() {
            return "trouble";
        }
        match read(&url, &answer, &["Bearer"]).map_err(|failure| without_tokens(failure, &Asked::default())) {
            Ok(_) => "tokens",
            Err(Ok(Outcome::SessionOver(_))) => "sign-in",
            Err(Ok(Outcome::EndpointGone(_))) => "gone",
            Err(Ok(_)) => "something else",
            Err(Err(error)) if error.kind() == ErrorKind::Unreachable => "trouble",
            Err(Err(_)) => "refused client",
        }
    }

    #[test]
    fn every_status_with_every_kind_of_body_is_trouble_a_sign_in_or_a_refused_client() {
        for status in 300..600 {
            let is_trouble = !(400..500).contains(&status) || [408, 425, 429].contains(&status);
            let or_trouble = |expected| if is_trouble { "trouble" } else { expected };
            let without_reason = or_trouble(if [404, 405, 410].contains(&status) { "gone" } else { "sign-in" });
            for body in NO_REASON {
                assert_eq!(outcome(status, body), without_reason, "{status}: {body}");
            }
            for (code, expected) in [
                ("invalid_grant", "sign-in"),
                ("interaction_required", "sign-in"),
                ("a_code_of_their_own", "sign-in"),
                ("E0000011", "sign-in"),
                ("a code of their own", if [404, 405, 410].contains(&status) { "gone" } else { "sign-in" }),
                ("invalid_client", "refused client"),
                ("unauthorized_client", "refused client"),
                ("slow_down", "refused client"),
            ] {
                let body = format!(r#"{{"error":"{code}","error_description":"why"}}"#);
                assert_eq!(outcome(status, &body), or_trouble(expected), "{status}: {body}");
            }
        }
    }

    #[test]
    fn what_a_framework_says_where_there_is_no_endpoint_is_not_a_refusal() {
        for (status, error, expected) in [
            (404, "Not Found", "gone"),
            (404, "not_found", "gone"),
            (404, "HTTP 404 Not Found", "gone"),
            (404, "RESTEASY003210: Could not find resource", "gone"),
            (405, "Method Not Allowed", "gone"),
            (410, "Gone", "gone"),
            (404, "invalid_grant", "sign-in"),
            (400, "Bad Request", "sign-in"),
            (401, "Unauthorized", "sign-in"),
            (403, "Forbidden", "sign-in"),
        ] {
            let body = format!(r#"{{"error":"{error}","status":{status},"path":"/token"}}"#);
            assert_eq!(outcome(status, &body), expected, "{body}");
        }
    }

    #[test]
    fn a_secret_that_is_missing_is_about_the_client() {
        for (error, description, expected) in [
            ("invalid_request", "client_secret is missing.", "refused client"),
            ("invalid_request", "AADSTS7000218: The request body must contain a secret", "refused client"),
            ("invalid_request", "refresh_token is missing", "sign-in"),
            ("invalid_grant", "AADSTS70008: the refresh token has expired", "sign-in"),
        ] {
            let body = format!(r#"{{"error":"{error}","error_description":"{description}"}}"#);
            assert_eq!(outcome(400, &body), expected, "{body}");
        }
    }

    #[test]
    fn an_answer_without_a_refusal_that_cannot_be_read_is_trouble() {
        for body in ["", "OK", "<p>the airport's wireless</p>", "[]"] {
            assert_eq!(outcome(200, body), "trouble", "{body}");
        }
    }
}
