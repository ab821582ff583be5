//! `kubekey logout --all` and `--issuer`: forgets the sign-ins that `kubekey status` lists, and the tokens that the list
//! lacks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use url::Url;

use super::super::context::{OWN, read};
use super::super::listed::{Users, sign_ins};
use super::client::Clients;
use super::forgetting::{note_signed_out, revoke_there};
use crate::cli::Logout;
use crate::config::Flags;
use crate::credential_key::CredentialKey;
use crate::error::{Error, ErrorKind, Result};
use crate::kept::Kept;
use crate::log;
use crate::policy::Policy;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::sign_in::sign_out;
use crate::terminal;
use crate::token::Session;
use crate::token_cache::{Lock, Purpose, TokenCache, Waiter, attributed, unlisted};

/// How long to wait for another run's sign-in if the settings are not known.
const PATIENCE: Duration = Duration::from_secs(120);

/// The maximum number of issuers that are named.
const MOST_NAMED: usize = 5;

/// The saved sign-ins by their digest: where each is, and who signed in.
type Found = BTreeMap<String, Vec<Kept>>;

/// Removes them one after the other, whatever happens to the others, with a line for each.
///
/// # Errors
/// The worst one, if some cannot be removed completely.
pub(super) fn logout_listed(asked: &Logout, flags: &Flags) -> Result<()> {
    if let Some((key, _)) = flags.0.iter().find(|(key, _)| OWN.contains(&key.flag)) {
        let message = format!("--{} selects one sign-in, and --all and --issuer are for all", key.flag);
        return Err(Error::new(ErrorKind::Usage, message).hint("leave one of them out"));
    }
    let policy = Policy::load()?;
    let contexts = match read(&asked.of) {
        Err(error) if asked.of.kubeconfig.is_some() => return Err(error),
        contexts => contexts.inspect_err(|error| log::debug(format_args!("kubeconfig: {error}"))).ok(),
    };
    let users = contexts.as_ref().map(|contexts| Users::of(contexts, &policy)).unwrap_or_default();
    users.unusable.iter().for_each(|(name, error)| log::debug(format_args!("context '{name}': {error}")));
    let (mut found, unread) = found(&users, &policy);
    let issuers: BTreeSet<_> = found.values().flatten().map(|kept| kept.issuer.clone()).collect();
    if let Some(issuer) = &asked.issuer {
        if found.values().any(Vec::is_empty) {
            let advice = "'kubekey logout --all' removes that, too";
            terminal::warning(&format!("a saved sign-in does not say to which provider it is; {advice}"));
        }
        found.retain(|_, places| places.iter().any(|kept| is_of(issuer, &kept.issuer)));
    }
    let mut clients = Clients::read(flags, contexts.as_ref(), policy);
    if found.is_empty() && unread.is_none() {
        say_none(asked.issuer.as_deref(), &issuers)?;
    }
    logout_each(&found, &mut clients, asked.browser).and(unread.map_or(Ok(()), Err))
}

/// Those of the list, and those that it lacks, as far as they say what they are; and why the list cannot be read.
fn found(users: &Users, policy: &Policy) -> (Found, Option<Error>) {
    let mut found = Found::new();
    let listed = sign_ins(users, &policy.session_rules());
    let unread = listed.as_ref().err().cloned();
    for one in listed.unwrap_or_default() {
        found.entry(one.digest).or_default().push(one.kept);
    }
    for digest in unlisted() {
        found.entry(digest).or_insert_with_key(|digest| attributed(digest).into_iter().collect());
    }
    (found, unread)
}

