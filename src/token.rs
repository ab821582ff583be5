//! The tokens of one sign-in, and the form in which they are kept.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// How long before its expiration a token counts as expired: the API server has to see it in time, too.
const MARGIN: TimeDelta = TimeDelta::seconds(10);

/// The least time before its expiration at which a token is renewed: kube-rs runs its plugin 60 s before.
const EARLY: TimeDelta = TimeDelta::seconds(70);

/// The part of its life, in percent, that may remain when a token is renewed: this, more or less
/// [`EARLY_SPREAD_PERCENT`] of its life, so that those who signed in at nine do not all come back at the same second.
const EARLY_PERCENT: i64 = 10;
const EARLY_SPREAD_PERCENT: i64 = 5;

/// An ID token, a signed JWT, verified before it came here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdToken {
    /// The JWT.
    pub jwt: Secret,
    /// When it came, by this computer's clock.
    pub issued_at: DateTime<Utc>,
    /// When the user signed in: then, or before it was refreshed.
    pub signed_in_at: DateTime<Utc>,
    /// Its `exp`, or the end of the session if that comes before.
    pub expires_at: DateTime<Utc>,
}

/// What a refresh needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The refresh token.
    pub refresh_token: Secret,
    /// The `sub` of the ID token, which the next one has to have, too.
    pub subject: String,
    /// When the user signed in.
    pub signed_in_at: DateTime<Utc>,
}

/// What a sign-in or a refresh gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSet {
    /// The new ID token.
    pub id_token: IdToken,
    /// `None` if the provider gave no refresh token.
    pub session: Option<Session>,
}

/// What is there of a saved sign-in. The kernel forgets an ID token when it expires, and holds no session in front of
/// a keyring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// The ID token, which may have expired.
    pub id_token: Option<IdToken>,
    /// The session, if it is kept here.
    pub session: Option<Session>,
    /// Whether there is a session, here or where the whole set is kept.
    pub is_renewable: bool,
}

/// The form at rest, JSON. The field names are those of the token response (RFC 6749 §5.1, OpenID Connect Core
/// §3.1.3.3); times are Unix seconds.
#[derive(Default, Deserialize, Serialize)]
struct AtRest<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    id_token: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    subject: Option<Cow<'a, str>>,
    #[serde(default)]
    issued_at: i64,
    #[serde(default)]
    expires_at: i64,
    #[serde(default)]
    signed_in_at: i64,
    #[serde(default)]
    is_renewable: bool,
}

impl IdToken {
    /// Whether it can still be used at `now`.
    pub fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        now + MARGIN < self.expires_at
    }

    /// Whether so little of its life remains at `now` that a new one should be fetched already. `salt` is the
    /// credential's key; with the token's own signature it spreads a fleet, in which all keys are the same.
    pub fn is_due(&self, now: DateTime<Utc>, salt: &str) -> bool {
        let life = (self.expires_at - self.issued_at).num_milliseconds().max(0);
        let spread = EARLY_SPREAD_PERCENT * 20;
        let per_mille = EARLY_PERCENT * 10 - spread / 2 + (hash(salt, self.jwt.expose()) % (spread as u64 + 1)) as i64;
        let early = TimeDelta::milliseconds(life / 1000 * per_mille).max(EARLY);
        now + early >= self.expires_at
    }
}

/// FNV-1a over the key and the last characters of the token's signature.
fn hash(salt: &str, jwt: &str) -> u64 {
    let tail = &jwt.as_bytes()[jwt.len().saturating_sub(16)..];
    salt.bytes()
        .chain(tail.iter().copied())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

impl TokenSet {
    /// All of it, for a durable store.
    pub fn to_saved(&self) -> Secret {
        let session = self.session.as_ref();
        write(&AtRest {
            refresh_token: session.map(|session| session.refresh_token.expose().into()),
            ..self.id_token_at_rest()
        })
    }

    /// The ID token alone.
    pub fn id_token_to_saved(&self) -> Secret {
        write(&self.id_token_at_rest())
    }

    fn id_token_at_rest(&self) -> AtRest<'_> {
        AtRest {
            id_token: Some(self.id_token.jwt.expose().into()),
            issued_at: self.id_token.issued_at.timestamp(),
            signed_in_at: self.id_token.signed_in_at.timestamp(),
            expires_at: self.id_token.expires_at.timestamp(),
            is_renewable: self.session.is_some(),
            ..Default::default()
        }
    }
}

impl Session {
    /// The session alone.
    pub fn to_saved(&self) -> Secret {
        write(&AtRest {
            refresh_token: Some(self.refresh_token.expose().into()),
            subject: Some(self.subject.as_str().into()),
            signed_in_at: self.signed_in_at.timestamp(),
            is_renewable: true,
            ..Default::default()
        })
    }
}

impl From<TokenSet> for Saved {
    fn from(tokens: TokenSet) -> Self {
        Self { is_renewable: tokens.session.is_some(), id_token: Some(tokens.id_token), session: tokens.session }
    }
}

