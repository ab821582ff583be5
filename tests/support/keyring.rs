//! A private D-Bus session with a real `gnome-keyring-daemon` on it, unlocked.

use std::collections::HashMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use secret_service::EncryptionType;
use secret_service::blocking::{Item, SecretService};
use zbus5::blocking::connection::Builder;
use zbus5::blocking::fdo::DBusProxy;
use zbus5::blocking::{Connection, Proxy};
use zbus5::zvariant::{OwnedObjectPath, OwnedValue, Value};

use super::process::Process;

const PATIENCE: Duration = Duration::from_secs(30);
pub(super) const SERVICE: &str = "org.freedesktop.secrets";
const PATH: &str = "/org/freedesktop/secrets";
const PASSWORD: &[u8] = b"correct horse";

/// Both programs end when it is dropped.
pub struct Keyring {
    /// Declared first, so that it ends first.
    guard: Process,
    address: String,
    daemon: Process,
    connection: Connection,
    bus_config: PathBuf,
    bus: Process,
}

impl Keyring {
    /// Stores its files in `home`, which has a `runtime` folder.
    ///
    /// # Errors
    /// `NotFound`: `dbus-daemon` or `gnome-keyring-daemon` is not installed.
    pub fn start(home: &Path) -> io::Result<Self> {
        let (bus, address) = start_bus(home)?;
        let daemon = start_daemon(home, &address)?;
        let guard = Process::guard(&[&bus, &daemon])?;
        let connection = connect(&address).map_err(io::Error::other)?;
        let keyring = Keyring { guard, address, daemon, connection, bus_config: home.join(BUS_CONFIG_FILE), bus };
        keyring.wait_until("the keyring is there", || !keyring.is_locked());
        Ok(keyring)
    }

    /// The value of `DBUS_SESSION_BUS_ADDRESS`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The secrets with the attribute `service=kubekey`.
    pub fn secrets(&self) -> Vec<String> {
        self.with_items(|items| items.iter().map(secret).collect())
    }

    /// The attributes of these secrets.
    pub fn attributes(&self) -> Vec<HashMap<String, String>> {
        self.with_items(|items| {
            let attributes = items.iter().map(|item| item.get_attributes());
            attributes.map(|one| one.expect("attributes")).collect()
        })
    }

    /// Replaces the one secret that kubekey saved.
    pub fn replace(&self, text: &str) {
        self.with_items(|items| {
            let [item] = items else {
                panic!("{} saved secrets where one was expected", items.len());
            };
            let set = item.set_secret(text.as_bytes(), "text/plain");
            set.expect("a secret that can be set");
        });
    }

    /// Copies the one secret that kubekey saved to another collection, with another value.
    pub fn copy_elsewhere(&self, text: &str) {
        let attributes = self.attributes().remove(0);
        let attributes = attributes.iter().map(|(name, value)| (&**name, &**value)).collect();
        let service = self.service();
        let elsewhere = service.get_collection_by_alias("session").expect("the session's collection");
        let made = elsewhere.create_item("elsewhere", attributes, text.as_bytes(), true, "text/plain");
        made.expect("an item in it");
    }

    /// Deletes what kubekey saved.
    pub fn clear(&self) {
        self.with_items(|items| {
            for item in items {
                item.delete().expect("a secret that can be deleted");
            }
        });
    }

    /// Locks the default collection.
    pub fn lock(&self) {
        let service = self.service();
        let collection = service.get_default_collection();
        let locked = collection.and_then(|collection| collection.lock());
        locked.expect("a collection that can be locked");
    }

    /// Unlocks it again with its password, as a login to the desktop would.
    pub fn unlock(&self) {
        let unlocked = self.try_unlock();
        unlocked.expect("a collection that can be unlocked");
        assert!(!self.is_locked(), "still locked");
    }

    pub fn is_locked(&self) -> bool {
        let Ok(service) = self.try_service() else {
            return true;
        };
        let collection = service.get_default_collection();
        collection.and_then(|collection| collection.is_locked()).unwrap_or(true)
    }

    /// From now on, saved items can be read and removed, but no new ones saved.
    pub fn refuse_new_items(&self) {
        let text = fs::read_to_string(&self.bus_config).expect("the bus's configuration");
        let rule = r#"<deny send_interface="org.freedesktop.Secret.Collection" send_member="CreateItem"/>"#;
        fs::write(&self.bus_config, text.replace("</policy>", &format!("{rule}</policy>"))).expect("a file of ours");
        DBusProxy::new(&self.connection).and_then(|bus| Ok(bus.reload_config()?)).expect("a bus that reads it again");
    }

    /// Ends the daemon: the session continues without a Secret Service.
    pub fn kill(&mut self) {
        self.guard = Process::guard(&[&self.bus]).expect("a guard");
        self.daemon.kill().expect("a daemon that can be killed");
        self.wait_until("the keyring is gone", || !self.has_service());
    }

