//! Signals that end a run, delayed while only this run knows the next refresh token.
//!
//! From the moment a refresh request is sent until its response is saved, Ctrl-C must not cost the user the session: a
//! provider that rotates refresh tokens has already invalidated the old one.

#[cfg(unix)]
pub use unix::{survive_size_limits, watch};

#[cfg(windows)]
pub use windows::{survive_size_limits, watch};

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a signal is delayed at most. Windows ends a process about 5 s after its console is closed, whatever it does.
const PATIENCE: Duration = Duration::from_secs(10);

static STATE: Mutex<State> = Mutex::new(State { is_held: false, has_come: false });
static CHANGED: Condvar = Condvar::new();

struct State {
    /// Whether signals are delayed now.
    is_held: bool,
    /// Whether one has arrived that has not taken effect yet.
    has_come: bool,
}

/// Delays signals from now on, in a run that [`watch`]es them.
pub fn hold() {
    // On Windows, what takes effect now cannot be delayed again: this run ends here.
    wait_while(|state| cfg!(windows) && state.has_come && !state.is_held).is_held = true;
}

/// Lets signals take effect: those that have arrived, and further ones.
pub fn release() {
    change(|state| state.is_held = false);
}

fn change(change: impl FnOnce(&mut State)) {
    change(&mut STATE.lock().unwrap_or_else(PoisonError::into_inner));
    CHANGED.notify_all();
}

/// Waits while `is_so`, for [`PATIENCE`] at most.
fn wait_while(is_so: impl Fn(&State) -> bool) -> MutexGuard<'static, State> {
    let state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = CHANGED.wait_timeout_while(state, PATIENCE, |state| is_so(state));
    waited.unwrap_or_else(PoisonError::into_inner).0
}

#[cfg(unix)]
mod unix {
    use std::sync::atomic::AtomicBool;
    use std::sync::{Arc, Once};
    use std::thread;

    use nix::sys::signal::{SigSet, SigmaskHow, Signal, raise};

    use super::{CHANGED, change, release, wait_while};

    /// The signals that end or stop a process and that other processes send.
    const WATCHED: &[Signal] = &[
        #[cfg(target_os = "linux")]
        Signal::SIGPWR,
        #[cfg(target_os = "linux")]
        Signal::SIGSTKFLT,
        Signal::SIGHUP,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGTERM,
        Signal::SIGTSTP,
        Signal::SIGALRM,
        Signal::SIGUSR1,
        Signal::SIGUSR2,
        Signal::SIGXCPU,
        Signal::SIGIO,
        Signal::SIGPROF,
        Signal::SIGTTIN,
        Signal::SIGTTOU,
        Signal::SIGVTALRM,
    ];

    /// While it lives, a separate thread takes the signals that would end this process.
    #[derive(Debug)]
    pub struct Watch {
        before: Option<SigSet>,
    }

    /// Watches the signals from now on. Must be called before other threads start, so that they inherit the mask that
    /// blocks these signals.
    pub fn watch() -> Watch {
        let blocked = SigSet::thread_get_mask().unwrap_or_else(|_| SigSet::empty());
        let watched: SigSet = WATCHED.iter().copied().filter(|signal| !blocked.contains(*signal)).collect();
        let before = watched.thread_swap_mask(SigmaskHow::SIG_BLOCK).ok();
        let started = thread::Builder::new().spawn(move || take(watched));
        let watch = Watch { before };
        // Without that thread the signals would be lost.
        if started.is_err() {
            watch.restore();
        }
        watch
    }

    impl Watch {
        fn restore(&self) {
            if let Some(before) = &self.before {
                // Restoring an earlier mask cannot fail.
                let _ = before.thread_set_mask();
            }
        }
    }

    impl Drop for Watch {
        fn drop(&mut self) {
            release();
            // A signal that has arrived ends this run before it continues.
            drop(wait_while(|state| state.has_come));
            self.restore();
        }
    }

    /// Takes one signal after the other, and lets it take effect after the delay: it ends or stops this process, or is
    /// ignored if the parent process chose that.
    fn take(watched: SigSet) {
        while let Ok(signal) = watched.wait() {
            change(|state| state.has_come = true);
            // As long as this guard lives, `hold` blocks.
            let mut released = wait_while(|state| state.is_held);
            let only = SigSet::from_iter([signal]);
            let _ = only.thread_unblock().and_then(|()| raise(signal)).and_then(|()| only.thread_block());
            released.has_come = false;
            CHANGED.notify_all();
        }
    }

    /// Makes a write beyond the file size limit (setrlimit(2)) fail, instead of ending this process in the middle of it.
    pub fn survive_size_limits() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let unused = Arc::new(AtomicBool::new(false));
            // Without a handler the process ends as before.
            let _ = signal_hook::flag::register(Signal::SIGXFSZ as i32, unused);
        });
    }
}

#[cfg(windows)]
mod windows {
    use super::{change, release, wait_while};
    use crate::windows::interruption;

    /// While it lives, a separate thread takes what would end this process: Ctrl-C, Ctrl-Break, the end of the console.
    #[derive(Debug)]
    pub struct Watch;

    /// Watches them from now on.
    pub fn watch() -> Watch {
        // Without it they end this process as before.
        interruption::add(take);
        Watch
    }

    impl Drop for Watch {
        fn drop(&mut self) {
            release();
            // What has arrived ends this run before it continues.
            drop(wait_while(|state| state.has_come));
            interruption::remove(take);
        }
    }

    /// Returns after the delay, and lets this process end.
    pub(super) extern "system" fn take(_: u32) -> i32 {
        change(|state| state.has_come = true);
        drop(wait_while(|state| state.is_held));
        0
    }

    /// There is no such limit.
    pub fn survive_size_limits() {}
}

#[cfg(all(test, windows))]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::{change, hold, release, wait_while, windows::take};

    /// Long enough for what must not happen to happen.
    const A_MOMENT: Duration = Duration::from_millis(200);

    #[test]
    fn what_comes_while_it_is_held_takes_effect_after_the_release_and_is_not_held_again() {
        let (sender, ended) = mpsc::channel();
        hold();
        let taker = thread::spawn({
            let sender = sender.clone();
            move || {
                take(0);
                sender.send("taken")
            }
        });
        drop(wait_while(|state| !state.has_come));
        assert!(ended.recv_timeout(A_MOMENT).is_err(), "it is delayed");
        release();
        assert_eq!(ended.recv(), Ok("taken"));
        taker.join().unwrap().unwrap();
        let holder = thread::spawn(move || {
            hold();
            sender.send("held")
        });
        assert!(ended.recv_timeout(A_MOMENT).is_err(), "this run is about to end");
        change(|state| state.has_come = false);
        assert_eq!(ended.recv(), Ok("held"));
        holder.join().unwrap().unwrap();
        release();
    }
}
