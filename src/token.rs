//! The tokens of one sign-in.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// How long before its expiration a token counts as expired: the API server has to see it in time, too.
const MARGIN: TimeDelta = TimeDelta::seconds(10);

/// What a sign-in or a refresh gives, and what is kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSet {
    /// The ID token, a signed JWT, verified.
    pub id_token: Secret,
    /// The refresh token, if the provider gave one.
    pub refresh_token: Option<Secret>,
    /// The ID token's `exp`.
    pub expires_at: DateTime<Utc>,
}

/// The saved form. The field names are those of the token response (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).
#[derive(Deserialize, Serialize)]
struct Saved<'a> {
    #[serde(borrow)]
    id_token: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<Cow<'a, str>>,
    /// Unix seconds.
    expires_at: i64,
}

impl TokenSet {
    /// Whether the ID token can still be used at `now`.
    pub fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        now + MARGIN < self.expires_at
    }

    /// The ID token's `sub`, read without verifying: the set was verified before it was saved.
    pub fn subject(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Claims {
            sub: String,
        }
        let payload = self.id_token.expose().split('.').nth(1)?;
        let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
        Some(serde_json::from_slice::<Claims>(&payload).ok()?.sub)
    }

    /// The form in which it is kept at rest: JSON.
    pub fn to_saved(&self) -> Secret {
        let saved = Saved {
            id_token: self.id_token.expose().into(),
            refresh_token: self.refresh_token.as_ref().map(|token| token.expose().into()),
            expires_at: self.expires_at.timestamp(),
        };
        Secret::new(serde_json::to_string(&saved).expect("two strings and a number are always JSON"))
    }

    /// Reads what [`TokenSet::to_saved`] wrote; `None` if it is something else.
    pub fn from_saved(saved: &Secret) -> Option<Self> {
        let saved: Saved<'_> = serde_json::from_str(saved.expose()).ok()?;
        Some(Self {
            id_token: Secret::new(saved.id_token),
            refresh_token: saved.refresh_token.map(Secret::new),
            expires_at: DateTime::from_timestamp(saved.expires_at, 0)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::TokenSet;
    use crate::secret::Secret;

    fn tokens() -> TokenSet {
        TokenSet {
            id_token: Secret::new("e30.eyJzdWIiOiJqYW5lIn0.c2ln"),
            // RFC 6749 appendix A.17 allows every visible character, so also those that JSON escapes.
            refresh_token: Some(Secret::new(r#"a"b\c"#)),
            expires_at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        }
    }

    #[test]
    fn what_is_saved_is_read_back() {
        assert_eq!(TokenSet::from_saved(&tokens().to_saved()), Some(tokens()));
    }

    #[test]
    fn anything_else_is_not_a_token_set() {
        for text in ["", "{}", "a.b.c.1800000000", r#"{"id_token":"x"}"#] {
            assert_eq!(TokenSet::from_saved(&Secret::new(text)), None, "{text}");
        }
    }

    #[test]
    fn a_token_counts_as_expired_ten_seconds_early() {
        let tokens = tokens();
        assert!(tokens.is_fresh(tokens.expires_at - TimeDelta::seconds(11)));
        assert!(!tokens.is_fresh(tokens.expires_at - TimeDelta::seconds(10)));
    }

    #[test]
    fn the_subject_is_read_from_the_id_token() {
        assert_eq!(tokens().subject().as_deref(), Some("jane"));
    }
}
