//! What earlier sign-ins say about the next one: whether to ask the user for consent and, after a `kubekey logout`, for the
//! account.
//!
//! A provider that follows OpenID Connect Core §11 issues a refresh token only for a request with `prompt=consent`. With it,
//! others ask the user for consent each time, so it is sent only after a sign-in without it gave no refresh token.

use chrono::{Local, Utc};

use crate::credential_key::CredentialKey;
use crate::error::{self, Error, ErrorKind};
use crate::oidc::authorization::AuthorizationRequest;
use crate::oidc::{Person, Wishes};
use crate::settings::Settings;
use crate::state::{Consent, State};
use crate::token::TokenSet;
use crate::{local_time, terminal};

/// What the next sign-in of this credential should ask for.
pub fn wishes(settings: &Settings) -> Wishes {
    let state = State::load(&CredentialKey::new(settings));
    Wishes { consent: matches!(state.consent, Consent::Due | Consent::Helps), account_choice: state.is_signed_out }
}

/// Notes that the user could choose the account. A provider that refused to offer that is not asked again: the user could
/// never sign in.
fn note_account_choice(key: &CredentialKey, result: Result<(), ErrorKind>) {
    if matches!(result, Ok(()) | Err(ErrorKind::SignIn)) {
        State::update(key, |state| state.is_signed_out = false);
    }
}

/// Notes the result of a sign-in, for which a refresh token or also consent may have been asked, and reports once that it gave no refresh token.
pub fn note(
    settings: &Settings,
    (asks_offline_access, asks_consent): (bool, bool),
    tokens: Result<&TokenSet, ErrorKind>,
) {
    let key = CredentialKey::new(settings);
    note_account_choice(&key, tokens.map(drop));
    if !asks_offline_access {
        return;
    }
    let before = State::load(&key).consent;
    let after = after(before, asks_consent, tokens.map(|tokens| tokens.session.is_some()));
    if before == Consent::Unknown
        && after != Consent::Unknown
        && let Ok(tokens) = tokens
    {
        say(tokens);
    }
    State::update(&key, |state| state.consent = after);
}

/// The same for the result of an authorization request.
pub fn note_answer(settings: &Settings, request: &AuthorizationRequest, result: &error::Result<(TokenSet, Person)>) {
    let tokens = result.as_ref().map(|(tokens, _)| tokens).map_err(Error::kind);
    note(settings, (request.asks_offline_access, request.asks_consent), tokens);
}

/// What is known after a sign-in, depending on whether it asked for consent and whether it gave a refresh token or failed.
fn after(before: Consent, asked: bool, has_session: Result<bool, ErrorKind>) -> Consent {
    match (has_session, asked, before) {
        (Ok(true), true, Consent::Due | Consent::Helps) => Consent::Helps,
        (Ok(true), ..) => Consent::Unknown,
        (Ok(false), true, _) => Consent::Useless,
        (Ok(false), false, Consent::Unknown) => Consent::Due,
        // The provider refuses to ask for consent, or the user refuses it.
        (Err(ErrorKind::SignIn), true, Consent::Due) => Consent::Useless,
        _ => before,
    }
}

fn say(tokens: &TokenSet) {
    let end = tokens.id_token.expires_at;
    let is_today = end.with_timezone(&Local).date_naive() == Utc::now().with_timezone(&Local).date_naive();
    let end = local_time::format(end, if is_today { "%H:%M" } else { "%Y-%m-%d %H:%M" });
    terminal::notice(&format!("this provider issued no refresh token, so you must sign in again at {end}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consent_is_asked_for_once_and_again_only_if_it_helps() {
        use Consent::{Due, Helps, Unknown, Useless};
        for (before, asked, result, expected) in [
            (Unknown, false, Ok(true), Unknown),
            (Unknown, false, Ok(false), Due),
            (Unknown, true, Ok(false), Useless),
            (Unknown, true, Ok(true), Unknown),
            (Unknown, false, Err(ErrorKind::SignIn), Unknown),
            (Due, true, Ok(true), Helps),
            (Due, true, Ok(false), Useless),
            (Due, true, Err(ErrorKind::SignIn), Useless),
            (Due, true, Err(ErrorKind::Unanswered), Due),
            (Due, true, Err(ErrorKind::Unreachable), Due),
            (Helps, true, Ok(true), Helps),
            (Helps, true, Ok(false), Useless),
            (Helps, true, Err(ErrorKind::SignIn), Helps),
            (Useless, false, Ok(false), Useless),
            (Useless, false, Ok(true), Unknown),
        ] {
            assert_eq!(after(before, asked, result), expected, "{before:?} {asked} {result:?}");
        }
    }
}
