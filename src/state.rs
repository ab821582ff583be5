//! What the runs of one credential tell the next ones, apart from the tokens: a small file that is not secret. Losing
//! it loses no sign-in.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::config::platform;
use crate::credential_key::CredentialKey;
use crate::foreign::require_own_ground;
use crate::kept::Kept;
use crate::own_file::named;
use crate::{atomic_file, busy_file, own_file};

/// How long a session is assumed to have no keyring after none was found.
const ABSENT: TimeDelta = TimeDelta::seconds(60);

/// How long no run tries an early refresh after one has failed.
const REFRESH_PAUSE: TimeDelta = TimeDelta::seconds(60);

/// How long no run requests an early refresh from a provider that responded to one too late.
const SLOW_PAUSE: TimeDelta = TimeDelta::days(1);

/// How long to wait for another run's change, which takes some milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);

const POLL: Duration = Duration::from_millis(5);

/// The state of one credential. Times are Unix seconds.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct State {
    /// The keyring that the sign-in was saved in; `None` if it is not in a keyring.
    keyring: Option<Keyring>,
    /// Whether the sign-in in the keyring is an old one: a new one was made while the keyring could not be reached.
    is_superseded: bool,
    /// The bus on which there was no keyring, and when.
    absent: Option<(String, i64)>,
    /// When the last early refresh failed.
    refresh_failed_at: i64,
    /// When an early refresh last took too long.
    slow_at: i64,
    /// Whether the last refresh returned no ID token, so that an early one is of no use.
    refreshes_without_id_token: bool,
    /// Sign-ins that nobody answered.
    pub unanswered: Option<Unanswered>,
    /// When a sign-in last ended that was invisible to the user.
    pub unseen_at: Option<i64>,
    /// Where the sign-in is saved, and what it says: the index that `kubekey status` lists.
    pub kept: Vec<Kept>,
    /// Whether the user has signed out since the last sign-in, and so chooses the account at the next one.
    pub is_signed_out: bool,
    /// Whether to ask the user for consent (OpenID Connect Core §11).
    pub consent: Consent,
}

/// What is known about `prompt=consent` at this provider.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub enum Consent {
    /// Nothing: it is not requested.
    #[default]
    Unknown,
    /// No refresh token came without it, so the next sign-in requests it.
    Due,
    /// A refresh token comes with it.
    Helps,
    /// It was refused, or no refresh token came with it, either.
    Useless,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Keyring {
    machine: String,
    boot: String,
    process: u32,
}

/// Consecutive sign-ins that nobody answered.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Unanswered {
    /// How many.
    pub times: usize,
    /// When the last one ended.
    pub at: i64,
    /// The desktop session of the last one.
    pub desktop: BTreeMap<String, String>,
}

impl State {
    /// Reads the state; one that cannot be read counts as new.
    pub fn load(key: &CredentialKey) -> Self {
        path(key).map(|path| Self::load_from(&path)).unwrap_or_default()
    }

    /// Changes the current state, so that no run loses what another one notes at the same time; `change` is called
    /// once or twice. If nothing can be written, the next runs do what they would do without a state.
    pub fn update(key: &CredentialKey, change: impl Fn(&mut Self)) {
        if let Some(path) = path(key) {
            Self::update_at(&path, PATIENCE, change);
        }
    }

    /// The state of every credential of this user, with the credential's digest.
    ///
    /// # Errors
    /// If there are some and their folder cannot be read.
    pub fn all() -> io::Result<Vec<(String, Self)>> {
        let Some(dir) = platform::state_dir() else { return Ok(Vec::new()) };
        let entries = match fs::read_dir(&dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            // Read to its end before the files: a process may be allowed few open ones.
            entries => entries.and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(named(&dir))?,
        };
        let all = entries.iter().filter_map(|entry| Some((digest_of(&entry.path())?, Self::load_from(&entry.path()))));
        Ok(all.collect())
    }

