//! The tokens of one sign-in, and the form in which they are saved.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::secret::Secret;

/// How long before its expiration a token counts as expired: it must still be valid when the API server gets it.
const MARGIN: TimeDelta = TimeDelta::seconds(10);

/// A token is renewed at least this long before its expiration: kube-rs runs its plugin 60 s before.
const EARLY: TimeDelta = TimeDelta::seconds(70);

/// The part of its life, in percent, that remains when a token is renewed: this, plus or minus [`EARLY_SPREAD_PERCENT`],
/// so that users who signed in at nine do not all come back in the same second.
const EARLY_PERCENT: i64 = 10;
const EARLY_SPREAD_PERCENT: i64 = 5;

/// What the cluster gets: an ID token, a signed JWT that was verified; with `--use-access-token` the access token that came
/// with it, which only the cluster can verify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdToken {
    /// The JWT. An access token may have a form that only the provider can read.
    pub jwt: Secret,
    /// When it arrived, by this machine's clock.
    pub issued_at: DateTime<Utc>,
    /// When the user signed in, which is earlier if it was refreshed.
    pub signed_in_at: DateTime<Utc>,
    /// Its `exp`, for an access token without one the end of `expires_in`; or the end of the session if that comes before.
    pub expires_at: DateTime<Utc>,
}

/// What a refresh needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The refresh token.
    pub refresh_token: Secret,
    /// The `sub` of the ID token, which the next one must have, too.
    pub subject: String,
    /// When the user signed in.
    pub signed_in_at: DateTime<Utc>,
    /// How many refresh tokens of this sign-in came before this one.
    pub rotations: u32,
    /// When the provider authenticated the user, in Unix seconds, if the sign-in had a `max_age`.
    pub auth_time: Option<i64>,
}

/// What a sign-in or a refresh gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSet {
    /// The new ID token.
    pub id_token: IdToken,
    /// `None` if the provider issued no refresh token.
    pub session: Option<Session>,
}

/// The available parts of a saved sign-in. The kernel drops an ID token when it expires, and in front of a keyring it holds
/// no session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// The ID token, which may have expired.
    pub id_token: Option<IdToken>,
    /// The session, if it is saved here.
    pub session: Option<Session>,
    /// Whether there is a session, here or where the whole set is saved.
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
    #[serde(default)]
    rotations: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
}

impl IdToken {
    /// Whether it can still be used at `now`.
    pub fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        self.expires_at - now > MARGIN
    }

    /// Whether so little of its life remains at `now` that it should be renewed. `salt` is the
    /// credential's key; together with the token's signature it spreads a fleet, in which all keys are the same.
    pub fn is_due(&self, now: DateTime<Utc>, salt: &str) -> bool {
        let life = (self.expires_at - self.issued_at).num_milliseconds().max(0);
        let spread = EARLY_SPREAD_PERCENT * 20;
        let per_mille = EARLY_PERCENT * 10 - spread / 2 + (hash(salt, self.jwt.expose()) % (spread as u64 + 1)) as i64;
        let early = TimeDelta::milliseconds(life / 1000 * per_mille).max(EARLY);
        self.expires_at - now <= early
    }
}

