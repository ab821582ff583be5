//! A desktop with a real KeePassXC as its Secret Service.

use std::fs;
use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use zbus5::blocking::Proxy;

use super::desktop::{Desktop, PATIENCE, wait_until};
use super::keyring::SERVICE;
use super::process::Process;

const PASSWORD: &str = "correct horse";
const UNLOCK_WINDOW: &str = "Unlock Database";

/// All programs end when it is dropped.
pub struct KeePassXc {
    /// Declared first, so that it ends first.
    _guard: Process,
    program: Process,
    pub desktop: Desktop,
}

impl KeePassXc {
    /// With an empty, unlocked database. It does not ask before it lets a program in.
    pub fn start() -> io::Result<Self> {
        let desktop = Desktop::start()?;
        make_database(&desktop)?;
        let mut program = Process::start(&mut program(&desktop))?;
        program.child().stdin.take().expect("piped").write_all(format!("{PASSWORD}\n").as_bytes())?;
        let guard = Process::guard(&[&desktop.bus, &desktop.screen, &program])?;
        let started = Self { _guard: guard, program, desktop };
        wait_until("the database is open", || started.is_locked() == Some(false));
        Ok(started)
    }

    /// Locks the database.
    pub fn lock(&self) {
        self.command_until("lockAllDatabases", "the database is locked", || self.is_locked() == Some(true));
    }

    /// Closes the database; the program stays.
    pub fn close_database(&self) {
        self.command_until("closeAllDatabases", "the database is closed", || self.is_locked().is_none());
    }

    /// Opens the database again, with its password.
    pub fn open_database(&self) {
        let path = self.desktop.home().join(DATABASE).display().to_string();
        self.window().call::<_, _, ()>("openDatabase", &(path, PASSWORD)).expect("an answer");
        wait_until("the database is open", || self.is_locked() == Some(false));
    }

    /// Ends the program.
    pub fn kill(&mut self) {
        self.program.kill().expect("a program that can be killed");
    }

    /// Whether it asks for the password.
    pub fn asks(&self) -> bool {
        self.xdotool(&["search", "--onlyvisible", "--name", UNLOCK_WINDOW])
    }

    /// Waits until it asks for the password.
    pub fn wait_until_it_asks(&self) {
        wait_until("it asks for the password", || self.asks());
    }

    /// Types the password, as the user would. Keys that arrive before the window is ready are lost, so it tries again.
    pub fn type_password(&self) {
        self.wait_until_it_asks();
        self.try_keys(&["key", "ctrl+a", "type", PASSWORD], || self.is_locked() == Some(false));
    }

    /// Dismisses the prompt, as the user would.
    pub fn dismiss(&self) {
        self.wait_until_it_asks();
        self.try_keys(&["key", "Escape"], || !self.asks());
    }

    fn try_keys(&self, keys: &[&str], done: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done() {
            assert!(Instant::now() < deadline, "typed in vain");
            self.xdotool(keys);
            self.xdotool(&["key", "Return"]);
            let pause = Instant::now() + Duration::from_secs(2);
            while !done() && Instant::now() < pause {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }

    fn xdotool(&self, arguments: &[&str]) -> bool {
        let mut command = Command::new("xdotool");
        command.args(arguments).env("DISPLAY", self.desktop.display()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().expect("xdotool").success()
    }

    /// `None` if there is no database.
    fn is_locked(&self) -> Option<bool> {
        let path = "/org/freedesktop/secrets/aliases/default";
        let proxy =
            Proxy::new(&self.desktop.connection, SERVICE, path, "org.freedesktop.Secret.Collection").expect("a proxy");
        proxy.get_property("Locked").ok()
    }

    /// Repeats the command: KeePassXC ignores it while it saves a change.
    fn command_until(&self, method: &str, what: &str, done: impl Fn() -> bool) {
        wait_until(what, || {
            self.window().call::<_, _, ()>(method, &()).expect("an answer");
            done()
        });
    }

    fn window(&self) -> Proxy<'_> {
        let name = "org.keepassxc.KeePassXC.MainWindow";
        Proxy::new(&self.desktop.connection, name, "/keepassxc", name).expect("a proxy")
    }
}

const DATABASE: &str = "test.kdbx";

/// Other programs see only one of its groups.
fn make_database(desktop: &Desktop) -> io::Result<()> {
    let home = desktop.home();
    fs::write(home.join("keepassxc.ini"), SETTINGS)?;
    fs::write(home.join("empty.xml"), EMPTY)?;
    let mut import = desktop.command("keepassxc-cli");
    import.args(["import", "--quiet", "--set-password"]).arg(home.join("empty.xml")).arg(home.join(DATABASE));
    let mut import = Process::start(import.stdin(Stdio::piped()))?;
    import.child().stdin.take().expect("piped").write_all(format!("{PASSWORD}\n{PASSWORD}\n").as_bytes())?;
    match import.child().wait()?.success() {
        true => Ok(()),
        false => Err(io::Error::other("no database was made")),
    }
}

fn program(desktop: &Desktop) -> Command {
    let home = desktop.home();
    let mut command = desktop.command("keepassxc");
    command.arg("--config").arg(home.join("keepassxc.ini")).arg("--pw-stdin").arg(home.join(DATABASE));
    command.stdin(Stdio::piped());
    command
}

/// Without questions that only a person can answer. Unlocking before a search is the default.
const SETTINGS: &str = "[General]
ConfigVersion=2
SingleInstance=false
UpdateCheckMessageShown=true

[GUI]
CheckForUpdates=false

[FdoSecrets]
Enabled=true
ConfirmAccessItem=false
ConfirmDeleteItem=false
ShowNotification=false
";

const EMPTY: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<KeePassFile>
  <Meta>
    <DatabaseName>test</DatabaseName>
    <RecycleBinEnabled>False</RecycleBinEnabled>
    <CustomData>
      <Item><Key>FDO_SECRETS_EXPOSED_GROUP</Key><Value>{00112233-4455-6677-8899-aabbccddeeff}</Value></Item>
    </CustomData>
  </Meta>
  <Root><Group><UUID>ABEiM0RVZneImaq7zN3u/w==</UUID><Name>Root</Name></Group></Root>
</KeePassFile>
"#;
