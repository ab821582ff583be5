//! The cool-down: after a sign-in that timed out, further runs fail at once for a while. A program that polls, as k9s
//! does, would open one browser tab after the other while its user is at lunch.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::config::{Flow, platform};
use crate::controlling_terminal;
use crate::credential_key::CredentialKey;
use crate::error::{Error, ErrorKind, Result};
use crate::kubeconfig::login_command;
use crate::settings::{Opener, Settings};
use crate::state::{State, Unanswered, boot};

/// The length, in seconds, after the first timeout, the second and every further one.
const SECONDS: [i64; 3] = [60, 120, 300];

/// The length, in seconds, after a sign-in whose URL was invisible: a program that polls waits some seconds for each.
const UNSEEN_SECONDS: i64 = 30;

/// The variables that differ between desktop sessions. One is compared only where both sides have it: a terminal has some
/// that a program started from a menu lacks.
const SESSION: [&str; 3] = ["XDG_SESSION_ID", "SESSION_MANAGER", "DBUS_SESSION_BUS_ADDRESS"];

/// Refuses a sign-in during the cool-down, which prevents browser tabs from piling up, and codes; otherwise there are none.
///
/// # Errors
/// [`ErrorKind::SignIn`], with the seconds that are left.
pub fn check(settings: &Settings, key: &CredentialKey) -> Result<()> {
    let shows_any = settings.opener != Opener::Nobody || settings.flow == Some(Flow::Device);
    match settings.is_machine() || !shows_any {
        true => Ok(()),
        false => check_at(&State::load(key), Utc::now()),
    }
}

fn check_at(state: &State, now: DateTime<Utc>) -> Result<()> {
    check_unseen(state, now)?;
    let Some(unanswered) = &state.unanswered else { return Ok(()) };
    let left = unanswered.at.saturating_add(length(unanswered.times)).saturating_sub(now.timestamp());
    // A clock that was set back must not extend it.
    let is_over = left <= 0 || now.timestamp() < unanswered.at;
    if is_over || is_new_desktop(&unanswered.desktop, &desktop()) {
        return Ok(());
    }
    let message = format!("the last sign-in timed out, so the next one can start in {left} s");
    Err(Error::new(ErrorKind::SignIn, message).hint(format!("run {} to sign in now", login_command())))
}

/// Does not apply to a run whose user can see the URL.
fn check_unseen(state: &State, now: DateTime<Utc>) -> Result<()> {
    let Some(at) = state.unseen_at else { return Ok(()) };
    let left = at.saturating_add(UNSEEN_SECONDS).saturating_sub(now.timestamp());
    if left <= 0 || now.timestamp() < at || controlling_terminal::is_watched() {
        return Ok(());
    }
    let message = format!("there is no browser and no terminal to sign in with, so the next try can start in {left} s");
    Err(Error::new(ErrorKind::SignIn, message).hint(format!("run {} in a terminal", login_command())))
}

/// Notes a sign-in whose URL was invisible.
pub fn start_unseen(state: &mut State, now: DateTime<Utc>) {
    state.unseen_at = Some(now.timestamp());
}

/// Notes a sign-in that timed out.
pub fn start(state: &mut State, now: DateTime<Utc>) {
    let desktop = desktop();
    let before = state.unanswered.take().filter(|before| !is_new_desktop(&before.desktop, &desktop));
    let times = before.map_or(0, |before| before.times).saturating_add(1);
    state.unanswered = Some(Unanswered { times, at: now.timestamp(), desktop });
}

/// Notes a sign-in that succeeded.
pub fn end(state: &mut State) {
    state.unanswered = None;
    state.unseen_at = None;
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

/// Only a session with a screen can be a new desktop session; one over SSH cannot.
fn is_new_desktop(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> bool {
    platform::has_screen() && before.iter().any(|(name, value)| now.get(name).is_some_and(|other| other != value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_that_was_noted_is_too_much() {
        for now in [0, 253_370_764_799].map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap()) {
            for (at, is_refused) in [(i64::MIN, false), (now.timestamp(), true), (i64::MAX, false)] {
                let mut state = State::default();
                state.unanswered = Some(Unanswered { times: usize::MAX, at, desktop: desktop() });
                assert_eq!(check_at(&state, now).is_err(), is_refused, "{at} at {now}");
                start(&mut state, now);
                assert_eq!(state.unanswered.as_ref().map(|unanswered| unanswered.times), Some(usize::MAX));
            }
        }
    }
}
