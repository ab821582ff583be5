//! The user's browser: a launcher that `kubekey` finds first on its PATH, and what follows from it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;

use super::client::{Client, Page};

const PATIENCE: Duration = Duration::from_secs(30);
/// All that a desktop may have for opening a URL: if one fails, none of the machine's own is tried.
const LAUNCHERS: [&str; 6] = ["xdg-open", "gio", "gnome-open", "kde-open6", "kde-open5", "kde-open"];

/// What the listener is told when nobody will launch anything any more.
const END: &str = "end";

/// What happens when the launcher is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The browser opens the URL and follows every redirect.
    Follow,
    /// The URL is noted; the test acts as the browser.
    Note,
    /// The URL is noted, and the launcher does not return.
    Block,
    /// The URL is noted, and the launcher fails.
    Fail,
    /// There is no launcher.
    Absent,
}

/// From one run of the launcher to the last page.
#[derive(Clone, Debug)]
pub struct Journey {
    pub pages: Vec<Page>,
    /// Why there was no further page.
    pub error: Option<String>,
}

impl Journey {
    /// The page that the user is left with.
    pub fn last(&self) -> &Page {
        match (&self.error, self.pages.last()) {
            (None, Some(page)) => page,
            (error, _) => panic!("the browser was stuck after {:?}: {error:?}", self.pages),
        }
    }
}

/// Goes away when it is dropped, and lets every launcher end that still runs.
pub struct Browser {
    folder: TempDir,
    mode: Mode,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
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
        let folder = TempDir::with_prefix("browser-")?;
        let shared = Arc::new(Shared::default());
        let mut browser = Browser { folder, mode, shared, listener: None };
        if mode != Mode::Absent {
            browser.listener = Some(browser.listen()?);
            for name in LAUNCHERS {
                write_script(&browser.folder().join(name), &browser.script())?;
            }
        }
        Ok(browser)
    }

    /// The folder of the launcher, for the front of a PATH.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The URLs that launchers were run with, so far.
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

    /// Opens a URL by hand, as the user does who copies it from the terminal.
    pub fn open(&self, url: &str) -> Journey {
        self.shared.travel(url)
    }

    /// Launchers write their URL here.
    fn launched(&self) -> PathBuf {
        self.folder().join("launched")
    }

    /// Launchers that block wait here for somebody to write.
    fn gate(&self) -> PathBuf {
        self.folder().join("gate")
    }

    fn script(&self) -> String {
        let then = match self.mode {
            Mode::Block => format!("exec timeout 600 cat '{}'", self.gate().display()),
            Mode::Fail => "exit 1".to_string(),
            _ => "exit 0".to_string(),
        };
        // The URL is the last argument: `gio open URL`.
        let launched = self.launched();
        let launched = launched.display();
        format!("#!/bin/sh\nfor url; do :; done\nprintf '%s\\n' \"$url\" >'{launched}'\n{then}\n")
    }

    /// Reads what the launchers say, on a thread.
    fn listen(&self) -> io::Result<JoinHandle<()>> {
        let fifos = [self.launched(), self.gate()];
        let made = Command::new("mkfifo").args(fifos).status()?;
        if !made.success() {
            return Err(io::Error::other("mkfifo failed"));
        }
        let fifo = open_fifo(&self.launched())?;
        let (shared, follow) = (self.shared.clone(), self.mode == Mode::Follow);
        Ok(std::thread::spawn(move || {
            for line in BufReader::new(fifo).lines() {
                let url = line.expect("a line of a launcher");
                if url == END {
                    return;
                }
                shared.launched(&url, follow);
            }
        }))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let Some(listener) = self.listener.take() else {
            return;
        };
        let told = open_fifo(&self.launched())
            .and_then(|mut fifo| writeln!(fifo, "{END}"))
            .and_then(|()| open_fifo(&self.gate()));
        let ended = told.is_ok() && listener.join().is_ok();
        assert!(ended || std::thread::panicking(), "the browser broke");
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
        // An idle connection beside the one in use, as Chromium makes it; that it fails is found out below.
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

/// For both directions: to open a FIFO for one would wait for somebody to open it for the other, and the stream
/// of the launchers would end with the first of them.
fn open_fifo(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

fn write_script(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}
