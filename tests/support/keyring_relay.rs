//! A Secret Service with a fault. It has its own bus, and passes everything else on to the real keyring.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;
use zbus5::Message;
use zbus5::blocking::{Connection, MessageIterator};
use zbus5::message::{Body, Header, Type};
use zbus5::zvariant::{ObjectPath, OwnedValue, Structure, Value};

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
    /// It shows a prompt for this method, as KeePassXC does for new items, and the prompt ends like this.
    Prompts(&'static str, End),
    /// It shows no prompt when it is to be unlocked, and stays locked.
    StaysLocked,
    /// It finds a new item once, and then no more.
    Loses,
    /// It returns a new item once as it was saved, and then another value.
    Changes,
    /// It answers this method with a number.
    Babbles(&'static str),
    /// It answers this method with the error of this name.
    Fails(&'static str, &'static str),
    /// It never answers this method.
    Ignores(&'static str),
    /// It leaves the bus when this method is called.
    EndsAt(&'static str),
}

/// How a prompt ends.
#[derive(Clone, Copy, PartialEq)]
pub enum End {
    /// Nobody answers it.
    Never,
    /// A person dismisses it.
    Dismissed,
    /// The keyring leaves the bus as soon as it shows it.
    Vanishes,
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

/// No item, or no prompt.
const NOTHING: ObjectPath<'_> = ObjectPath::from_static_str_unchecked("/");

/// No objects.
const NONE: [ObjectPath<'_>; 0] = [];

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
        match (self.fault, &*method) {
            (Fault::IsSlow, _) => std::thread::sleep(Duration::from_millis(900)),
            (Fault::Ignores(ignored), method) if ignored == method => return Ok(()),
            (Fault::EndsAt(last), method) if last == method => return self.here.clone().close(),
            (Fault::Babbles(at), method) if at == method => return self.here.reply(&header, &7u32),
            (Fault::KeepsNothing, "CreateItem") => return self.here.reply(&header, &(ITEM, NOTHING)),
            (Fault::StaysLocked, "Unlock") => return self.here.reply(&header, &(&NONE[..], NOTHING)),
            (Fault::Loses, "SearchItems") if self.has_read_back(&method) => {
                return self.here.reply(&header, &(&NONE[..], &NONE[..]));
            }
            (Fault::Changes, "GetSecret") if self.has_read_back(&method) => {
                let (parameters, value) = (Vec::<u8>::new(), b"another".to_vec());
                return self.here.reply(&header, &((NOTHING, parameters, value, "text/plain"),));
            }
            (Fault::Prompts(at, end), method) if at == method || method == "Prompt" => {
                return self.prompt(&header, method, end);
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

    /// Announces the prompt, or shows it.
    fn prompt(&self, header: &Header<'_>, method: &str, end: End) -> zbus5::Result<()> {
        match method {
            "CreateItem" => return self.here.reply(header, &(NOTHING, PROMPT)),
            "Unlock" => return self.here.reply(header, &(&NONE[..], PROMPT)),
            "Prompt" => self.here.reply(header, &())?,
            _ => return self.here.reply(header, &PROMPT),
        }
        let of_prompt = "org.freedesktop.Secret.Prompt";
        match end {
            End::Never => Ok(()),
            End::Dismissed => {
                let dismissed = (true, Value::from(""));
                self.here.emit_signal(None::<&str>, PROMPT, of_prompt, "Completed", &dismissed)
            }
            End::Vanishes => self.here.clone().close(),
        }
    }

    /// Whether kubekey has called this method since it created an item.
    fn has_read_back(&self, method: &str) -> bool {
        let calls = self.calls.lock().expect("the calls");
        calls.iter().skip_while(|call| *call != "CreateItem").any(|call| call == method)
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
            Fault::Fails(method, error) if name == method => Some(error),
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
