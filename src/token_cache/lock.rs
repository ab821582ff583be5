//! One lock for each credential: never more than one sign-in or refresh for it at a time; the other runs use the
//! result.
//!
//! The lock is beside what it guards, see [`TokenCache::lock_places`](super::TokenCache): where several folders are
//! possible, a run takes a file in each of them, in the same order as every other run.

use std::fs::TryLockError;

use super::cache::TokenCache;
use super::lock_file::{LockFile, Place};
use super::lock_note::{Doing, Failure, Holder, SignInPlace};
use super::lock_places::Purpose;
use super::lock_wait::{Wait, Waiter, again, take_first};
use crate::error::{Error, ErrorKind, Result};
use crate::reader::command_id;
use crate::{foreign, log, terminal};

/// A held lock. The operating system releases it when the process ends, for whatever reason.
#[derive(Debug)]
pub struct Lock {
    /// Empty where no lock file can be created: the run continues without one.
    files: Vec<LockFile>,
    holder: Holder,
    /// Whether the user has seen anything of this run.
    has_shown_sign_in: bool,
}

impl Lock {
    fn new() -> Self {
        Self { files: Vec::new(), holder: Holder::this(), has_shown_sign_in: false }
    }

    /// Takes the locks of `cache` for the waiter's purpose, and waits for their holder if there is one: for a sign-in as long as `waiter`
    /// allows, for a refresh as long as one can take.
    ///
    /// Also returns the failure that this run shares, if there is one: that of the holder it waited for, or that of the
    /// sign-in that the same command has just seen fail (`kubectl get` runs a plugin that fails five times). Alone,
    /// this run would only open one more browser tab and fail the same way.
    ///
    /// # Errors
    /// [`ErrorKind::SignIn`] if a lock is still held after that; [`ErrorKind::Abandoned`] if the program that waits for
    /// the waiter has ended.
    pub fn acquire(cache: &TokenCache, waiter: Waiter<'_>) -> Result<(Self, Option<Error>)> {
        let mut lock = Self::new();
        let purpose = waiter.purpose;
        let places = &cache.places_for(purpose);
        let mut wait = Wait::new(waiter);
        let mut reasons = Vec::new();
        for place in places {
            let (file, failure) = take_first(place, &mut wait, &mut reasons)?;
            lock.files.extend(file);
            if let Some(failure) = failure {
                lock.share(&failure);
                return Ok((lock, Some(failure.into_error(!wait.has_waited))));
            }
        }
        lock.note(Doing::Starting);
        log::debug(format_args!("lock: taken after {} ms", wait.start.elapsed().as_millis()));
        match places.iter().flatten().find_map(|path| foreign::keeps_out(path)) {
            Some(foreign) if cache.will_report(&foreign, purpose) => {}
            Some(foreign) => terminal::warning(&foreign.in_words()),
            None if lock.files.is_empty() && purpose != Purpose::Removal => warn_of_no_lock(&reasons),
            None => {}
        }
        Ok((lock, None))
    }

    /// Takes the locks if no other run holds one; prints nothing, and does not wait.
    pub fn try_acquire(places: &[Place]) -> Option<Self> {
        let mut lock = Self::new();
        for place in places {
            for file in place.iter().filter_map(|path| LockFile::open(path).ok()) {
                match file.try_lock() {
                    Ok(()) if file.is_in_place() => {
                        lock.files.push(file);
                        break;
                    }
                    Ok(()) | Err(TryLockError::WouldBlock) => return None,
                    // Where locks do not work, this run uses the next folder, as waiting runs do.
                    Err(TryLockError::Error(_)) => {}
                }
            }
        }
        lock.note(Doing::Refreshing);
        (!lock.files.is_empty()).then_some(lock)
    }

    /// Releases the lock and leaves `error` for the runs that share it. The end of an abandoned sign-in is not shared:
    /// a run that starts now has a user.
    pub fn free_after_failure(mut self, error: &Error) {
        if error.kind() == ErrorKind::Abandoned {
            return;
        }
        let failure = Failure::new(error, command_id().filter(|_| self.has_shown_sign_in));
        self.write(&failure.to_string());
        self.keep_first(failure.is_after_a_browser());
    }

    /// Leaves a failure in the lock file for the next run of the same command.
    fn share(&mut self, failure: &Failure) {
        if failure.is_after_a_browser() && !failure.is_of(command_id()) {
            let text = failure.to_string();
            let shared = Failure::parse(&text).map(|failure| failure.shared_by(command_id()).to_string());
            self.write(&shared.unwrap_or(text));
        }
        self.keep_first(failure.is_after_a_browser());
    }

    /// Keeps the failure for the next run of the same command if `is_kept`. Runs that already wait read it in any case:
    /// they have the removed file open or, where no file is removed, find it there.
    fn keep_first(&mut self, is_kept: bool) {
        for (index, file) in self.files.iter_mut().enumerate() {
            file.stays = !LockFile::IS_REMOVED || (is_kept && index == 0);
        }
    }

    /// Notes what this run is doing, for the message of waiting runs.
    pub fn note(&mut self, doing: Doing) {
        self.holder.doing = doing;
        self.write(&self.holder.to_string());
    }

    /// Notes where this run's sign-in can be finished, for the same message.
    pub fn note_place(&mut self, place: SignInPlace) {
        self.has_shown_sign_in = true;
        self.holder = Holder::this().signing_in(place);
        self.write(&self.holder.to_string());
    }

    /// Notes that no program will read what this run prints: waiting runs can take part in its sign-in.
    pub fn note_abandoned(&mut self) {
        self.holder.is_abandoned = true;
        self.write(&self.holder.to_string());
    }

    /// Ignores errors: a run that cannot read the note signs in on its own, as it would without a note.
    fn write(&mut self, text: &str) {
        self.files.iter_mut().for_each(|file| drop(file.write(text)));
    }
}

fn warn_of_no_lock(reasons: &[String]) {
    const NO_FOLDER: &str = if cfg!(windows) { "Windows names no folder for your data" } else { "HOME is not set" };
    let why = if reasons.is_empty() { NO_FOLDER.to_owned() } else { reasons.join("; ") };
    terminal::warning(&format!("cannot create a lock, so several sign-ins may start at once ({why})"));
}

impl Drop for Lock {
    /// Removes with the lock the files that no other run needs to read.
    fn drop(&mut self) {
        if self.holder.is_abandoned {
            // Most do not exist.
            self.files.iter().for_each(|file| drop(std::fs::remove_file(again(file.path()))));
        }
        self.files.iter().filter(|file| !file.stays && file.is_in_place()).for_each(LockFile::remove);
    }
}