    /// Removes entries of the index that are wrong.
    pub fn forget_kept(digest: &str, wrong: &[Kept]) {
        if let Some(path) = path_of(digest).filter(|_| !wrong.is_empty()) {
            Self::update_at(&path, PATIENCE, |state| state.kept.retain(|kept| !wrong.contains(kept)));
        }
    }

    /// Notes a saved sign-in.
    pub fn note_kept(&mut self, kept: &Kept) {
        self.note_gone(kept);
        self.kept.push(kept.clone());
    }

    /// Notes that no sign-in is in this place.
    pub fn note_gone(&mut self, place: &Kept) {
        self.kept.retain(|other| !other.is_same_place(place));
    }

    /// Removes the state, unless it is another user's.
    pub fn forget(key: &CredentialKey) {
        if let Some(path) = path(key).filter(|path| path.exists() && require_own_ground(path).is_ok()) {
            let _lock = lock(&path, PATIENCE);
            let _ = busy_file::remove(&path);
        }
    }

    fn load_from(path: &Path) -> Self {
        serde_json::from_slice(&own_file::read(path).unwrap_or_default()).unwrap_or_default()
    }

    fn update_at(path: &Path, patience: Duration, change: impl Fn(&mut Self)) {
        // Most runs have nothing new to note, and need no lock for that.
        if Self::load_from(path).changed(&change).is_none() {
            return;
        }
        let _lock = lock(path, patience);
        if let Some(state) = Self::load_from(path).changed(&change) {
            let json = serde_json::to_vec(&state).expect("texts and numbers are always JSON");
            let _ = atomic_file::write(path, &json);
        }
    }

    /// The state after `change`, if that makes a difference.
    fn changed(&self, change: impl Fn(&mut Self)) -> Option<Self> {
        let mut state = self.clone();
        change(&mut state);
        (state != *self).then_some(state)
    }

    /// Whether the sign-in is in this machine's keyring. A home folder may be shared between machines.
    pub fn is_in_keyring(&self) -> bool {
        self.may_be_in_keyring() && !self.is_superseded
    }

    /// Whether the keyring holds a sign-in, even an old one.
    pub fn may_be_in_keyring(&self) -> bool {
        self.keyring.as_ref().is_some_and(|keyring| keyring.machine == machine())
    }

    /// Whether the sign-in in the keyring is an old one, to be removed as soon as possible.
    pub fn is_superseded(&self) -> bool {
        self.is_superseded
    }

    /// Notes that there is a new sign-in elsewhere.
    pub fn supersede_keyring(&mut self) {
        if self.is_in_keyring() {
            self.is_superseded = true;
        }
    }

    /// The ID of the keyring's process when the sign-in was saved, if the machine has not been restarted since.
    pub fn keyring_process(&self) -> Option<u32> {
        self.keyring.as_ref().filter(|keyring| keyring.boot == boot()).map(|keyring| keyring.process)
    }

    /// Notes the ID of the process whose keyring holds the sign-in; `None` if the sign-in is elsewhere.
    pub fn note_keyring(&mut self, process: Option<u32>) {
        self.keyring = process.map(|process| Keyring { machine: machine(), boot: boot(), process });
        self.is_superseded = false;
    }

    /// Whether this session had no keyring less than a minute ago.
    pub fn is_keyring_absent(&self, now: DateTime<Utc>) -> bool {
        self.absent.as_ref().is_some_and(|(known, at)| *known == bus() && is_recent(*at, ABSENT, now))
    }

    /// Notes that this session has no keyring.
    pub fn note_keyring_absent(&mut self, now: DateTime<Utc>) {
        self.absent = Some((bus(), now.timestamp()));
    }

    /// Whether an early refresh may be tried.
    pub fn may_refresh_early(&self, now: DateTime<Utc>) -> bool {
        !self.refreshes_without_id_token
            && !is_recent(self.refresh_failed_at, REFRESH_PAUSE, now)
            && !is_recent(self.slow_at, SLOW_PAUSE, now)
    }

