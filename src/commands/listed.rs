//! A saved sign-in, as `kubekey status` lists it.

use chrono::{DateTime, Utc};

use crate::kept::Kept;
use crate::policy::SessionRules;

/// A saved sign-in, as it is shown.
pub(super) struct SignIn {
    /// What the index has.
    pub kept: Kept,
    /// The contexts that use it.
    pub contexts: Vec<String>,
    /// When the ID token expires, or the policy ends the session.
    pub expires_at: DateTime<Utc>,
    /// Whether it can be renewed without the user.
    pub is_refreshable: bool,
}

impl SignIn {
    /// `rules` of the policy may end it earlier.
    pub fn new(kept: Kept, contexts: Vec<String>, rules: &SessionRules) -> Self {
        let time = |seconds| DateTime::from_timestamp(seconds, 0).unwrap_or_default();
        let end = rules.end_of(time(kept.signed_in_at));
        let expires_at = end.map_or(time(kept.expires_at), |end| end.min(time(kept.expires_at)));
        let is_over = end.is_some_and(|end| end <= Utc::now());
        let is_refreshable = kept.is_renewable && rules.allow_refresh() && !is_over;
        Self { kept, contexts, expires_at, is_refreshable }
    }

    /// Whether it serves a run of kubectl at `now` without the user.
    pub fn is_usable(&self, now: DateTime<Utc>) -> bool {
        self.is_refreshable || self.expires_at > now
    }

    /// When it was last refreshed.
    pub fn refreshed_at(&self) -> Option<i64> {
        Some(self.kept.issued_at).filter(|at| *at > self.kept.signed_in_at)
    }
}
