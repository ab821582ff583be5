//! The wait for a lock that another run holds.

use std::fs::TryLockError;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use chrono::Utc;

use super::lock_file::{LockFile, Place};
use super::lock_note::{Doing, Failure, Holder, SignInPlace};
use super::lock_places::Purpose;
use crate::error::{Error, ErrorKind, Result};
use crate::reader::{Reader, command_id};
use crate::{controlling_terminal, terminal};

/// How often a waiting run checks whether the lock is free: the standard library's lock has no wait with a time limit.
const POLL: Duration = Duration::from_millis(50);

/// How long a run waits before it says what it waits for.
const QUIET: Duration = Duration::from_secs(2);

/// How much longer than the holder a run waits, so that it learns how the holder ended.
const GRACE: Duration = Duration::from_secs(10);

/// The longest that a refresh takes: discovery, keys and the request at 30 s each, and as long again to save.
const LONGEST_REFRESH: Duration = Duration::from_secs(120);

/// How often an abandoned sign-in is opened in the browser again: a program whose every run is ended, such as a prompt
/// with a time limit, would otherwise open a tab with each.
const MOST_TABS: u32 = 3;

/// How often a file that its holder has removed is opened again.
const ATTEMPTS: u32 = 200;

/// Locks the first file of `place` that can be locked; also returns the failure that this run shares. Adds to `reasons`
/// why others cannot be locked.
pub(super) fn take_first(
    place: &Place,
    wait: &mut Wait,
    reasons: &mut Vec<String>,
) -> Result<(Option<LockFile>, Option<Failure>)> {
    for path in place {
        loop {
            match LockFile::open(path) {
                Ok(file) => match wait.take(file)? {
                    Taken::Held(file, failure) => return Ok((Some(file), failure)),
                    Taken::Failed(failure) => return Ok((None, Some(failure))),
                    Taken::Removed if wait.may_try_again() => continue,
                    Taken::Removed => reasons.push(format!("{}: it disappears", path.display())),
                    Taken::Impossible(error) => reasons.push(format!("{}: {error}", path.display())),
                },
                Err(error) => reasons.push(format!("{}: {error}", path.display())),
            }
            break;
        }
    }
    Ok((None, None))
}

/// The result of an attempt to lock a file.
enum Taken {
    /// It is locked, and may contain the failure that this run shares.
    Held(LockFile, Option<Failure>),
    /// Its holder has ended with this failure, and removed it.
    Failed(Failure),
    /// Its holder has ended, and removed it: there may be another file of that name.
    Removed,
    /// Locks do not work there.
    Impossible(io::Error),
}

/// A run that may have to wait.
pub struct Waiter<'a> {
    /// How long it allows another run's sign-in to take.
    pub login_timeout: Duration,
    /// What the run is for.
    pub purpose: Purpose,
    /// Shows the user the abandoned sign-in at this place again; if the second argument is true, in the browser as well.
    pub take_part: &'a mut dyn FnMut(&SignInPlace, bool),
}

/// The wait of one run, for one file after the other.
pub(super) struct Wait<'a> {
    /// When it began.
    pub start: Instant,
    /// The same in Unix seconds.
    started: i64,
    waiter: Waiter<'a>,
    /// Whether another run held a lock.
    pub has_waited: bool,
    /// The sign-in that it takes part in, and the right to open the browser for it.
    part: Option<(SignInPlace, Option<LockFile>)>,
    /// The holder that it waits for, and since when that has been doing the same thing.
    current: Option<(Holder, Instant)>,
    attempts: u32,
    /// What was last said about the holder.
    said: Option<String>,
}

impl<'a> Wait<'a> {
    /// The wait of this run, from now on.
    pub fn new(waiter: Waiter<'a>) -> Self {
        let (start, started) = (Instant::now(), Utc::now().timestamp());
        Self { start, started, waiter, has_waited: false, part: None, current: None, attempts: 0, said: None }
    }

