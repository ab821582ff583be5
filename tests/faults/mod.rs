//! Faults at the worst moment: between the request that uses up a refresh token and the saving of the next one. The
//! provider rotates, and revokes the whole session when a used token is used again.
//!
//! Each kind of fault reports how often it was tried, and how many sessions were lost. `tests/run --long` tries more
//! often.

mod errors;
mod keyrings;
mod kills;
mod places;
mod runs;
mod signals;

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::run::Finished;

/// How often to try.
pub fn tries(short: usize, long: usize) -> usize {
    if std::env::var("KUBEKEY_FAULTS").is_ok_and(|value| value == "long") { long } else { short }
}

/// Bypasses the test harness, which shows no output of a test that passes.
pub fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Numbers that look random, the same ones in each run (xorshift, Marsaglia 2003).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(seed)
    }

    /// A number below `limit`.
    pub fn roll(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// A user who is signed in, and whose every run must refresh: its token has expired when it arrives.
pub struct User {
    pub home: Home,
    pub provider: Provider,
    /// How many browsers had been opened, and sessions revoked, when all was last well.
    known: (usize, usize),
    tries: usize,
    lost: usize,
}

impl User {
    pub fn new(storage: &'static str) -> Self {
        let needs_keyring = ["keyring", "auto"].contains(&storage);
        let home = if needs_keyring { Home::with_keyring(Mode::Follow) } else { Home::new(Mode::Follow) };
        let provider = Provider::start();
        provider.configure(|behaviour| behaviour.lifetime = 5);
        let mut user = User { home: home.store_in(storage), provider, known: (1, 0), tries: 0, lost: 0 };
        user.home.run(&mut user.kubekey()).credential();
        user.known = user.seen();
        user
    }

    /// Uses the kernel's keys even if the tests run in a container, which has its own.
    pub fn kubekey(&self) -> Command {
        let mut command = self.home.kubekey_for(&self.provider);
        command.env("WSL_DISTRO_NAME", "of these tests").env("KUBEKEY_TOKEN_DIR", self.tokens());
        command
    }

    /// The same without a log, whose every line would be another moment to be hit at.
    pub fn quiet(&self) -> Command {
        let mut command = self.kubekey();
        command.env_remove("KUBEKEY_LOG");
        command
    }

    /// The folder of the file store, if it is used.
    pub fn tokens(&self) -> PathBuf {
        self.home.path().join("tokens")
    }

    /// How long a run takes, in microseconds, with a margin.
    pub fn length_of_a_run(&mut self) -> u64 {
        let finished = self.home.run(&mut self.quiet());
        finished.credential();
        finished.took.as_micros() as u64 * 5 / 4
    }

    fn seen(&self) -> (usize, usize) {
        (self.home.browser.urls().len(), self.provider.revoked())
    }

    /// Checks with one more run, after a fault, whether the session is still there.
    pub fn try_again(&mut self) -> Finished {
        let next = self.home.run(&mut self.kubekey());
        self.count(&next);
        next
    }

    /// Counts a run after a fault; `true` if the session was lost.
    pub fn count(&mut self, next: &Finished) -> bool {
        next.credential();
        self.tries += 1;
        let is_lost = self.seen() != self.known;
        self.lost += usize::from(is_lost);
        self.known = self.seen();
        is_lost
    }

    /// Reports the result of all tries.
    pub fn tell(&self, what: &str) {
        let (tries, lost, revoked) = (self.tries, self.lost, self.provider.revoked());
        tell(&format!("{what}: {tries} tries, {lost} sessions lost, {revoked} families revoked"));
    }

    /// Reports it, and fails if a session was lost.
    pub fn assert_nothing_lost(self, what: &str) {
        self.tell(what);
        self.finish(what);
    }

    /// Fails if a session was lost, and reports how often it was tried.
    pub fn finish(self, what: &str) -> usize {
        assert_eq!((self.lost, self.provider.revoked()), (0, 0), "{what}");
        self.home.log_out(&self.provider);
        self.tries
    }
}
