//! What one credential's runs tell the next ones, beside the tokens: a small file that is not secret. Whoever loses it
//! loses no sign-in.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::config::platform;
use crate::token_cache::CredentialKey;
use crate::{atomic_file, own_file};

/// How long a session without a keyring counts as one.
const ABSENT: TimeDelta = TimeDelta::seconds(60);

/// How long after an early refresh that failed no run tries another.
const REFRESH_PAUSE: TimeDelta = TimeDelta::seconds(60);

/// The state of one credential. Times are Unix seconds.
#[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct State {
    #[serde(skip)]
    path: Option<PathBuf>,
    /// Where the keyring was when the sign-in was saved in it; `None` if it is not there.
    keyring: Option<Keyring>,
    /// Whether the sign-in in the keyring is an old one: a new one was made while the keyring could not be reached.
    is_superseded: bool,
    /// The bus on which there was no keyring, and when.
    absent: Option<(String, i64)>,
    /// When the last early refresh failed.
    refresh_failed_at: i64,
    /// Sign-ins that nobody answered.
    pub unanswered: Option<Unanswered>,
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Keyring {
    machine: String,
    boot: String,
    process: u32,
}

/// How many sign-ins in a row nobody answered.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub struct Unanswered {
    /// How many.
    pub times: usize,
    /// When the last one ended.
    pub at: i64,
    /// The desktop session of that one.
    pub desktop: BTreeMap<String, String>,
}

impl State {
    /// Reads it; what cannot be read is like a new one.
    pub fn load(key: &CredentialKey) -> Self {
        let path = platform::state_dir().map(|dir| dir.join(format!("{}.json", key.digest)));
        let bytes = path.as_ref().and_then(|path| own_file::read(path).ok()).unwrap_or_default();
        Self { path, ..serde_json::from_slice(&bytes).unwrap_or_default() }
    }

    /// Writes it. Where that is not possible, the next runs know nothing, and do what they would have done without.
    pub fn save(&self) {
        if let Some(path) = &self.path {
            let json = serde_json::to_vec(self).expect("texts and numbers are always JSON");
            let _ = atomic_file::write(path, &json);
        }
    }

    /// Removes it.
    pub fn remove(self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }

    /// Whether the sign-in is in this computer's keyring. A home folder may be shared between computers.
    pub fn is_in_keyring(&self) -> bool {
        self.may_be_in_keyring() && !self.is_superseded
    }

    /// Whether the keyring holds a sign-in, be it an old one.
    pub fn may_be_in_keyring(&self) -> bool {
        self.keyring.as_ref().is_some_and(|keyring| keyring.machine == machine())
    }

    /// Whether what the keyring holds is an old sign-in, to be removed as soon as that is possible.
    pub fn is_superseded(&self) -> bool {
        self.is_superseded
    }

    /// Notes that there is a new sign-in elsewhere.
    pub fn supersede_keyring(&mut self) {
        if self.is_in_keyring() {
            self.is_superseded = true;
            self.save();
        }
    }

    /// The process of the keyring when the sign-in was saved, if the computer has not been started anew since.
    pub fn keyring_process(&self) -> Option<u32> {
        self.keyring.as_ref().filter(|keyring| keyring.boot == boot()).map(|keyring| keyring.process)
    }

    /// Notes in which keyring's process the sign-in is, or that it is elsewhere. Writes only what is new.
    pub fn note_keyring(&mut self, process: Option<u32>) {
        let keyring = process.map(|process| Keyring { machine: machine(), boot: boot(), process });
        if self.keyring != keyring || self.is_superseded {
            self.keyring = keyring;
            self.is_superseded = false;
            self.save();
        }
    }

    /// Whether this session had no keyring less than a minute ago.
    pub fn is_keyring_absent(&self, now: DateTime<Utc>) -> bool {
        self.absent.as_ref().is_some_and(|(known, at)| *known == bus() && is_recent(*at, ABSENT, now))
    }

    /// Notes that this session has no keyring.
    pub fn note_keyring_absent(&mut self, now: DateTime<Utc>) {
        self.absent = Some((bus(), now.timestamp()));
        self.save();
    }

    /// Whether an early refresh may be tried.
    pub fn may_refresh_early(&self, now: DateTime<Utc>) -> bool {
        !is_recent(self.refresh_failed_at, REFRESH_PAUSE, now)
    }

    /// Notes that an early refresh has failed.
    pub fn note_refresh_failed(&mut self, now: DateTime<Utc>) {
        self.refresh_failed_at = now.timestamp();
        self.save();
    }
}

fn is_recent(at: i64, life: TimeDelta, now: DateTime<Utc>) -> bool {
    (0..life.num_seconds()).contains(&now.timestamp().saturating_sub(at))
}

fn bus() -> String {
    ["DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"].iter().find_map(|name| std::env::var(name).ok()).unwrap_or_default()
}

fn machine() -> String {
    read_line("/etc/machine-id")
}

/// Which start of the computer this is; empty where the system does not tell.
pub fn boot() -> String {
    read_line("/proc/sys/kernel/random/boot_id")
}

fn read_line(path: &str) -> String {
    fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default()
}
