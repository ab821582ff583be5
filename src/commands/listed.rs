//! The saved sign-ins, as `kubekey status` lists them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::used_by::cache_of;
use crate::kept::Kept;
use crate::kubeconfig::Contexts;
use crate::log;
use crate::policy::{Policy, SessionRules};
use crate::state::{State, machine};
use crate::token_cache::is_still_there;

/// The names of the contexts that use a sign-in, by its digest.
pub(super) type Users = BTreeMap<String, Vec<String>>;

/// A saved sign-in, as it is shown.
pub(super) struct SignIn {
    /// The digest of its key.
    pub digest: String,
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
    pub fn new(digest: String, kept: Kept, contexts: Vec<String>, rules: &SessionRules) -> Self {
        let time = |seconds| DateTime::from_timestamp(seconds, 0).unwrap_or_default();
        let end = rules.end_of(time(kept.signed_in_at));
        let expires_at = end.map_or(time(kept.expires_at), |end| end.min(time(kept.expires_at)));
        let is_over = end.is_some_and(|end| end <= Utc::now());
        let is_refreshable = kept.is_renewable && rules.allow_refresh() && !is_over;
        Self { digest, kept, contexts, expires_at, is_refreshable }
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

/// The contexts by the sign-in that they use; one that the index lacks is added to it.
pub(super) fn users(contexts: &Contexts, policy: &Policy) -> Users {
    let mut users = Users::new();
    for context in contexts.ours() {
        match cache_of(&context, policy) {
            Ok(Some(cache)) => {
                cache.complete_index();
                users.entry(cache.key.digest).or_default().push(context.name.to_owned());
            }
            Ok(None) => {}
            Err(error) => log::debug(format_args!("context '{}': {error}", context.name)),
        }
    }
    users
}

/// The entries of the index, without those that are wrong, which are removed from it.
pub(super) fn sign_ins(users: &Users, rules: &SessionRules) -> Vec<SignIn> {
    let own = machine();
    let mut all = Vec::new();
    for (digest, state) in State::all() {
        let here = state.kept.into_iter().filter(|kept| kept.storage == "file" || kept.machine == own);
        let (there, gone): (Vec<_>, Vec<_>) = here.partition(|kept| is_still_there(&digest, kept));
        State::forget_kept(&digest, &gone);
        let contexts = users.get(&digest).cloned().unwrap_or_default();
        all.extend(there.into_iter().map(|kept| SignIn::new(digest.clone(), kept, contexts.clone(), rules)));
    }
    all.sort_by(|one, other| (&one.kept.issuer, &one.contexts).cmp(&(&other.kept.issuer, &other.contexts)));
    all
}