    /// Notes whether a refresh that the provider granted returned an ID token.
    pub fn note_refreshed(&mut self, has_id_token: bool) {
        self.refreshes_without_id_token = !has_id_token;
    }

    /// Notes that an early refresh took too long.
    pub fn note_slow(&mut self, now: DateTime<Utc>) {
        self.slow_at = now.timestamp();
    }

    /// Notes that an early refresh has failed.
    pub fn note_refresh_failed(&mut self, now: DateTime<Utc>) {
        self.refresh_failed_at = now.timestamp();
    }
}

/// The digest in the name of a credential's file.
pub fn digest_of(path: &Path) -> Option<String> {
    let digest = path.file_name()?.to_str()?.strip_suffix(".json")?;
    is_digest(digest).then(|| digest.to_owned())
}

/// Whether it is the digest of a credential.
pub fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn path(key: &CredentialKey) -> Option<PathBuf> {
    path_of(&key.digest)
}

fn path_of(digest: &str) -> Option<PathBuf> {
    platform::state_dir().map(|dir| dir.join(format!("{digest}.json")))
}

/// Takes the lock of the state in `path`; `None` if that takes too long: losing a note is better than waiting.
fn lock(path: &Path, patience: Duration) -> Option<File> {
    require_own_ground(path).ok()?;
    atomic_file::create_private_dir(path.parent()?).ok()?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path.with_extension("state.lock")).ok()?;
    let deadline = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Some(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(POLL),
            Err(_) => return None,
        }
    }
}

fn is_recent(at: i64, life: TimeDelta, now: DateTime<Utc>) -> bool {
    (0..life.num_seconds()).contains(&now.timestamp().saturating_sub(at))
}

fn bus() -> String {
    ["DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"].iter().find_map(|name| std::env::var(name).ok()).unwrap_or_default()
}

/// The ID of this machine; empty if the system has none.
pub fn machine() -> String {
    read_line("/etc/machine-id")
}

/// The ID of this boot of the machine; empty if the system has none.
pub fn boot() -> String {
    read_line("/proc/sys/kernel/random/boot_id")
}

fn read_line(path: &str) -> String {
    fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer than a busy machine takes for some writes.
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn what_several_note_at_once_is_all_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = &folder.path().join("made/state.json");
        let count = |state: &mut State| {
            let times = state.unanswered.as_ref().map_or(0, |unanswered| unanswered.times);
            state.unanswered = Some(Unanswered { times: times + 1, at: 0, desktop: BTreeMap::new() });
        };
        thread::scope(|scope| {
            scope.spawn(|| State::update_at(path, LONG, |state| state.refresh_failed_at = 7));
            scope.spawn(|| State::update_at(path, LONG, |state| state.absent = Some(("bus".into(), 8))));
            (0..4).for_each(|_| drop(scope.spawn(|| (0..10).for_each(|_| State::update_at(path, LONG, count)))));
        });
        let state = State::load_from(path);
        assert_eq!((state.refresh_failed_at, state.absent), (7, Some(("bus".into(), 8))));
        assert_eq!(state.unanswered.map(|unanswered| unanswered.times), Some(40));
    }

    #[test]
    fn who_has_nothing_new_to_note_takes_no_lock_and_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        State::update_at(&folder.path().join("state.json"), LONG, |state| state.unanswered = None);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn who_holds_the_lock_too_long_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let held = lock(&path, LONG).expect("a lock");
        State::update_at(&path, Duration::ZERO, |state| state.refresh_failed_at = 7);
        assert_eq!(State::load_from(&path).refresh_failed_at, 7);
        drop(held);
    }

    #[test]
    fn no_time_that_was_noted_is_too_much() {
        for now in [0, 253_370_764_799].map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap()) {
            for at in [i64::MIN, -1, i64::MAX] {
                assert!(!is_recent(at, ABSENT, now) || at == -1, "{at} at {now}");
            }
            assert!(is_recent(now.timestamp(), ABSENT, now));
            assert!(!is_recent(now.timestamp() + 1, ABSENT, now), "the clock was set back");
        }
    }
}
