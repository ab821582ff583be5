//! A Secret Service that refuses some calls. It has a bus of its own, and everything else it passes on to the real keyring.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tempfile::TempDir;
use zbus5::Message;
use zbus5::blocking::{Connection, MessageIterator};
use zbus5::message::{Body, Header, Type};
use zbus5::zvariant::{OwnedValue, Structure};

use super::keyring::{Keyring, SERVICE, connect, start_bus};
use super::process::Process;

/// What is refused.
#[derive(Clone, Copy)]
pub enum Refusal {
    /// Each session without encryption.
    PlainSessions,
    /// The first call of this method, as if there were none. gnome-keyring does that once in some 10,000 calls.
    FirstCallOf(&'static str),
}

/// Its bus ends when it is dropped.
pub struct KeyringRelay {
    /// First in this list, so that it ends first.
    guard: Option<Process>,
    bus: Process,
    address: String,
    calls: Calls,
    relay: Option<JoinHandle<()>>,
    _folder: TempDir,
}

impl KeyringRelay {
    pub fn start(keyring: &Keyring, refusal: Refusal) -> io::Result<Self> {
        let folder = TempDir::with_prefix("keyring-relay-")?;
        let (bus, address) = start_bus(folder.path())?;
        let guard = Some(Process::guard(&[&bus])?);
        let calls = Calls::default();
        let relay = Relay::connect(&address, keyring, refusal, Arc::clone(&calls)).map_err(io::Error::other)?;
        let relay = Some(std::thread::spawn(move || relay.run()));
        Ok(KeyringRelay { guard, bus, address, calls, relay, _folder: folder })
    }

    /// For `DBUS_SESSION_BUS_ADDRESS`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The methods called so far, and of `OpenSession` with which algorithm.
    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().expect("the calls").clone()
    }
}

impl Drop for KeyringRelay {
    fn drop(&mut self) {
        drop(self.guard.take());
        let ended = self.bus.kill().is_ok() && self.relay.take().is_none_or(|relay| relay.join().is_ok());
        assert!(ended || std::thread::panicking(), "the relay broke");
    }
}

type Calls = Arc<Mutex<Vec<String>>>;

struct Relay {
    here: Connection,
    there: Connection,
    arriving: MessageIterator,
    refusal: Refusal,
    calls: Calls,
}

impl Relay {
    fn connect(address: &str, keyring: &Keyring, refusal: Refusal, calls: Calls) -> zbus5::Result<Self> {
        let (here, there) = (connect(address)?, connect(keyring.address())?);
        // Before anybody can call.
        let arriving = MessageIterator::from(&here);
        here.request_name(SERVICE)?;
        Ok(Relay { here, there, arriving, refusal, calls })
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
        if let Some(error) = self.refusal_of(call, &header)? {
            return self.here.reply_error(&header, error, &"refused");
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

    /// The name of the error that is to be the answer.
    fn refusal_of(&self, call: &Message, header: &Header<'_>) -> zbus5::Result<Option<&'static str>> {
        let mut name = header.member().expect("a member").to_string();
        if name == "OpenSession" {
            let (algorithm, _): (String, OwnedValue) = call.body().deserialize()?;
            name = format!("{name} {algorithm}");
        }
        let mut calls = self.calls.lock().expect("the calls");
        let refused = match self.refusal {
            Refusal::PlainSessions if name == "OpenSession plain" => Some("org.freedesktop.DBus.Error.NotSupported"),
            Refusal::FirstCallOf(method) if name == method && !calls.contains(&name) => {
                Some("org.freedesktop.DBus.Error.UnknownMethod")
            }
            _ => None,
        };
        calls.push(name);
        Ok(refused)
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
