//! A Secret Service that opens no plain session. It has a bus of its own, and everything else it passes on to the real
//! keyring.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tempfile::TempDir;
use zbus5::Message;
use zbus5::blocking::{Connection, MessageIterator};
use zbus5::message::{Body, Type};
use zbus5::zvariant::{OwnedValue, Structure};

use super::keyring::{Keyring, SERVICE, connect, start_bus};
use super::process::Process;

/// Its bus ends when it is dropped.
pub struct PlainRefuser {
    /// First in this list, so that it ends first.
    guard: Option<Process>,
    bus: Process,
    address: String,
    algorithms: Arc<Mutex<Vec<String>>>,
    relay: Option<JoinHandle<()>>,
    _folder: TempDir,
}

impl PlainRefuser {
    pub fn start(keyring: &Keyring) -> io::Result<Self> {
        let folder = TempDir::with_prefix("plain-refuser-")?;
        let (bus, address) = start_bus(folder.path())?;
        let guard = Some(Process::guard(&[&bus])?);
        let algorithms = Arc::default();
        let relay = Relay::connect(&address, keyring, Arc::clone(&algorithms)).map_err(io::Error::other)?;
        let relay = Some(std::thread::spawn(move || relay.run()));
        Ok(PlainRefuser { guard, bus, address, algorithms, relay, _folder: folder })
    }

    /// For `DBUS_SESSION_BUS_ADDRESS`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Those that sessions were asked for with, so far.
    pub fn algorithms(&self) -> Vec<String> {
        self.algorithms.lock().expect("the algorithms").clone()
    }
}

impl Drop for PlainRefuser {
    fn drop(&mut self) {
        drop(self.guard.take());
        let ended = self.bus.kill().is_ok() && self.relay.take().is_none_or(|relay| relay.join().is_ok());
        assert!(ended || std::thread::panicking(), "the relay broke");
    }
}

struct Relay {
    here: Connection,
    there: Connection,
    arriving: MessageIterator,
    algorithms: Arc<Mutex<Vec<String>>>,
}

impl Relay {
    fn connect(address: &str, keyring: &Keyring, algorithms: Arc<Mutex<Vec<String>>>) -> zbus5::Result<Self> {
        let (here, there) = (connect(address)?, connect(keyring.address())?);
        // Before anybody can call.
        let arriving = MessageIterator::from(&here);
        here.request_name(SERVICE)?;
        Ok(Relay { here, there, arriving, algorithms })
    }

    /// Until the bus has ended.
    fn run(&self) {
        for message in self.arriving.clone().map_while(Result::ok) {
            if message.message_type() == Type::MethodCall {
                self.answer(&message).expect("an answer to a call");
            }
        }
    }

    fn answer(&self, call: &Message) -> zbus5::Result<()> {
        let header = call.header();
        if header.member().is_some_and(|member| member == "OpenSession") {
            let (algorithm, _): (String, OwnedValue) = call.body().deserialize()?;
            let is_plain = algorithm == "plain";
            self.algorithms.lock().expect("the algorithms").push(algorithm);
            if is_plain {
                return self.here.reply_error(&header, "org.freedesktop.DBus.Error.NotSupported", &"not plain");
            }
        }
        match self.pass_on(call) {
            Ok(answer) => match arguments(&answer.body())? {
                Some(arguments) => self.here.reply(&header, &arguments),
                None => self.here.reply(&header, &()),
            },
            Err(zbus5::Error::MethodError(name, text, _)) => {
                self.here.reply_error(&header, name, &text.unwrap_or_default())
            }
            Err(error) => Err(error),
        }
    }

    fn pass_on(&self, call: &Message) -> zbus5::Result<Message> {
        let header = call.header();
        let (path, member) = (header.path().expect("a path"), header.member().expect("a member"));
        let (service, interface) = (Some(SERVICE), header.interface());
        match arguments(&call.body())? {
            Some(arguments) => self.there.call_method(service, path, interface, member, &arguments),
            None => self.there.call_method(service, path, interface, member, &()),
        }
    }
}

/// Whatever they are; `None` if there are none.
fn arguments(body: &Body) -> zbus5::Result<Option<Structure<'_>>> {
    if body.is_empty() { Ok(None) } else { body.deserialize().map(Some) }
}
