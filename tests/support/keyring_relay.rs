//! A Secret Service with a fault. It has its own bus, and passes everything else on to the real keyring.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;
use zbus5::Message;
use zbus5::blocking::{Connection, MessageIterator};
use zbus5::message::{Body, Header, Type};
use zbus5::zvariant::{ObjectPath, OwnedValue, Structure};

use super::keyring::{Keyring, SERVICE, connect, start_bus};
use super::process::Process;

/// What is wrong with it.
#[derive(Clone, Copy, PartialEq)]
pub enum Fault {
    /// It refuses every session without encryption.
    RefusesPlainSessions,
    /// It refuses the first call of this method, as if there were no such method. gnome-keyring does so about once in
    /// 10,000 calls.
    RefusesFirst(&'static str),
    /// Each reply takes a second.
    IsSlow,
    /// It accepts new items, and saves none.
    KeepsNothing,
    /// It creates new items behind a prompt, as KeePassXC does, and the prompt is never completed.
    NeverCompletes,
    /// It leaves the bus as soon as it shows that prompt.
    Vanishes,
    /// It never answers this method.
    Ignores(&'static str),
    /// It leaves the bus when this method is called.
    EndsAt(&'static str),
}

/// Its bus ends when it is dropped.
pub struct KeyringRelay {
    /// Declared first, so that it ends first.
    guard: Option<Process>,
    bus: Process,
    address: String,
    calls: Calls,
    relay: Option<JoinHandle<()>>,
    _folder: TempDir,
}

impl KeyringRelay {
    pub fn start(keyring: &Keyring, fault: Fault) -> io::Result<Self> {
        let folder = TempDir::with_prefix("keyring-relay-")?;
        let (bus, address) = start_bus(folder.path())?;
        let guard = Some(Process::guard(&[&bus])?);
        let calls = Calls::default();
        let relay = Relay::connect(&address, keyring, fault, Arc::clone(&calls)).map_err(io::Error::other)?;
        let relay = Some(std::thread::spawn(move || relay.run()));
        Ok(KeyringRelay { guard, bus, address, calls, relay, _folder: folder })
    }

    /// The value of `DBUS_SESSION_BUS_ADDRESS`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The methods called so far; for `OpenSession` with the algorithm.
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

/// An item that does not exist, and a prompt.
const ITEM: ObjectPath<'_> = ObjectPath::from_static_str_unchecked("/org/freedesktop/secrets/collection/login/0");
const PROMPT: ObjectPath<'_> = ObjectPath::from_static_str_unchecked("/org/freedesktop/secrets/prompt/p0");

type Calls = Arc<Mutex<Vec<String>>>;

struct Relay {
    here: Connection,
    there: Connection,
    arriving: MessageIterator,
    fault: Fault,
    calls: Calls,
}

impl Relay {
    fn connect(address: &str, keyring: &Keyring, fault: Fault, calls: Calls) -> zbus5::Result<Self> {
        let (here, there) = (connect(address)?, connect(keyring.address())?);
        // First, so that no call is missed.
        let arriving = MessageIterator::from(&here);
        here.request_name(SERVICE)?;
        Ok(Relay { here, there, arriving, fault, calls })
    }

    /// Runs until the bus ends.
    fn run(&self) {
        for message in self.arriving.clone().map_while(Result::ok) {
            if message.message_type() == Type::MethodCall {
                match self.answer(&message) {
                    // The bus has ended meanwhile.
                    Err(zbus5::Error::InputOutput(_)) => return,
                    answered => answered.expect("an answer to a call"),
                }
            }
        }
    }

    fn answer(&self, call: &Message) -> zbus5::Result<()> {
        let header = call.header();
        let method = header.member().expect("a member").to_string();
        let nothing = ObjectPath::from_static_str_unchecked("/");
        match (self.fault, &*method) {
            (Fault::IsSlow, _) => std::thread::sleep(Duration::from_millis(900)),
            (Fault::Ignores(ignored), method) if ignored == method => return Ok(()),
            (Fault::EndsAt(last), method) if last == method => return self.here.clone().close(),
            (Fault::KeepsNothing, "CreateItem") => return self.here.reply(&header, &(ITEM, nothing)),
            (Fault::NeverCompletes | Fault::Vanishes, "CreateItem") => {
                return self.here.reply(&header, &(nothing, PROMPT));
            }
            (Fault::NeverCompletes | Fault::Vanishes, "Prompt") => {
                self.here.reply(&header, &())?;
                return if self.fault == Fault::Vanishes { self.here.clone().close() } else { Ok(()) };
            }
            _ => {}
        }
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

    /// The name of the error to reply with, if any.
    fn refusal_of(&self, call: &Message, header: &Header<'_>) -> zbus5::Result<Option<&'static str>> {
        let mut name = header.member().expect("a member").to_string();
        if name == "OpenSession" {
            let (algorithm, _): (String, OwnedValue) = call.body().deserialize()?;
            name = format!("{name} {algorithm}");
        }
        let mut calls = self.calls.lock().expect("the calls");
        let refused = match self.fault {
            Fault::RefusesPlainSessions if name == "OpenSession plain" => {
                Some("org.freedesktop.DBus.Error.NotSupported")
            }
            Fault::RefusesFirst(method) if name == method && !calls.contains(&name) => {
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

/// The arguments of any call; `None` if it has none.
fn arguments(body: &Body) -> zbus5::Result<Option<Structure<'_>>> {
    if body.is_empty() { Ok(None) } else { body.deserialize().map(Some) }
}