    /// Starts another daemon after [`Keyring::kill`]. Without the password its collection is there but locked, as when
    /// D-Bus restarts the daemon after a crash.
    pub fn start_again(&mut self, home: &Path, with_password: bool) {
        let mut command = daemon_command(home, &self.address);
        command.args(["--foreground", "--components=secrets"]);
        if with_password {
            command.arg("--unlock");
        }
        self.daemon = Process::start(&mut command).expect("a daemon");
        let mut input = self.daemon.child().stdin.take().expect("piped");
        if with_password {
            input.write_all(PASSWORD).expect("a daemon that reads");
        }
        drop(input);
        self.guard = Process::guard(&[&self.bus, &self.daemon]).expect("a guard");
        self.wait_until("the keyring is there", || self.has_service());
        if with_password {
            self.wait_until("the keyring is unlocked", || !self.is_locked());
        }
    }

    /// The daemon's process ID.
    pub fn process(&mut self) -> u32 {
        self.daemon.child().id()
    }

    /// Pauses the daemon: it stays on the bus and answers nothing.
    pub fn pause(&self) {
        self.daemon.signal("STOP");
    }

    pub fn resume(&self) {
        self.daemon.signal("CONT");
    }

    /// [`Keyring::resume`] for another thread.
    pub fn resumer(&self) -> impl FnOnce() + Send + 'static {
        let daemon = self.daemon.signaller("CONT");
        move || daemon()
    }

    /// Pauses the bus: it accepts connections and answers nothing.
    pub fn pause_bus(&self) {
        self.bus.signal("STOP");
    }

    pub fn resume_bus(&self) {
        self.bus.signal("CONT");
    }

    /// The Secret Service's own `Unlock` asks the user; gnome-keyring has another call, which takes the password.
    fn try_unlock(&self) -> zbus5::Result<()> {
        let service = Proxy::new(&self.connection, SERVICE, PATH, "org.freedesktop.Secret.Service")?;
        let plain = ("plain", Value::from(""));
        let (_, session): (OwnedValue, OwnedObjectPath) = service.call("OpenSession", &plain)?;
        let collection: OwnedObjectPath = service.call("ReadAlias", &("default",))?;
        let password = (session, Vec::<u8>::new(), PASSWORD, "text/plain");
        let guilt = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface";
        Proxy::new(&self.connection, SERVICE, PATH, guilt)?.call("UnlockWithMasterPassword", &(collection, password))
    }

    fn with_items<T>(&self, use_items: impl FnOnce(&[Item]) -> T) -> T {
        let service = self.service();
        let attributes = HashMap::from([("service", "kubekey")]);
        let items = service.search_items(attributes).expect("a search");
        use_items(&items.unlocked)
    }

    fn service(&self) -> SecretService<'_> {
        self.try_service().expect("the Secret Service")
    }

    /// Fails at once while no process owns the name: a call to it would wait for a service to start.
    fn try_service(&self) -> Result<SecretService<'_>, secret_service::Error> {
        if !self.has_service() {
            return Err(secret_service::Error::Unavailable);
        }
        SecretService::connect_with_existing(EncryptionType::Plain, self.connection.clone())
    }

    fn has_service(&self) -> bool {
        let bus = DBusProxy::new(&self.connection).expect("the bus");
        let name = SERVICE.try_into().expect("a bus name");
        bus.name_has_owner(name).expect("an answer of the bus")
    }

    fn wait_until(&self, what: &str, done: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done() {
            assert!(Instant::now() < deadline, "waited too long until {what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn secret(item: &Item) -> String {
    let secret = item.get_secret().expect("an unlocked secret");
    String::from_utf8(secret).expect("a secret that is text")
}

/// With a time-out, so that a paused daemon fails a test instead of hanging it.
pub(super) fn connect(address: &str) -> zbus5::Result<Connection> {
    Builder::address(address)?.method_timeout(PATIENCE).build()
}

/// Without service folders: nothing is started on demand, and no prompt appears on a real screen.
pub(super) fn start_bus(home: &Path) -> io::Result<(Process, String)> {
    let config = home.join(BUS_CONFIG_FILE);
    let socket = home.join("bus").display().to_string();
    fs::write(&config, BUS_CONFIG.replace("{socket}", &socket))?;
    let mut bus = Process::start(
        Command::new("dbus-daemon")
            .arg("--nofork")
            .arg("--print-address=1")
            .arg("--config-file")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null()),
    )?;
    let stdout = bus.child().stdout.take().expect("piped");
    let mut address = String::new();
    BufReader::new(stdout).read_line(&mut address)?;
    Ok((bus, address.trim_end().to_string()))
}

const BUS_CONFIG_FILE: &str = "session.conf";

const BUS_CONFIG: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

fn start_daemon(home: &Path, address: &str) -> io::Result<Process> {
    let mut command = daemon_command(home, address);
    command.args(["--foreground", "--unlock", "--components=secrets"]);
    let mut daemon = Process::start(&mut command)?;
    give_password(daemon.child())?;
    Ok(daemon)
}

fn daemon_command(home: &Path, address: &str) -> Command {
    let mut command = Command::new("gnome-keyring-daemon");
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home.join("runtime"))
        .env("DBUS_SESSION_BUS_ADDRESS", address)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// The daemon reads to the end of its input; a newline would be part of the password.
fn give_password(daemon: &mut std::process::Child) -> io::Result<()> {
    daemon.stdin.take().expect("piped").write_all(PASSWORD)
}
