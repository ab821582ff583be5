//! A sign-in that waits for its user: the test.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use url::Url;

use super::browser::Mode;
use super::client::{Page, Step, get};
use super::home::Home;
use super::provider::Provider;
use super::provider::behaviour::Behaviour;
use super::run::{Finished, Running};

const PATIENCE: Duration = Duration::from_secs(30);

pub struct Waiting {
    /// The printed URL.
    pub local: String,
    pub provider: Provider,
    pub running: Running,
    pub home: Home,
}

impl Waiting {
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_at(|_| {}, arguments)
    }

    /// At a provider that offers `form_post`.
    pub fn start_with_form(arguments: &[&str]) -> Self {
        Self::start_at(|behaviour| behaviour.offers_form_post = true, arguments)
    }

    /// At a provider that behaves like this.
    pub fn start_at(configure: impl FnOnce(&mut Behaviour), arguments: &[&str]) -> Self {
        let home = Home::new(Mode::Note);
        let provider = Provider::start();
        provider.configure(configure);
        let running = Running::start(home.kubekey_for(&provider).args(arguments));
        let local = home.browser.wait_for_url();
        Waiting { local, provider, running, home }
    }

    /// The provider's response to the request that our URL redirects to.
    pub fn answer(&self) -> Page {
        get(&get(&self.local).location().expect("a redirect to the provider"))
    }

    /// The redirect URI to which the provider sends the browser, with a code.
    pub fn callback(&self) -> String {
        self.answer().location().expect("a redirect back")
    }

    /// The form with which the provider sends the browser back.
    pub fn form(&self) -> Step {
        self.answer().form().expect("a form")
    }

    /// Another of our URLs.
    pub fn url(&self, path: &str) -> String {
        Url::parse(&self.local).expect("a URL").join(path).expect("a path").into()
    }

    pub fn origin(&self) -> String {
        Url::parse(&self.local).expect("a URL").origin().ascii_serialization()
    }

    /// Connects to the listener and sends this.
    pub fn connect(&self, sent: &str) -> TcpStream {
        let addresses = Url::parse(&self.local).expect("a URL").socket_addrs(|| None).expect("an address");
        let mut stream = TcpStream::connect(&*addresses).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.write_all(sent.as_bytes()).expect("a socket that takes it");
        stream
    }

    /// Whether no process listens there any more.
    pub fn is_gone(local: &str) -> bool {
        let addresses = Url::parse(local).expect("a URL").socket_addrs(|| None).expect("an address");
        TcpStream::connect(&*addresses).is_err()
    }

    /// Signs in as a browser does, and waits for the end.
    pub fn finish(self) -> Finished {
        assert_eq!(self.home.browser.open(&self.local).last().status, 200);
        let finished = self.running.wait();
        finished.credential();
        finished
    }
}

/// Reads until the other side ends the connection.
pub fn read_to_end(mut stream: &TcpStream) -> String {
    let mut read = Vec::new();
    match stream.read_to_end(&mut read) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
        Err(error) => panic!("the connection stays open: {error}"),
    }
    String::from_utf8_lossy(&read).into_owned()
}
