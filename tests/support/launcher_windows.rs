//! A launcher for `--browser-command`: this test program, started anew to report the URL.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use super::browser::Mode;

/// The test that is the launcher.
const PROGRAM: &str = "support::launcher::reports_its_url";

/// What launchers wait for: a byte that tells them to succeed or to fail. Those that block never get one.
const SUCCEED: u8 = b'0';
const FAIL: u8 = b'1';

/// Removed when it is dropped; launchers that still run then end.
pub struct Launcher {
    port: u16,
    ended: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl Launcher {
    /// `open` gets the URL of each launcher that runs.
    pub fn install(mode: Mode, open: impl Fn(&str) + Send + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let (port, ended) = (listener.local_addr()?.port(), Arc::new(AtomicBool::new(false)));
        let is_over = ended.clone();
        let serve = move || {
            let mut blocked = Vec::new();
            for launcher in listener.incoming().map_while(Result::ok).take_while(|_| !is_over.load(Ordering::Relaxed)) {
                let mut reader = BufReader::new(launcher);
                let mut url = String::new();
                reader.read_line(&mut url).expect("a line of a launcher");
                open(url.trim_end());
                let mut launcher = reader.into_inner();
                match mode {
                    Mode::Block => blocked.push(launcher),
                    mode => launcher.write_all(&[if mode == Mode::Fail { FAIL } else { SUCCEED }]).expect("a launcher"),
                }
            }
        };
        Ok(Launcher { port, ended, listener: Some(std::thread::spawn(serve)) })
    }

    pub fn folder(&self) -> &Path {
        panic!("no program of this platform is found in a PATH by a name")
    }

    pub fn offer_to(&self, program: &mut Command, mode: Mode) {
        if mode == Mode::Absent {
            // Over SSH no browser would be on the user's screen.
            program.env("SSH_CONNECTION", "192.0.2.1 49152 192.0.2.2 22");
        } else {
            program.env("KUBEKEY_BROWSER_COMMAND", self.command("%s"));
        }
    }

    /// The command that opens a URL.
    pub fn command(&self, url: &str) -> String {
        let this = std::env::current_exe().expect("this program");
        format!("\"{}\" --ignored --exact {PROGRAM} {} {url}", this.display(), self.port)
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let told = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok();
        let ended = told && self.listener.take().is_some_and(|listener| listener.join().is_ok());
        assert!(ended || std::thread::panicking(), "the browser broke");
    }
}

#[test]
#[ignore = "the launcher that other tests run"]
fn reports_its_url() {
    let mut arguments = std::env::args().rev();
    let url = arguments.next().expect("a URL");
    let port: u16 = arguments.next().and_then(|port| port.parse().ok()).expect("a port");
    let mut test = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the test that launches");
    writeln!(test, "{url}").expect("the test that launches");
    let mut answer = [FAIL];
    // A test that has ended closes the connection.
    let _ = test.read(&mut answer);
    assert_eq!(answer, [SUCCEED]);
}