impl Saved {
    /// Reads what was written at rest; `None` if it is something else.
    pub fn read(text: &Secret) -> Option<Self> {
        let saved: AtRest<'_> = serde_json::from_str(text.expose()).ok()?;
        let time = |seconds| DateTime::from_timestamp(seconds, 0);
        let id_token = match saved.id_token {
            Some(jwt) => Some(IdToken {
                jwt: Secret::new(jwt),
                issued_at: time(saved.issued_at)?,
                signed_in_at: time(saved.signed_in_at)?,
                expires_at: time(saved.expires_at)?,
            }),
            None => None,
        };
        let subject = saved.subject.map(Cow::into_owned).or_else(|| subject(id_token.as_ref()?.jwt.expose()));
        let session = saved.refresh_token.zip(subject).map(|(refresh_token, subject)| Session {
            refresh_token: Secret::new(refresh_token),
            subject,
            signed_in_at: time(saved.signed_in_at).unwrap_or_default(),
        });
        let is_renewable = saved.is_renewable || session.is_some();
        (id_token.is_some() || session.is_some()).then_some(Self { id_token, session, is_renewable })
    }

    /// The ID token, if it can be used at `now`.
    pub fn fresh(&self, now: DateTime<Utc>) -> Option<&IdToken> {
        self.id_token.as_ref().filter(|id_token| id_token.is_fresh(now))
    }
}

/// The `sub` of a JWT, read without verifying: it was verified before it was saved.
fn subject(jwt: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        sub: String,
    }
    let payload = URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1)?).ok()?;
    Some(serde_json::from_slice::<Claims>(&payload).ok()?.sub)
}

fn write(at_rest: &AtRest<'_>) -> Secret {
    Secret::new(serde_json::to_string(at_rest).expect("texts and numbers are always JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> TokenSet {
        TokenSet {
            id_token: IdToken {
                jwt: Secret::new("e30.eyJzdWIiOiJqYW5lIn0.c2ln"),
                issued_at: DateTime::from_timestamp(1_799_990_000, 0).unwrap(),
                signed_in_at: DateTime::from_timestamp(1_799_980_000, 0).unwrap(),
                expires_at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            },
            session: Some(Session {
                // RFC 6749 appendix A.17 allows every visible character, so also those that JSON escapes.
                refresh_token: Secret::new(r#"a"b\c"#),
                subject: "jane".into(),
                signed_in_at: DateTime::from_timestamp(1_799_980_000, 0).unwrap(),
            }),
        }
    }

    #[test]
    fn what_is_saved_is_read_back() {
        assert_eq!(Saved::read(&tokens().to_saved()), Some(tokens().into()));
        let alone = TokenSet { session: None, ..tokens() };
        assert_eq!(Saved::read(&alone.to_saved()), Some(alone.into()));
    }

    #[test]
    fn the_parts_are_read_back_alone() {
        let id_token = Saved::read(&tokens().id_token_to_saved()).unwrap();
        assert_eq!((id_token.session, id_token.is_renewable), (None, true));
        assert_eq!(id_token.id_token, Some(tokens().id_token));
        let session = Saved::read(&tokens().session.unwrap().to_saved()).unwrap();
        assert_eq!((session.id_token, session.session), (None, tokens().session));
    }

    #[test]
    fn a_set_of_the_first_version_is_read() {
        let old = r#"{"id_token":"e30.eyJzdWIiOiJqYW5lIn0.c2ln","refresh_token":"r","expires_at":1800000000}"#;
        assert_eq!(Saved::read(&Secret::new(old)).unwrap().session.unwrap().subject, "jane");
    }

    #[test]
    fn anything_else_is_nothing() {
        for text in ["", "{}", "a.b.c.1800000000", r#"{"refresh_token":"x"}"#, "[]", r#"{"id_token":1}"#] {
            assert_eq!(Saved::read(&Secret::new(text)), None, "{text}");
        }
    }

    #[test]
    fn a_token_counts_as_expired_ten_seconds_early() {
        let token = tokens().id_token;
        assert!(token.is_fresh(token.expires_at - TimeDelta::seconds(11)));
        assert!(!token.is_fresh(token.expires_at - TimeDelta::seconds(10)));
    }

    #[test]
    fn a_token_is_due_between_15_and_5_percent_of_its_life_before_its_end() {
        let token = tokens().id_token;
        let due = |salt: &str, before: i64| token.is_due(token.expires_at - TimeDelta::seconds(before), salt);
        let first = |salt: &str| (0..10_000).rev().find(|before| due(salt, *before)).unwrap();
        let salts: Vec<String> = (0..200).map(|number| number.to_string()).collect();
        let seen: Vec<i64> = salts.iter().map(|salt| first(salt)).collect();
        assert!(seen.iter().all(|before| (500..=1500).contains(before)), "{seen:?}");
        let distinct: std::collections::HashSet<_> = seen.iter().collect();
        assert!(distinct.len() > 50, "a fleet does not come at one moment: {distinct:?}");
    }

    #[test]
    fn a_short_token_is_due_70_seconds_before_its_end() {
        let token = IdToken { issued_at: tokens().id_token.expires_at - TimeDelta::seconds(300), ..tokens().id_token };
        assert!(token.is_due(token.expires_at - TimeDelta::seconds(70), "x"));
        assert!(!token.is_due(token.expires_at - TimeDelta::seconds(71), "x"));
    }
}
