//! The policy's rules for sign-ins: which ways are allowed, whether they are renewed, and how long they last.

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::Flow;
use crate::error::{Error, ErrorKind, Result};
use crate::token::{IdToken, Saved, Session};

/// The name that allows all flows for programs.
pub(super) const MACHINE: &str = "machine";

/// The rules for sign-ins. The default has none.
#[derive(Clone, Debug, Default)]
pub struct SessionRules {
    /// The location in the policy that forbids refreshes.
    pub(super) refresh_refused: Option<String>,
    /// The longest time from one sign-in to the next, and where the policy sets it.
    pub(super) longest: Option<(TimeDelta, String)>,
    /// The allowed ways to sign in, and where the policy sets them.
    pub(super) flows: Option<(Vec<String>, String)>,
    /// The classes of authentication of which an ID token must have one, and where the policy sets them.
    pub(super) acrs: Option<(Vec<String>, String)>,
}

impl SessionRules {
    /// Whether refresh tokens may be requested, saved and used.
    pub fn allow_refresh(&self) -> bool {
        self.refresh_refused.is_none()
    }

    /// Why the session may not be renewed at `now`; `None` if it may.
    pub fn why_over(&self, session: &Session, now: DateTime<Utc>) -> Option<String> {
        if let Some(place) = &self.refresh_refused {
            return Some(format!("the policy {place} does not allow refreshes"));
        }
        let (longest, place) = self.longest.as_ref()?;
        let is_over = now >= end(session.signed_in_at, *longest);
        is_over.then(|| {
            format!("the last sign-in was more than {} ago, the limit of the policy {place}", in_words(*longest))
        })
    }

    /// When a session ends that began at this time, if the policy limits it.
    pub fn end_of(&self, signed_in_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.longest.as_ref().map(|(longest, _)| end(signed_in_at, *longest))
    }

    /// Limits an ID token: it expires no later than its session.
    pub fn cap(&self, id_token: IdToken) -> IdToken {
        match &self.longest {
            Some((longest, _)) => {
                IdToken { expires_at: id_token.expires_at.min(end(id_token.signed_in_at, *longest)), ..id_token }
            }
            None => id_token,
        }
    }

    /// The same for a saved sign-in: the run that saved it may have had another policy.
    pub fn cap_saved(&self, saved: Saved) -> Saved {
        Saved { id_token: saved.id_token.map(|id_token| self.cap(id_token)), ..saved }
    }

    /// Why an ID token with this `acr` may not be used; `None` if it may.
    pub fn why_not_acr(&self, acr: Option<&str>) -> Option<String> {
        let (required, place) = self.acrs.as_ref()?;
        let is_required = |acr: &str| required.iter().any(|one| one == acr);
        let got = match acr {
            Some(acr) if is_required(acr) => return None,
            Some(acr) => format!("its 'acr' is '{acr}'"),
            None => "it has no 'acr'".to_owned(),
        };
        Some(format!("{got}, and the policy {place} requires '{}'", required.join("' or '")))
    }

    /// Whether a way to sign in is allowed.
    pub fn allows_flow(&self, flow: Flow) -> bool {
        let is_it = |one: &String| one == flow.name() || flow.is_machine() && one == MACHINE;
        self.flows.as_ref().is_none_or(|(allowed, _)| allowed.iter().any(is_it))
    }

    /// Checks that a way to sign in is allowed.
    ///
    /// # Errors
    /// [`ErrorKind::Policy`] if not.
    pub fn require_flow(&self, flow: Flow) -> Result<()> {
        match &self.flows {
            Some((allowed, place)) if !self.allows_flow(flow) => {
                let message = format!("the flow '{}' is not allowed by the policy {place}", flow.name());
                Err(Error::new(ErrorKind::Policy, message)
                    .hint(format!("ask your administrator; allowed flows: {}", allowed.join(", "))))
            }
            _ => Ok(()),
        }
    }
}

/// When the session ends. No run saves a time that overflows the calendar: such a session is over.
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
        let session = Session {
            refresh_token: Secret::new("r"),
            subject: "jane".into(),
            signed_in_at,
            rotations: 0,
            auth_time: None,
        };
        let end = signed_in_at + TimeDelta::hours(8);
        assert_eq!(rules.why_over(&session, end - TimeDelta::seconds(1)), None);
        assert!(rules.why_over(&session, end).unwrap().contains("8 h ago, the limit of the policy p"));
        let issued_at = signed_in_at + TimeDelta::hours(7);
        let token = |expires_at| IdToken { jwt: Secret::new("j"), issued_at, signed_in_at, expires_at };
        let before = end - TimeDelta::seconds(1);
        assert_eq!(rules.cap(token(before)).expires_at, before);
        assert_eq!(rules.cap(token(end + TimeDelta::hours(1))).expires_at, end);
        let far = Session { signed_in_at: DateTime::<Utc>::MAX_UTC, ..session };
        assert!(rules.why_over(&far, end).is_some());
    }
}
