//! The user's browser: a launcher that `kubekey` finds, and the requests that follow.

use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use super::client::{Client, Page};
use super::launcher::Launcher;

const PATIENCE: Duration = Duration::from_secs(30);

/// What the launcher does when it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Opens the URL and follows every redirect.
    Follow,
    /// Notes the URL; the test acts as the browser.
    Note,
    /// Notes the URL, and does not return.
    Block,
    /// Notes the URL, and fails.
    Fail,
    /// There is no launcher.
    Absent,
}

/// The pages from one run of the launcher to the last.
#[derive(Clone, Debug)]
pub struct Journey {
    pub pages: Vec<Page>,
    /// Why no further page came.
    pub error: Option<String>,
}

impl Journey {
    /// The page on which the user ends.
    pub fn last(&self) -> &Page {
        match (&self.error, self.pages.last()) {
            (None, Some(page)) => page,
            (error, _) => panic!("the browser was stuck after {:?}: {error:?}", self.pages),
        }
    }
}

/// Removed when it is dropped; launchers that still run then end.
pub struct Browser {
    launcher: Launcher,
    mode: Mode,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Seen>,
    changed: Condvar,
    client: Client,
}

#[derive(Default)]
struct Seen {
    urls: Vec<String>,
    journeys: Vec<Journey>,
}

impl Browser {
    pub fn install(mode: Mode) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let of_launcher = shared.clone();
        let launcher = Launcher::install(mode, move |url| of_launcher.launched(url, mode == Mode::Follow))?;
        Ok(Browser { launcher, mode, shared })
    }

    /// The launcher's folder, to put first in a `PATH`.
    pub fn folder(&self) -> &Path {
        self.launcher.folder()
    }

    /// Lets a program find this browser, and no other one.
    pub fn offer_to(&self, program: &mut Command) {
        self.launcher.offer_to(program, self.mode);
    }

    /// The command that opens a URL in this browser.
    #[cfg(windows)]
    pub fn command(&self, url: &str) -> String {
        self.launcher.command(url)
    }

    /// The URLs that launchers were run with so far.
    pub fn urls(&self) -> Vec<String> {
        self.shared.seen().urls.clone()
    }

    /// Waits for the first URL.
    pub fn wait_for_url(&self) -> String {
        self.wait_for_urls(1).remove(0)
    }

    /// Waits until launchers were run `count` times.
    pub fn wait_for_urls(&self, count: usize) -> Vec<String> {
        self.shared.wait(|seen| seen.urls.len() >= count).urls.clone()
    }

    /// Waits for the end of the first journey.
    pub fn wait_for_journey(&self) -> Journey {
        self.shared.wait(|seen| !seen.journeys.is_empty()).journeys[0].clone()
    }

    /// Opens a URL by hand, as a user who copies it from the terminal does.
    pub fn open(&self, url: &str) -> Journey {
        self.shared.travel(url)
    }
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("the browser's state")
    }

    fn wait(&self, ready: impl Fn(&Seen) -> bool) -> MutexGuard<'_, Seen> {
        let (seen, wait) =
            self.changed.wait_timeout_while(self.seen(), PATIENCE, |seen| !ready(seen)).expect("the browser's state");
        let urls = seen.urls.clone();
        assert!(!wait.timed_out(), "the browser was given {urls:?} and no more");
        seen
    }

    fn launched(self: &Arc<Self>, url: &str, follow: bool) {
        self.seen().urls.push(url.to_string());
        self.changed.notify_all();
        if follow {
            let (shared, url) = (self.clone(), url.to_string());
            std::thread::spawn(move || shared.travel(&url));
        }
    }

    fn travel(&self, url: &str) -> Journey {
        // An idle connection beside the one in use, as Chromium opens one; if it fails, so does the request below.
        drop(self.client.preconnect(url));
        let journey = match self.client.follow(url) {
            Ok(pages) => Journey { pages, error: None },
            Err((pages, error)) => Journey { pages, error: Some(error.to_string()) },
        };
        self.seen().journeys.push(journey.clone());
        self.changed.notify_all();
        journey
    }
}
