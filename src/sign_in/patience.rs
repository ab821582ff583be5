//! How long a sign-in waits for the user: that depends on whether its URL is visible, and whether the token is still wanted.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::error::{Error, ErrorKind};
use crate::kubeconfig::login_command;
use crate::reader::Reader;
use crate::settings::{Opener, Settings};
use crate::{controlling_terminal, log, terminal};

/// How often that is checked.
const LOOK: Duration = Duration::from_millis(250);

/// How long to wait for a user who must find the URL where no terminal shows it, for example in an editor's output.
const UNSEEN: Duration = Duration::from_secs(20);

/// The wait for the response of one sign-in.
pub struct Patience<'a> {
    settings: &'a Settings,
    start: Instant,
    reader: Reader,
    launched: Arc<AtomicBool>,
    /// When our URL was last opened.
    opened: Rc<Cell<Option<Instant>>>,
    /// Whether no terminal and no browser shows the URL; `None` while a browser may. It is judged once: the URL that a
    /// terminal showed was seen, even if the run is moved to the background later.
    is_unseen: Option<bool>,
    /// The reader of this run has ended.
    is_abandoned: bool,
    /// The terminal is free to show how long it still lasts.
    counts_down: bool,
}

impl<'a> Patience<'a> {
    /// A wait that starts now. `launched` tells whether a browser was opened.
    pub fn new(settings: &'a Settings, launched: Arc<AtomicBool>, opened: Rc<Cell<Option<Instant>>>) -> Self {
        let (start, reader) = (Instant::now(), Reader::now());
        Self { settings, start, reader, launched, opened, is_unseen: None, is_abandoned: false, counts_down: false }
    }

    /// The same, which shows on the terminal how long it still lasts, if it is free for that.
    pub fn counting_down(self, counts_down: bool) -> Self {
        Self { counts_down, ..self }
    }

    /// Returns at the timeout. If the reader ends before, `tell_others` is called: runs that wait can show the sign-in to the
    /// user again.
    pub async fn run_out(&mut self, mut tell_others: impl FnMut()) {
        loop {
            self.look(&mut tell_others);
            let left = self.left();
            if left.is_zero() {
                return;
            }
            if self.counts_down && !self.is_abandoned {
                terminal::count_down("waiting for your sign-in in the browser", left);
            }
            sleep(left.min(LOOK)).await;
        }
    }

    /// Whether a browser was opened.
    pub fn has_launched(&self) -> bool {
        self.launched.load(Ordering::Relaxed)
    }

    /// What the timeout `error` becomes in this case.
    pub fn judge(&self, error: Error) -> Error {
        match (self.is_abandoned, self.is_unseen() && self.opened.get().is_none()) {
            (true, _) => Error::new(ErrorKind::Abandoned, error.to_string()),
            (false, true) => self.nobody_knew(),
            (false, false) => error,
        }
    }

    fn look(&mut self, tell_others: &mut impl FnMut()) {
        if !self.is_abandoned && self.reader.is_gone() {
            log::debug(format_args!("sign-in: the reader of the token has ended"));
            self.is_abandoned = true;
            tell_others();
        }
        let is_left_to_choice = self.settings.opener != Opener::Nobody && !self.settings.is_login_timeout_chosen;
        if self.is_unseen.is_none() && is_left_to_choice && !self.has_launched() {
            self.is_unseen = Some(!controlling_terminal::is_watched());
        }
    }

    fn is_unseen(&self) -> bool {
        self.is_unseen == Some(true)
    }

    fn left(&self) -> Duration {
        // A user who just opened the URL gets the full time, however late.
        let opened = self.opened.get().filter(|_| self.is_abandoned);
        self.limit().saturating_sub(opened.unwrap_or(self.start).elapsed())
    }

    /// How long it waits, if nothing changes.
    pub fn limit(&self) -> Duration {
        match self.is_unseen() && self.opened.get().is_none() {
            true => self.settings.login_timeout.min(UNSEEN),
            false => self.settings.login_timeout,
        }
    }

    fn nobody_knew(&self) -> Error {
        let message = format!("no browser was opened, and the URL was not opened within {} s", self.limit().as_secs());
        Error::new(ErrorKind::Unseen, message).hint(format!("run {} in a terminal", login_command()))
    }
}