    fn take(&mut self, mut file: LockFile) -> Result<Taken> {
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(self.taken(file)),
                Err(TryLockError::Error(error)) => return Ok(Taken::Impossible(error)),
                Err(TryLockError::WouldBlock) => {
                    let holder = Holder::parse(&file.read());
                    if let Some(holder) = holder.as_ref().filter(|_| file.is_own()) {
                        self.take_part(holder, file.path());
                    }
                    self.wait_for(holder)?;
                }
            }
        }
    }

    fn taken(&self, mut file: LockFile) -> Taken {
        let failure = Failure::parse(&file.read()).filter(|failure| self.shares(failure));
        match (file.is_in_place(), failure) {
            (true, failure) => Taken::Held(file, failure),
            (false, Some(failure)) => Taken::Failed(failure),
            (false, None) => Taken::Removed,
        }
    }

    fn shares(&self, failure: &Failure) -> bool {
        let is_ours = (self.has_waited && failure.is_since(self.started)) || failure.is_of(command_id());
        is_ours && !(failure.is_unseen() && controlling_terminal::is_watched())
    }

    /// Whether a removed file is worth another attempt: not if its path never points to it.
    fn may_try_again(&mut self) -> bool {
        self.attempts += 1;
        thread::sleep(POLL / 10);
        self.attempts < ATTEMPTS
    }

    /// How long this holder has been doing the same thing, as far as this run has seen.
    fn waited_for(&mut self, holder: Option<&Holder>) -> Duration {
        let Some(holder) = holder else { return self.start.elapsed() };
        let known = self.current.as_ref().filter(|(known, _)| known.is_like(holder)).map(|(_, since)| *since);
        let since = known.unwrap_or_else(|| if self.current.is_none() { self.start } else { Instant::now() });
        self.current = Some((holder.clone(), since));
        since.elapsed()
    }

    fn wait_for(&mut self, holder: Option<Holder>) -> Result<()> {
        self.has_waited = true;
        if self.waiter.purpose == Purpose::Token && Reader::is_stdout_unread() {
            return Err(Error::new(ErrorKind::Abandoned, "the program that asked for a token has ended"));
        }
        let doing = holder.as_ref().map_or(Doing::SigningIn, |holder| holder.doing);
        let patience = GRACE
            + match doing {
                Doing::Refreshing => LONGEST_REFRESH,
                Doing::Starting | Doing::SigningIn => self.waiter.login_timeout,
            };
        // The holder must end first: its time limit started later than those of the runs that started with it.
        let waited = self.waited_for(holder.as_ref());
        let is_over = match holder.as_ref().and_then(Holder::until) {
            Some(until) => Utc::now() >= until + GRACE,
            None => waited >= patience,
        };
        if is_over {
            return Err(still_held(doing, holder.as_ref(), waited));
        }
        let is_known = self.part.is_some() && !holder.as_ref().is_some_and(Holder::is_stopped);
        if self.start.elapsed() >= QUIET && !is_known {
            self.say(waiting_for(doing, holder.as_ref()));
        }
        thread::sleep(POLL);
        Ok(())
    }

    /// Takes part in an abandoned sign-in. If several runs do, one opens the browser.
    fn take_part(&mut self, holder: &Holder, path: &Path) {
        let Some(place) = holder.abandoned_at() else { return };
        if self.part.as_ref().is_some_and(|(known, _)| known == place) {
            return;
        }
        // The provider's page is never opened.
        let right = if place.code.is_none() { may_open(&place.url, path) } else { None };
        (self.waiter.take_part)(place, right.is_some());
        self.part = Some((place.clone(), right));
    }

    fn say(&mut self, text: String) {
        if self.said.as_ref() != Some(&text) {
            terminal::notice(&text);
            self.said = Some(text);
        }
    }
}

/// The file that counts how often the sign-in of the lock at `path` was opened again, locked by the run that last did
/// so.
pub(super) fn again(path: &Path) -> PathBuf {
    path.with_extension("again")
}

/// The right to open this URL in the browser. `None` if another waiting run has opened it, or it was opened often
/// enough.
fn may_open(url: &str, path: &Path) -> Option<LockFile> {
    let mut file = LockFile::open(&again(path)).ok()?;
    file.try_lock().ok().filter(|()| file.is_own())?;
    let text = file.read();
    let times = text.split_once(' ').filter(|(_, known)| *known == url).and_then(|(times, _)| times.parse().ok());
    let times = times.unwrap_or(0) + 1;
    (times <= MOST_TABS && file.write(&format!("{times} {url}")).is_ok()).then_some(file)
}

fn waiting_for(doing: Doing, holder: Option<&Holder>) -> String {
    let who = holder.map(Holder::in_brackets).unwrap_or_default();
    let until = match doing {
        Doing::Starting => "to finish".to_owned(),
        Doing::Refreshing | Doing::SigningIn => format!("that is {}", doing.in_words()),
    };
    let text = format!("waiting for another kubekey {until}{who}");
    match holder.filter(|holder| holder.is_stopped()) {
        Some(holder) => format!("{text}, which is stopped: '{}' lets it continue", holder.how_to_continue()),
        None => text,
    }
}

fn still_held(doing: Doing, holder: Option<&Holder>, patience: Duration) -> Error {
    let who = holder.map(Holder::in_brackets).unwrap_or_default();
    let message = format!("another kubekey has been {} for {} s{who}", doing.in_words(), patience.as_secs());
    match holder.filter(|holder| holder.is_stopped()) {
        Some(holder) => {
            let error = Error::new(ErrorKind::SignIn, format!("{message} and is stopped"));
            let hint = "let it continue ('fg' in its terminal does that, too)";
            let end = holder.how_to_end();
            let error = error.hint(if end.is_some() { format!("{hint}, or end it:") } else { format!("{hint}:") });
            error.commands(std::iter::once(holder.how_to_continue()).chain(end))
        }
        None => Error::new(ErrorKind::SignIn, message).hint(match doing {
            // Ending it would cost the session.
            Doing::Refreshing => "wait until it ends, then run the command again",
            Doing::Starting => "wait until it ends, or end that process, then run the command again",
            Doing::SigningIn => "finish that sign-in, or end that process",
        }),
    }
}
