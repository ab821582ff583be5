//! The launchers of a desktop, which `kubekey` finds first in its `PATH`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::JoinHandle;

use tempfile::TempDir;

use super::browser::Mode;

/// Every launcher that a desktop may have. All are replaced: if one fails, none of the machine's own is tried.
const LAUNCHERS: [&str; 6] = ["xdg-open", "gio", "gnome-open", "kde-open6", "kde-open5", "kde-open"];

/// Tells the listener that no launcher will run any more.
const END: &str = "end";

/// Removed when it is dropped; launchers that still run then end.
pub struct Launcher {
    folder: TempDir,
    listener: Option<JoinHandle<()>>,
}

impl Launcher {
    /// `open` gets the URL of each launcher that runs.
    pub fn install(mode: Mode, open: impl Fn(&str) + Send + 'static) -> io::Result<Self> {
        let mut launcher = Launcher { folder: TempDir::with_prefix("browser-")?, listener: None };
        if mode != Mode::Absent {
            launcher.listener = Some(launcher.listen(open)?);
            for name in LAUNCHERS {
                write_script(&launcher.folder().join(name), &launcher.script(mode))?;
            }
        }
        Ok(launcher)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn offer_to(&self, program: &mut Command, mode: Mode) {
        let folder = self.folder().display();
        if mode == Mode::Absent {
            // It must not find the machine's own launcher.
            program.env("PATH", folder.to_string());
        } else {
            // A screen that is not there: the launchers are ours.
            program.env("PATH", format!("{folder}:/usr/bin:/bin")).env("DISPLAY", ":4711");
        }
    }

    /// Launchers write their URL here.
    fn launched(&self) -> PathBuf {
        self.folder().join("launched")
    }

    /// Launchers that block wait here until something is written.
    fn gate(&self) -> PathBuf {
        self.folder().join("gate")
    }

    fn script(&self, mode: Mode) -> String {
        let then = match mode {
            Mode::Block => format!("exec timeout 600 cat '{}'", self.gate().display()),
            Mode::Fail => "exit 1".to_string(),
            _ => "exit 0".to_string(),
        };
        // The URL is the last argument: `gio open URL`.
        let launched = self.launched();
        let launched = launched.display();
        format!("#!/bin/sh\nfor url; do :; done\nprintf '%s\\n' \"$url\" >'{launched}'\n{then}\n")
    }

    /// Reads what the launchers write, on a thread.
    fn listen(&self, open: impl Fn(&str) + Send + 'static) -> io::Result<JoinHandle<()>> {
        let fifos = [self.launched(), self.gate()];
        let made = Command::new("mkfifo").args(fifos).status()?;
        if !made.success() {
            return Err(io::Error::other("mkfifo failed"));
        }
        let fifo = open_fifo(&self.launched())?;
        Ok(std::thread::spawn(move || {
            for line in BufReader::new(fifo).lines() {
                let url = line.expect("a line of a launcher");
                if url == END {
                    return;
                }
                open(&url);
            }
        }))
    }
}

impl Drop for Launcher {
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

/// Opened for both directions: opening a FIFO for one would wait until it is opened for the other, and the launchers'
/// stream would end with the first of them.
fn open_fifo(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

fn write_script(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}
