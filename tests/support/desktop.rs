//! A private D-Bus session and an invisible screen, for programs that store secrets and have windows.

use std::fs::DirBuilder;
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use zbus5::blocking::Connection;

use super::keyring::{connect, start_bus};
use super::process::Process;

pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Bus and screen end when it is dropped.
pub struct Desktop {
    display: String,
    address: String,
    pub(super) connection: Connection,
    folder: TempDir,
    pub(super) screen: Process,
    pub(super) bus: Process,
}

impl Desktop {
    pub fn start() -> io::Result<Self> {
        let folder = TempDir::with_prefix("desktop-")?;
        DirBuilder::new().mode(0o700).create(folder.path().join("runtime"))?;
        let (bus, address) = start_bus(folder.path())?;
        let (screen, display) = start_screen()?;
        let connection = connect(&address).map_err(io::Error::other)?;
        Ok(Self { display, address, connection, folder, screen, bus })
    }

    /// The value of `DBUS_SESSION_BUS_ADDRESS`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The value of `DISPLAY`.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// The home of its programs.
    pub fn home(&self) -> &Path {
        self.folder.path()
    }

    /// A program on this screen, with `/dev/null` for its standard streams.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("XDG_RUNTIME_DIR", self.home().join("runtime"))
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .env("DISPLAY", &self.display)
            .env("QT_QPA_PLATFORM", "xcb")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }
}

impl Drop for Desktop {
    /// A killed screen would leave its socket behind.
    fn drop(&mut self) {
        self.screen.signal_if_running("TERM");
        drop(self.screen.child().wait());
    }
}

/// Starts a screen with a free number, which it reports.
fn start_screen() -> io::Result<(Process, String)> {
    let mut screen = Process::start(
        Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null()),
    )?;
    let mut number = String::new();
    BufReader::new(screen.child().stdout.take().expect("piped")).read_line(&mut number)?;
    Ok((screen, format!(":{}", number.trim_end())))
}

pub(super) fn wait_until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
