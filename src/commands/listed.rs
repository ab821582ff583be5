//! The saved sign-ins, as `kubekey status` lists them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::used_by::cache_of;
use crate::error::{Error, ErrorKind, Result};
use crate::kept::{Kept, PARKED};
use crate::kubeconfig::Contexts;
use crate::policy::{Policy, SessionRules};
use crate::state::{State, machine};
use crate::token_cache::{TokenCache, is_still_there};

/// The contexts that run kubekey, each with what a run for it would find.
#[derive(Default)]
pub(super) struct Users {
    /// The names of the contexts, and their storage.
    caches: Vec<(String, TokenCache)>,
    /// Those whose settings cannot be used, and why.
    pub unusable: Vec<(String, Error)>,
}

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

    /// Where it is saved.
    pub fn place(&self) -> String {
        if self.kept.storage == PARKED {
            return "parked until it can be saved".to_owned();
        }
        self.kept.dir.iter().fold(self.kept.storage.clone(), |storage, dir| format!("{storage} {dir}"))
    }

    /// When it was last refreshed.
    pub fn refreshed_at(&self) -> Option<i64> {
        Some(self.kept.issued_at).filter(|at| *at > self.kept.signed_in_at)
    }
}

impl Users {
    /// Of these contexts. A sign-in of theirs that the index lacks is added to it.
    pub fn of(contexts: &Contexts, policy: &Policy) -> Self {
        let mut users = Self::default();
        for context in contexts.ours() {
            let name = context.name.to_owned();
            match cache_of(&context, policy) {
                Ok(Some(cache)) => {
                    cache.complete_index();
                    users.caches.push((name, cache));
                }
                Ok(None) => {}
                Err(error) => users.unusable.push((name, error)),
            }
        }
        users
    }

    /// Whether there is no context whose settings can be used.
    pub fn is_empty(&self) -> bool {
        self.caches.is_empty()
    }

    /// The names of contexts of which no two share a sign-in, the first for each.
    pub fn one_for_each(&self) -> Vec<&str> {
        let mut first: Vec<&(String, TokenCache)> = Vec::new();
        for one in &self.caches {
            if !first.iter().any(|(_, cache)| cache.is_same(&one.1)) {
                first.push(one);
            }
        }
        first.into_iter().map(|(name, _)| &**name).collect()
    }

    /// The names of the contexts that share the sign-in of this one.
    pub fn others_of<'a>(&'a self, cache: &'a TokenCache, context: &str) -> Vec<&'a str> {
        let same = self.caches.iter().filter(|(_, other)| other.is_same(cache)).map(|(name, _)| &**name);
        same.filter(|name| *name != context).collect()
    }

    /// What is held until it can be saved, once for each credential.
    fn parked(&self) -> BTreeMap<&str, Kept> {
        self.caches.iter().filter_map(|(_, cache)| Some((&*cache.key.digest, cache.noted_parked()?))).collect()
    }

    /// The credential of a context.
    pub fn digest_of(&self, context: &str) -> Option<&str> {
        self.caches.iter().find(|(name, _)| name == context).map(|(_, cache)| &*cache.key.digest)
    }

    /// The sign-in with this digest and the contexts that find it where it is.
    fn sign_in(&self, digest: &str, mut kept: Kept, rules: &SessionRules) -> SignIn {
        let same = self.caches.iter().filter(|(_, cache)| cache.key.digest == digest);
        // An older version did not note it.
        kept.is_access_token |= same.clone().any(|(_, cache)| cache.is_access_token);
        let contexts = same.filter(|(_, cache)| cache.finds(&kept)).map(|(name, _)| name.clone()).collect();
        SignIn::new(digest.to_owned(), kept, contexts, rules)
    }
}

/// The entries of the index, without those that are wrong, which are removed from it; and what waits to be saved.
///
/// # Errors
/// [`ErrorKind::Storage`] if the index cannot be read.
pub(super) fn sign_ins(users: &Users, rules: &SessionRules) -> Result<Vec<SignIn>> {
    let own = machine();
    let mut all = Vec::new();
    let states = State::all().map_err(|error| {
        let message = format!("the list of saved sign-ins cannot be read: {error}");
        Error::new(ErrorKind::Storage, message).hint("fix that, and run the command again")
    })?;
    for (digest, state) in states {
        let here = state.kept.into_iter().filter(|kept| kept.storage == "file" || kept.machine == own);
        let (there, gone): (Vec<_>, Vec<_>) = here.partition(|kept| is_still_there(&digest, kept));
        State::forget_kept(&digest, &gone);
        all.extend(there.into_iter().map(|kept| users.sign_in(&digest, kept, rules)));
    }
    let parked = users.parked();
    all.extend(parked.into_iter().map(|(digest, kept)| users.sign_in(digest, kept, rules)));
    all.sort_by(|one, other| (&one.kept.issuer, &one.contexts).cmp(&(&other.kept.issuer, &other.contexts)));
    Ok(all)
}
