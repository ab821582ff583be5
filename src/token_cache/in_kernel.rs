//! A sign-in in the kernel: both of its parts, or only the ID token in front of a keyring.

use std::convert::Infallible;

use chrono::{TimeDelta, Utc};

use super::asked::asked;
use super::cache::TokenCache;
use super::kernel::{self, Part};
use crate::config::TokenStorage;
use crate::secret::Secret;
use crate::state::State;
use crate::token::{Saved, Session};

/// How long after the sign-in the kernel holds a refresh token: one working day.
const LONGEST_SESSION: TimeDelta = TimeDelta::hours(12);

/// How many bytes larger than the session it replaces a new one may be and still be sure to fit: its refresh token is
/// much like the last one.
const SESSION_GROWTH: usize = 256;

/// Whether the session may still be used. The kernel drops it when it may not, unless the run that wrote its key was
/// killed before it could set the timeout.
pub(super) fn is_young(session: &Session) -> bool {
    // A clock that was set back must not end a session.
    Utc::now() - session.signed_in_at < LONGEST_SESSION
}

/// For how many more seconds the kernel holds it.
fn seconds_left(session: &Session) -> i64 {
    (session.signed_in_at - Utc::now() + LONGEST_SESSION).min(LONGEST_SESSION).num_seconds()
}

impl TokenCache {
    /// Loads both parts. Each may be missing: the ID token may have expired or be too large.
    pub(super) fn load_kernel(&self) -> Option<Saved> {
        let is_young = |saved: &Saved| saved.session.as_ref().is_some_and(is_young);
        let read = |part| self.ask_kernel(part).as_ref().and_then(Saved::read);
        match (read(Part::IdToken), read(Part::Session)) {
            (Some(id_token), Some(session)) if is_young(&session) => {
                Some(Saved { session: session.session, ..id_token })
            }
            (id_token, session) => id_token.or(session.filter(is_young)),
        }
    }

    /// Loads one part.
    pub(super) fn ask_kernel(&self, part: Part) -> Option<Secret> {
        let Ok(found) = asked::<Infallible>("kernel", || Ok(kernel::load(&self.kernel_key, part)));
        found
    }

    /// Saves both parts.
    pub(super) fn put_in_kernel(&self, saved: &Saved) -> Result<(), String> {
        let is_kept = match &saved.session {
            None => {
                kernel::remove(&self.kernel_key, Part::Session);
                self.put_id_token_in_kernel(saved)
            }
            Some(session) => {
                let is_kept = self.put_session_in_kernel(session) || {
                    // The ID token gives way: it is larger, and soon of no use.
                    kernel::give_way(&self.kernel_key, Part::IdToken);
                    self.put_session_in_kernel(session)
                };
                // Without the ID token the next run refreshes.
                self.put_id_token_in_kernel(saved);
                is_kept
            }
        };
        self.supersede_keyring();
        is_kept.then_some(()).ok_or_else(|| kernel::NO_ROOM.to_owned())
    }

    /// Where the kernel replaces the keyring, the sign-in in the keyring is older.
    pub(super) fn supersede_keyring(&self) {
        if self.storage == TokenStorage::Auto {
            State::update(&self.key, State::supersede_keyring);
        }
    }

    /// Puts the ID token into the kernel, in front of the keyring. Only while the lock is held: otherwise the token
    /// could come back after a logout.
    pub(super) fn put_in_front(&self, saved: &Saved) {
        if self.storage == TokenStorage::Auto && !kernel::is_shared() {
            self.put_id_token_in_kernel(saved);
        }
    }

    fn put_id_token_in_kernel(&self, saved: &Saved) -> bool {
        saved.fresh(Utc::now()).is_some_and(|id_token| {
            let left = id_token.expires_at - Utc::now();
            kernel::store(&self.kernel_key, Part::IdToken, &saved.without_session().to_saved(), left.num_seconds())
        })
    }

    fn put_session_in_kernel(&self, session: &Session) -> bool {
        let saved = Saved::default().with_session(session.clone());
        kernel::store(&self.kernel_key, Part::Session, &saved.to_saved(), seconds_left(session))
    }

    /// JSON may end with spaces: overwrites the saved session with itself and some spaces. The ID token gives way if it
    /// may: it is larger.
    pub(super) fn reserve_in_kernel(&self, session: &Session, may_give_way: bool) -> Result<(), String> {
        let saved = Saved::default().with_session(session.clone()).to_saved();
        let padded = Secret::new(format!("{}{}", saved.expose(), " ".repeat(SESSION_GROWTH)));
        let reserve = || kernel::reserve(&self.kernel_key, Part::Session, &padded, seconds_left(session));
        let is_reserved = reserve()
            || may_give_way && {
                kernel::give_way(&self.kernel_key, Part::IdToken);
                reserve()
            };
        is_reserved.then_some(()).ok_or_else(|| kernel::NO_ROOM.to_owned())
    }
}