/// Not an error, so that a script can sign out twice; but where others remain, the issuer may be misspelt.
///
/// # Errors
/// [`ErrorKind::Usage`] if no sign-in can have that issuer.
fn say_none(issuer: Option<&str>, others: &BTreeSet<String>) -> Result<()> {
    let Some(issuer) = issuer else {
        terminal::notice("there is no saved sign-in");
        return Ok(());
    };
    let named = others.iter().take(MOST_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if !Url::parse(issuer.trim()).is_ok_and(|url| url.has_host()) {
        let hint = match others.is_empty() {
            true => "it is a URL, such as https://login.example.com".to_owned(),
            false => format!("it is a URL; there is a saved sign-in to {named}"),
        };
        return Err(Error::new(ErrorKind::Usage, format!("--issuer '{issuer}' is no issuer")).hint(hint));
    }
    match others.is_empty() {
        true => terminal::notice(&format!("there is no saved sign-in to {issuer}")),
        false => terminal::warning(&format!("there is no saved sign-in to {issuer}, but one to {named}")),
    }
    Ok(())
}

/// Whether both are the same issuer, as a user writes it: the slash at its end is easily forgotten.
fn is_of(asked: &str, issuer: &str) -> bool {
    asked.trim().trim_end_matches('/') == issuer.trim_end_matches('/')
}

fn logout_each(found: &Found, clients: &mut Clients, in_browser: bool) -> Result<()> {
    let mut round = Round::default();
    for (digest, places) in found {
        let (issuer, client_id, who) = who(places);
        let key = CredentialKey { issuer, client_id, digest: digest.clone() };
        let settings = clients.settings(&key);
        let patience = settings.as_ref().map_or(PATIENCE, |settings| settings.login_timeout);
        let (tokens, removed) = remove(&key, places, patience);
        let settings = settings.map_err(|error| error.to_string());
        let revoked = round.revoke_all(&key.issuer, settings.clone(), &tokens.sessions);
        match removed {
            Ok(()) => say(&who, &revoked),
            Err(error) => round.note(&format!("the sign-in {who} was not removed completely"), error),
        }
        if let (true, Ok(settings)) = (in_browser && round.is_first(&key), settings) {
            let ended = sign_out(settings, tokens.id_token.as_ref());
            ended.unwrap_or_else(|error| round.note("the sign-out in the browser failed", error));
        }
    }
    let Some(worst) = round.worst else { return Ok(()) };
    let message = format!("{} of {} sign-outs were not complete", round.failed, found.len());
    Err(Error::new(worst.kind(), message).hint(worst.what_to_do()).commands(worst.to_run().to_vec()))
}

/// What was learned while one sign-in after the other was removed.
#[derive(Default)]
struct Round {
    unreachable: BTreeSet<String>,
    /// The clients whose provider's session was ended.
    ended: BTreeSet<(String, String)>,
    failed: usize,
    worst: Option<Error>,
}

impl Round {
    fn note(&mut self, what: &str, error: Error) {
        terminal::warning(&format!("{what}: {error}"));
        self.failed += 1;
        let code = |error: &Error| error.kind().exit_code();
        let worst = self.worst.take().filter(|worst| code(worst) >= code(&error));
        self.worst = Some(worst.unwrap_or(error));
    }

    /// A provider has one session in a browser, whatever was requested in it.
    fn is_first(&mut self, key: &CredentialKey) -> bool {
        self.ended.insert((key.issuer.clone(), key.client_id.clone()))
    }

    /// What became of the refresh tokens, or why they were not revoked; `None` if there was none. A provider that did not
    /// respond is not asked again.
    fn revoke_all(
        &mut self,
        issuer: &str,
        settings: std::result::Result<&Settings, String>,
        sessions: &[Session],
    ) -> Option<std::result::Result<bool, String>> {
        if sessions.is_empty() {
            return None;
        }
        if self.unreachable.contains(issuer) {
            return Some(Err("the provider did not respond before".to_owned()));
        }
        let revoke = |settings: &Settings| {
            let each = sessions.iter().map(|session| revoke_there(settings, session));
            each.reduce(|one, other| Ok(one? & other?)).unwrap_or(Ok(false))
        };
        Some(settings.and_then(|settings| {
            revoke(settings).map_err(|error| {
                if error.kind() == ErrorKind::Unreachable {
                    self.unreachable.insert(issuer.to_owned());
                }
                error.to_string()
            })
        }))
    }
}

/// The tokens of a removed sign-in.
#[derive(Default)]
struct Tokens {
    sessions: Vec<Session>,
    id_token: Option<Secret>,
}

/// The issuer, the client ID, and the words for both.
fn who(places: &[Kept]) -> (String, String, String) {
    let Some(kept) = places.first() else {
        return (String::new(), String::new(), "to an unknown provider".to_owned());
    };
    let account = places.iter().map(|kept| &kept.account).find(|account| !account.is_empty());
    let account = account.map(|account| format!(" as {account}")).unwrap_or_default();
    let words = format!("to {}{account}, client {}", kept.issuer, kept.client_id);
    (kept.issuer.clone(), kept.client_id.clone(), words)
}

/// Removes one from everywhere, and returns also what is to be revoked.
fn remove(key: &CredentialKey, places: &[Kept], login_timeout: Duration) -> (Tokens, Result<()>) {
    let dirs: BTreeSet<_> = places.iter().filter_map(|kept| kept.dir.as_deref()).map(Path::new).map(Some).collect();
    let dirs = if dirs.is_empty() { BTreeSet::from([None]) } else { dirs };
    let mut tokens = Tokens::default();
    let mut result = Ok(());
    for dir in dirs {
        let cache = TokenCache::of_key(key.clone(), dir);
        let removed = remove_from(&cache, login_timeout, &mut tokens);
        result = result.and(removed);
    }
    if result.is_ok() {
        note_signed_out(&TokenCache::of_key(key.clone(), None));
    }
    (tokens, result)
}

fn remove_from(cache: &TokenCache, login_timeout: Duration, tokens: &mut Tokens) -> Result<()> {
    let waiter = Waiter { login_timeout, purpose: Purpose::Removal, take_part: &mut |_, _| {} };
    let (_lock, _) = Lock::acquire(cache, waiter)?;
    for saved in cache.load_everywhere() {
        let id_token = saved.id_token.map(|id_token| id_token.jwt);
        tokens.id_token = tokens.id_token.take().or(id_token);
        let is_new = |session: &Session| tokens.sessions.iter().all(|one| one.refresh_token != session.refresh_token);
        let new = saved.session.filter(is_new);
        tokens.sessions.extend(new);
    }
    cache.remove_everywhere()
}

fn say(who: &str, revoked: &Option<std::result::Result<bool, String>>) {
    match revoked {
        None => terminal::notice(&format!("removed the sign-in {who}")),
        Some(Ok(true)) => terminal::notice(&format!("removed the sign-in {who}; its refresh token was revoked")),
        Some(Ok(false)) => {
            terminal::notice(&format!("removed the sign-in {who}; the provider does not revoke refresh tokens"))
        }
        Some(Err(why)) => {
            terminal::warning(&format!("removed the sign-in {who}, but its refresh token was not revoked: {why}"))
        }
    }
}
