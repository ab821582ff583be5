//! A desktop with a real `kwalletd5` as its Secret Service.

use std::fs;
use std::io;
use std::path::Path;

use zbus5::blocking::fdo::DBusProxy;
use zbus5::blocking::{Connection, Proxy};

use super::desktop::{Desktop, wait_until};
use super::keyring::SERVICE;
use super::process::Process;

const NAME: &str = "org.kde.kwalletd5";
const WALLET: &str = "kdewallet";

/// The key that a login to the desktop derives from the password, and its salt: any bytes will do here.
const KEY: [u8; 56] = [b'k'; 56];
const SALT: [u8; 56] = [b's'; 56];

/// All programs end when it is dropped.
pub struct KWallet {
    /// Declared first, so that it ends first.
    _guard: Process,
    _daemon: Process,
    pub desktop: Desktop,
}

impl KWallet {
    /// With an empty, open wallet.
    pub fn start() -> io::Result<Self> {
        let desktop = Desktop::start()?;
        prepare(desktop.home())?;
        // The daemon that creates the wallet does not offer it to other programs.
        let mut daemon = start_daemon(&desktop)?;
        open_wallet(&desktop.connection);
        daemon.kill()?;
        wait_until("it is gone", || !has_owner(&desktop.connection, SERVICE));
        let daemon = start_daemon(&desktop)?;
        open_wallet(&desktop.connection);
        let guard = Process::guard(&[&desktop.bus, &desktop.screen, &daemon])?;
        Ok(Self { _guard: guard, _daemon: daemon, desktop })
    }

    /// Closes the wallet.
    pub fn lock(&self) {
        wallets(&self.desktop.connection).call::<_, _, ()>("closeAllWallets", &()).expect("an answer");
        wait_until("the wallet is closed", || !is_open(&self.desktop.connection));
    }

    /// Opens it again, as a login to the desktop would.
    pub fn unlock(&self) {
        open_wallet(&self.desktop.connection);
    }
}

fn prepare(home: &Path) -> io::Result<()> {
    let wallets = home.join(".local/share/kwalletd");
    fs::create_dir_all(&wallets)?;
    fs::create_dir_all(home.join(".config"))?;
    fs::write(wallets.join(format!("{WALLET}.salt")), SALT)?;
    fs::write(home.join(".config/kwalletrc"), SETTINGS)
}

/// No assistant at the first start, and no question about who may use the wallet.
const SETTINGS: &str = "[Wallet]
Enabled=true
First Use=false
Prompt on Open=false
Default Wallet=kdewallet

[org.freedesktop.secrets]
apiEnabled=true
";

fn start_daemon(desktop: &Desktop) -> io::Result<Process> {
    let daemon = Process::start(&mut desktop.command("kwalletd5"))?;
    wait_until("it is there", || [NAME, SERVICE].iter().all(|name| has_owner(&desktop.connection, name)));
    Ok(daemon)
}

fn open_wallet(connection: &Connection) {
    let arguments = (WALLET, KEY.to_vec(), 0);
    wallets(connection).call::<_, _, ()>("pamOpen", &arguments).expect("an answer");
    wait_until("the wallet is open", || is_open(connection));
}

fn is_open(connection: &Connection) -> bool {
    wallets(connection).call("isOpen", &(WALLET,)).expect("an answer")
}

fn wallets(connection: &Connection) -> Proxy<'_> {
    Proxy::new(connection, NAME, "/modules/kwalletd5", "org.kde.KWallet").expect("a proxy")
}

fn has_owner(connection: &Connection, name: &str) -> bool {
    let bus = DBusProxy::new(connection).expect("the bus");
    bus.name_has_owner(name.try_into().expect("a bus name")).expect("an answer of the bus")
}
