//! What a policy says of sign-ins: in which ways, whether they are renewed, and how long they last.

use chrono::{DateTime, TimeDelta, Utc};

use crate::error::{Error, ErrorKind, Result};
use crate::token::{IdToken, Saved, Session};

/// The rules for sign-ins. By default there are none.
#[derive(Clone, Debug, Default)]
pub struct SessionRules {
    /// Where the policy forbids refreshes.
    pub(super) refresh_refused: Option<String>,
    /// The longest time from a sign-in to the next, and where that is said.
    pub(super) longest: Option<(TimeDelta, String)>,
    /// The ways to sign in that are allowed, and where that is said.
    pub(super) flows: Option<(Vec<String>, String)>,
}

impl SessionRules {
    /// Whether refresh tokens are asked for, kept and used.
    pub fn allow_refresh(&self) -> bool {
        self.refresh_refused.is_none()
    }

    /// Why the session may not be renewed at `now`; `None` if it may.
    pub fn why_over(&self, session: &Session, now: DateTime<Utc>) -> Option<String> {
        if let Some(place) = &self.refresh_refused {
            return Some(format!("the policy {place} allows no refresh"));
        }
        let (longest, place) = self.longest.as_ref()?;
        let is_over = now >= end(session.signed_in_at, *longest);
        is_over.then(|| format!("the last one is more than {} ago, says the policy {place}", in_words(*longest)))
    }

    /// The ID token, which expires no later than the session it belongs to.
    pub fn cap(&self, id_token: IdToken) -> IdToken {
        match &self.longest {
            Some((longest, _)) => {
                IdToken { expires_at: id_token.expires_at.min(end(id_token.signed_in_at, *longest)), ..id_token }
            }
            None => id_token,
        }
    }

    /// The same of what was saved: by a run that may have known another policy.
    pub fn cap_saved(&self, saved: Saved) -> Saved {
        Saved { id_token: saved.id_token.map(|id_token| self.cap(id_token)), ..saved }
    }

    /// Refuses a way to sign in.
    ///
    /// # Errors
    /// [`ErrorKind::Policy`] if it is not allowed.
    pub fn require_flow(&self, flow: &str) -> Result<()> {
        match &self.flows {
            Some((allowed, place)) if allowed.iter().all(|one| one != flow) => {
                let message = format!("to sign in by the flow '{flow}' is not allowed, says the policy {place}");
                Err(Error::new(ErrorKind::Policy, message)
                    .hint(format!("ask your administrator; allowed is: {}", allowed.join(", "))))
            }
            _ => Ok(()),
        }
    }
}

/// A time that is beyond all calendars was saved by nobody, and such a session is over.
fn end(signed_in_at: DateTime<Utc>, longest: TimeDelta) -> DateTime<Utc> {
    signed_in_at.checked_add_signed(longest).unwrap_or(DateTime::<Utc>::MIN_UTC)
}

fn in_words(time: TimeDelta) -> String {
    match time.num_seconds() {
        seconds if seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn a_session_ends_when_the_policy_says_so_and_its_tokens_with_it() {
        let rules = SessionRules { longest: Some((TimeDelta::hours(8), "p".into())), ..SessionRules::default() };
        let signed_in_at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let session = Session { refresh_token: Secret::new("r"), subject: "jane".into(), signed_in_at };
        let end = signed_in_at + TimeDelta::hours(8);
        assert_eq!(rules.why_over(&session, end - TimeDelta::seconds(1)), None);
        assert!(rules.why_over(&session, end).unwrap().contains("8 h ago, says the policy p"));
        let issued_at = signed_in_at + TimeDelta::hours(7);
        let token = |expires_at| IdToken { jwt: Secret::new("j"), issued_at, signed_in_at, expires_at };
        let before = end - TimeDelta::seconds(1);
        assert_eq!(rules.cap(token(before)).expires_at, before);
        assert_eq!(rules.cap(token(end + TimeDelta::hours(1))).expires_at, end);
        let far = Session { signed_in_at: DateTime::<Utc>::MAX_UTC, ..session };
        assert!(rules.why_over(&far, end).is_some());
    }
}
