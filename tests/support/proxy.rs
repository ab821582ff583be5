//! Real proxies on loopback, tinyproxy and microsocks; and the machine's own address, which a connection can reach
//! through them.

use std::fs;
use std::net::{IpAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::process::Process;

const PATIENCE: Duration = Duration::from_secs(10);

/// The credentials that they require.
pub const USER: &str = "jane";
pub const PASSWORD: &str = "canary-of.the_proxy";

/// Killed when it is dropped.
pub struct Proxy {
    _process: Process,
    folder: TempDir,
    port: u16,
}

impl Proxy {
    /// With a user name and a password; it allows connections to this port only.
    pub fn start(connect_port: u16) -> Self {
        let folder = TempDir::with_prefix("proxy-").expect("a temporary folder");
        // Another process may take the port before tinyproxy does; then it tries another one.
        for _ in 0..5 {
            let port = free_port();
            let file = folder.path().join("tinyproxy.conf");
            let log = folder.path().join("log");
            let lines = [
                format!("Port {port}"),
                "Listen 127.0.0.1".into(),
                "Timeout 60".into(),
                "MaxClients 100".into(),
                format!("LogFile \"{}\"", log.display()),
                "LogLevel Connect".into(),
                format!("BasicAuth {USER} {PASSWORD}"),
                format!("ConnectPort {connect_port}"),
            ];
            fs::write(&file, lines.join("\n") + "\n").expect("a configuration");
            let mut command = Command::new("tinyproxy");
            command.arg("-d").arg("-c").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let mut process = Process::start(&mut command).expect("tinyproxy, see tests/install");
            if listens(&mut process, port) {
                return Proxy { _process: process, folder, port };
            }
        }
        panic!("tinyproxy does not start")
    }

    /// Its URL, without a user name.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its URL with these credentials, verbatim.
    pub fn url_with(&self, credentials: &str) -> String {
        format!("http://{credentials}@127.0.0.1:{}", self.port)
    }

    /// How many connections to this address were requested.
    pub fn connections_to(&self, address: &str) -> usize {
        let log = fs::read_to_string(self.log()).expect("tinyproxy's log");
        log.lines().filter(|line| line.contains(&format!("CONNECT {address} "))).count()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

/// A real SOCKS 5 proxy, microsocks, on loopback, with the same user name and password. Killed when it is dropped.
pub struct SocksProxy {
    _process: Process,
    folder: TempDir,
    port: u16,
}

impl SocksProxy {
    pub fn start() -> Self {
        let folder = TempDir::with_prefix("socks-").expect("a temporary folder");
        for _ in 0..5 {
            let port = free_port();
            let log = fs::File::create(folder.path().join("log")).expect("a log");
            let mut command = Command::new("microsocks");
            command.args(["-i", "127.0.0.1", "-p", &port.to_string(), "-u", USER, "-P", PASSWORD]);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
            let mut process = Process::start(&mut command).expect("microsocks, see tests/install");
            if listens(&mut process, port) {
                return SocksProxy { _process: process, folder, port };
            }
        }
        panic!("microsocks does not start")
    }

    /// Its URL with this scheme and these credentials, verbatim.
    pub fn url(&self, scheme: &str, credentials: &str) -> String {
        format!("{scheme}://{credentials}127.0.0.1:{}", self.port)
    }

    /// How many connections to this address it has made.
    pub fn connections_to(&self, address: &str) -> usize {
        let log = fs::read_to_string(self.folder.path().join("log")).expect("microsocks' log");
        log.lines().filter(|line| line.ends_with(&format!("connected to {address}"))).count()
    }
}

/// An address of this machine for which connections do not count as loopback.
pub fn own_address() -> IpAddr {
    // Nothing is sent: the system only reports which address it would send from. 192.0.2.1: RFC 5737.
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
    let found = socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr()).map(|address| address.ip());
    match found {
        Ok(address) if !address.is_loopback() && !address.is_unspecified() => address,
        other => panic!("these tests need an IPv4 address other than 127.0.0.1 on this machine: {other:?}"),
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// Waits until it accepts connections; returns at once if it has ended.
fn listens(process: &mut Process, port: u16) -> bool {
    let start = Instant::now();
    while process.child().try_wait().expect("a child").is_none() {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return true;
        }
        assert!(start.elapsed() < PATIENCE, "the proxy does not listen");
        std::thread::sleep(Duration::from_millis(2));
    }
    false
}