/// FNV-1a over the key and the last characters of the token's signature.
fn hash(salt: &str, jwt: &str) -> u64 {
    let tail = &jwt.as_bytes()[jwt.len().saturating_sub(16)..];
    salt.bytes()
        .chain(tail.iter().copied())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

impl From<TokenSet> for Saved {
    fn from(tokens: TokenSet) -> Self {
        Self { is_renewable: tokens.session.is_some(), id_token: Some(tokens.id_token), session: tokens.session }
    }
}

impl Saved {
    /// All of it, for one store.
    pub fn to_saved(&self) -> Secret {
        let (id_token, session) = (self.id_token.as_ref(), self.session.as_ref());
        let signed_in_at = id_token.map(|token| token.signed_in_at).or(session.map(|session| session.signed_in_at));
        let claimed = id_token.and_then(|token| subject(token.jwt.expose()));
        write(&AtRest {
            id_token: id_token.map(|token| token.jwt.expose().into()),
            issued_at: id_token.map_or(0, |token| token.issued_at.timestamp()),
            expires_at: id_token.map_or(0, |token| token.expires_at.timestamp()),
            refresh_token: session.map(|session| session.refresh_token.expose().into()),
            // The claims of an ID token beside it have the subject.
            subject: session
                .map(|session| &*session.subject)
                .filter(|known| claimed.as_deref() != Some(known))
                .map(Cow::from),
            signed_in_at: signed_in_at.map_or(0, |time| time.timestamp()),
            is_renewable: self.is_renewable,
            rotations: session.map_or(0, |session| session.rotations),
            auth_time: session.and_then(|session| session.auth_time),
        })
    }

    /// The ID token alone.
    pub fn without_session(&self) -> Self {
        Self { session: None, ..self.clone() }
    }

    /// The session alone.
    pub fn without_id_token(&self) -> Self {
        Self { id_token: None, ..self.clone() }
    }

    /// The same sign-in with another refresh token.
    pub fn with_session(&self, session: Session) -> Self {
        Self { session: Some(session), is_renewable: true, ..self.clone() }
    }

    /// Reads the form at rest; `None` if it is something else.
    pub fn read(text: &Secret) -> Option<Self> {
        let saved: AtRest<'_> = serde_json::from_str(text.expose()).ok()?;
        // It will be a part of a header field.
        if !saved.id_token.iter().all(|jwt| jwt.bytes().all(|byte| byte.is_ascii_graphic())) {
            return None;
        }
        let time = |seconds| DateTime::from_timestamp(seconds, 0);
        let id_token = match saved.id_token.filter(|jwt| !jwt.is_empty()) {
            Some(jwt) => Some(IdToken {
                jwt: Secret::new(jwt),
                issued_at: time(saved.issued_at)?,
                signed_in_at: time(saved.signed_in_at)?,
                expires_at: time(saved.expires_at)?,
            }),
            None => None,
        };
        let subject = saved.subject.map(Cow::into_owned).or_else(|| subject(id_token.as_ref()?.jwt.expose()));
        let refresh_token = saved.refresh_token.filter(|token| !token.is_empty());
        let session = refresh_token.zip(subject).map(|(refresh_token, subject)| Session {
            refresh_token: Secret::new(refresh_token),
            subject,
            signed_in_at: time(saved.signed_in_at).unwrap_or_default(),
            rotations: saved.rotations,
            auth_time: saved.auth_time,
        });
        let is_renewable = saved.is_renewable || session.is_some();
        (id_token.is_some() || session.is_some()).then_some(Self { id_token, session, is_renewable })
    }

    /// When the user signed in, and how many refresh tokens came since. Of two sets of one credential, the one with the
    /// greater pair is newer.
    pub fn age(&self) -> (Option<DateTime<Utc>>, u32) {
        let of_session = self.session.as_ref().map(|session| session.signed_in_at);
        let signed_in_at = of_session.max(self.id_token.as_ref().map(|token| token.signed_in_at));
        (signed_in_at, self.session.as_ref().map_or(0, |session| session.rotations))
    }

    /// The ID token, if it can be used at `now`.
    pub fn fresh(&self, now: DateTime<Utc>) -> Option<&IdToken> {
        self.id_token.as_ref().filter(|id_token| id_token.is_fresh(now))
    }
}

/// The JSON objects of a JWT, its header and its claims, read without verifying; `None` if it is something else.
pub fn objects(jwt: &str) -> Option<(Map<String, Value>, Map<String, Value>)> {
    let mut parts = jwt.split('.');
    let mut object = || serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts.next()?).ok()?).ok();
    Some((object()?, object()?))
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
    Secret::new(serde_json::to_string(at_rest).expect("strings and numbers are always JSON"))
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
                // RFC 6749 appendix A.17 allows every visible character, including those that JSON escapes.
                refresh_token: Secret::new(r#"a"b\c"#),
                subject: "jane".into(),
                signed_in_at: DateTime::from_timestamp(1_799_980_000, 0).unwrap(),
                rotations: 3,
                auth_time: Some(1_799_980_000),
            }),
        }
    }

    #[test]
    fn what_is_saved_is_read_back() {
        for saved in [Saved::from(tokens()), TokenSet { session: None, ..tokens() }.into()] {
            assert_eq!(Saved::read(&saved.to_saved()), Some(saved));
        }
    }

    #[test]
    fn the_parts_are_read_back_alone() {
        let saved = Saved::from(tokens());
        let id_token = Saved::read(&saved.without_session().to_saved()).unwrap();
        assert_eq!((id_token.session, id_token.is_renewable), (None, true));
        assert_eq!(id_token.id_token, Some(tokens().id_token));
        let session = Saved::read(&saved.without_id_token().to_saved()).unwrap();
        assert_eq!((session.id_token, session.session), (None, tokens().session));
    }

    #[test]
    fn a_set_of_the_first_version_is_read() {
        let old = r#"{"id_token":"e30.eyJzdWIiOiJqYW5lIn0.c2ln","refresh_token":"r","expires_at":1800000000}"#;
        assert_eq!(Saved::read(&Secret::new(old)).unwrap().session.unwrap().subject, "jane");
    }

    #[test]
    fn anything_else_is_nothing() {
        const SPACED: &str = r#"{"id_token":"e30.eyJzdWIiOiJqYW5lIn0.c2ln\n","expires_at":1800000000}"#;
        for text in ["", "{}", "a.b.c.1800000000", r#"{"refresh_token":"x"}"#, "[]", r#"{"id_token":1}"#, SPACED] {
            assert_eq!(Saved::read(&Secret::new(text)), None, "{text}");
        }
    }

    #[test]
    fn an_empty_token_is_none() {
        let read = |text: &str| Saved::read(&Secret::new(text));
        assert_eq!(read(r#"{"id_token":"","expires_at":1800000000}"#), None);
        assert_eq!(read(r#"{"id_token":"","refresh_token":"","subject":"jane","expires_at":1800000000}"#), None);
        let session = read(r#"{"id_token":"","refresh_token":"r","subject":"jane","expires_at":1800000000}"#).unwrap();
        assert_eq!((session.id_token.is_some(), session.session.is_some()), (false, true));
    }

    #[test]
    fn no_time_that_was_saved_is_too_much() {
        let limits = [i64::MIN, -8_334_601_228_800, -1, 0, 1_800_000_000, 8_210_266_876_799, i64::MAX];
        let clocks = [0, 253_370_764_799].map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap());
        for [issued_at, signed_in_at, expires_at] in limits.iter().flat_map(|issued_at| {
            limits.iter().flat_map(move |signed_in_at| limits.map(|expires_at| [*issued_at, *signed_in_at, expires_at]))
        }) {
            let at_rest = AtRest {
                id_token: Some("e30.eyJzdWIiOiJqYW5lIn0.c2ln".into()),
                refresh_token: Some("r".into()),
                issued_at,
                signed_in_at,
                expires_at,
                ..AtRest::default()
            };
            let saved = Saved::read(&write(&at_rest));
            let is_a_time = |seconds| DateTime::from_timestamp(seconds, 0).is_some();
            assert_eq!(saved.is_some(), [issued_at, signed_in_at, expires_at].into_iter().all(is_a_time));
            for (now, token) in clocks.iter().zip(saved.and_then(|saved| saved.id_token)) {
                let is_fresh = token.is_fresh(*now);
                assert_eq!(is_fresh, expires_at > now.timestamp() + 10, "{token:?}");
                assert!(is_fresh || token.is_due(*now, "x"), "{token:?}");
            }
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
