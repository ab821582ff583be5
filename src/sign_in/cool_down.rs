//! After a sign-in that nobody answered, further runs fail at once for a while: a program that polls, as k9s does, would
//! open one browser tab after the other while its user is at lunch.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::config::platform;
use crate::error::{Error, ErrorKind, Result};
use crate::state::{State, Unanswered, boot};

/// How long, in seconds, after the first, the second and every further one.
const SECONDS: [i64; 3] = [60, 120, 300];

/// What tells one desktop session from the next. A variable counts only where both have it: a terminal has some that a
/// program started from a menu has not.
const SESSION: [&str; 3] = ["XDG_SESSION_ID", "SESSION_MANAGER", "DBUS_SESSION_BUS_ADDRESS"];

/// Refuses a sign-in while it is too soon for another one.
///
/// # Errors
/// [`ErrorKind::SignIn`], with the seconds that are left.
pub fn check(state: &State, now: DateTime<Utc>) -> Result<()> {
    let Some(unanswered) = &state.unanswered else { return Ok(()) };
    let left = unanswered.at.saturating_add(length(unanswered.times)).saturating_sub(now.timestamp());
    // A clock that was set back must not make it longer.
    let is_over = left <= 0 || now.timestamp() < unanswered.at;
    if is_over || is_new_desktop(&unanswered.desktop, &desktop()) {
        return Ok(());
    }
    let message = format!("nobody answered the last sign-in, so no new one is started for another {left} s");
    Err(Error::new(ErrorKind::SignIn, message).hint("run 'kubekey login' with the same settings to sign in now"))
}

/// Notes a sign-in that nobody answered.
pub fn start(state: &mut State, now: DateTime<Utc>) {
    let desktop = desktop();
    let before = state.unanswered.take().filter(|before| !is_new_desktop(&before.desktop, &desktop));
    let times = before.map_or(0, |before| before.times).saturating_add(1);
    state.unanswered = Some(Unanswered { times, at: now.timestamp(), desktop });
    state.save();
}

/// Notes that somebody is there.
pub fn end(state: &mut State) {
    if state.unanswered.take().is_some() {
        state.save();
    }
}

fn length(times: usize) -> i64 {
    SECONDS[times.clamp(1, SECONDS.len()) - 1]
}

fn desktop() -> BTreeMap<String, String> {
    let mut desktop: BTreeMap<_, _> =
        SESSION.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect();
    desktop.insert("boot".into(), boot());
    desktop
}

/// Only a session with a screen can be a new desktop session; one over SSH is not.
fn is_new_desktop(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> bool {
    platform::has_screen() && before.iter().any(|(name, value)| now.get(name).is_some_and(|other| other != value))
}
