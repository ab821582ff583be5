//! A user's home, empty but for a browser and, if wanted, a keyring; and `kubekey` run there.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::browser::{Browser, Mode};
use super::canary;
use super::keyring::Keyring;
use super::provider::Provider;
use super::run::{Finished, Running};

pub struct Home {
    pub browser: Browser,
    /// For `--token-storage`.
    storage: &'static str,
    keyring: Option<Keyring>,
    folder: TempDir,
}

/// What is tested: the program that cargo has built, or the one that `TESTED_PROGRAM` names, as `packaging/test` does.
fn program() -> OsString {
    std::env::var_os("TESTED_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_kubekey").into())
}

/// The same for a user without rights, where this one is root: from the folder that is returned, since a project may lie
/// where only root can look.
pub fn without_rights(command: &Command) -> (Command, TempDir) {
    const NOBODY: u32 = 65534;
    let folder = TempDir::with_prefix("program-").expect("a temporary folder");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("a folder of ours");
    let program = folder.path().join("kubekey");
    fs::copy(command.get_program(), &program).expect("a program");
    let mut other = Command::new(program);
    other
        .args(command.get_args())
        .env_clear()
        .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    other.current_dir(command.get_current_dir().unwrap_or(Path::new("/")));
    if fs::metadata(folder.path()).expect("a folder of ours").uid() == 0 {
        other.uid(NOBODY).gid(NOBODY);
    }
    (other, folder)
}

impl Drop for Home {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            canary::assert_none_in_files(&[self.state(), self.cache(), self.runtime(), self.config()]);
        }
    }
}

impl Home {
    /// Without a session bus, as in a container or over SSH. Nothing is kept, not even by the machine's kernel.
    pub fn new(mode: Mode) -> Self {
        let folder = TempDir::with_prefix("home-").expect("a temporary folder");
        // Where they are by default, too.
        for name in ["runtime", ".local/state", ".cache", ".config"] {
            let made = DirBuilder::new().mode(0o700).recursive(true).create(folder.path().join(name));
            made.expect("a folder in the home");
        }
        let browser = Browser::install(mode).expect("a browser");
        Home { browser, storage: "none", keyring: None, folder }
    }

    /// With a keyring that is unlocked and empty, and nothing in front of it.
    pub fn with_keyring(mode: Mode) -> Self {
        let mut home = Home::new(mode);
        let keyring = Keyring::start(home.path());
        home.keyring = Some(keyring.expect("dbus-daemon and gnome-keyring-daemon"));
        home.store_in("keyring")
    }

    /// Keeps sign-ins elsewhere. What goes into the kernel's keyring of this machine's user has to be removed again, by
    /// [`Home::log_out`].
    pub fn store_in(mut self, storage: &'static str) -> Self {
        self.storage = storage;
        self
    }

    /// Forgets the sign-in at this provider, wherever it is.
    pub fn log_out(&self, provider: &Provider) -> Finished {
        self.run(self.kubekey_for(provider).arg("logout"))
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn runtime(&self) -> PathBuf {
        self.path().join("runtime")
    }

    pub fn state(&self) -> PathBuf {
        self.path().join(".local/state")
    }

    pub fn config(&self) -> PathBuf {
        self.path().join(".config")
    }

    pub fn cache(&self) -> PathBuf {
        self.path().join(".cache")
    }

    pub fn keyring(&self) -> &Keyring {
        self.keyring.as_ref().expect("a home with a keyring")
    }

    /// Starts the keyring's daemon again after it was killed.
    pub fn start_keyring_again(&mut self, with_password: bool) {
        let home = self.path().to_path_buf();
        self.keyring_mut().start_again(&home, with_password);
    }

    /// kubekey's state of the one credential that there is.
    pub fn state_file(&self) -> PathBuf {
        let files = self.files();
        let mut found = files.into_iter().filter(|file| {
            file.parent() == Some(&self.state().join("kubekey")) && file.extension().is_some_and(|ext| ext == "json")
        });
        let file = found.next().expect("a state file");
        assert_eq!(found.next(), None, "more than one credential");
        file
    }

    /// Changes that state.
    pub fn edit_state(&self, edit: impl FnOnce(&mut Value)) {
        let file = self.state_file();
        let mut state = serde_json::from_slice(&fs::read(&file).expect("the state")).expect("JSON");
        edit(&mut state);
        fs::write(file, state.to_string()).expect("a file of ours");
    }

    pub fn keyring_mut(&mut self) -> &mut Keyring {
        self.keyring.as_mut().expect("a home with a keyring")
    }

    /// `kubekey`, in this home's environment and nothing of the test's own.
    pub fn kubekey(&self) -> Command {
        let bus = match &self.keyring {
            Some(keyring) => keyring.address().to_string(),
            None => format!("unix:path={}/no-bus", self.path().display()),
        };
        let launcher = self.browser.folder().display();
        let path = match self.browser.mode() {
            // The machine's own launcher must not be found.
            Mode::Absent => launcher.to_string(),
            _ => format!("{launcher}:/usr/bin:/bin"),
        };
        let mut command = Command::new(program());
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.path())
            .env("XDG_RUNTIME_DIR", self.runtime())
            .env("XDG_STATE_HOME", self.state())
            .env("XDG_CACHE_HOME", self.cache())
            .env("XDG_CONFIG_HOME", self.config())
            .env("DBUS_SESSION_BUS_ADDRESS", bus)
            .env("KUBEKEY_TOKEN_STORAGE", self.storage)
            // What must not be said is looked for in all that there is; see `canary`.
            .env("KUBEKEY_LOG", "trace")
            .current_dir(self.path());
        command
    }

    /// `kubekey` with this provider's issuer and client ID in its environment.
    pub fn kubekey_for(&self, provider: &Provider) -> Command {
        let mut command = self.kubekey();
        command.env("KUBEKEY_ISSUER_URL", provider.issuer()).env("KUBEKEY_CLIENT_ID", provider.client_id());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, command: &mut Command) -> Finished {
        Running::start(command).wait()
    }

    /// What kubekey saved, if it did.
    pub fn saved(&self) -> Option<Value> {
        let secrets = self.keyring().secrets();
        assert!(secrets.len() < 2, "more than one saved set: {secrets:?}");
        let parse = |secret: &String| serde_json::from_str(secret).expect("a set in JSON");
        secrets.first().map(parse)
    }

    /// Changes what kubekey saved: `home.edit_saved(|set| set["expires_at"] = 0.into())`.
    pub fn edit_saved(&self, edit: impl FnOnce(&mut Value)) {
        let mut set = self.saved().expect("a saved set");
        edit(&mut set);
        self.keyring().replace(&set.to_string());
    }

    /// Every file below the home, for a search through all that was written.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.path().to_path_buf()];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder of the home") {
                let entry = entry.expect("an entry");
                match entry.file_type().expect("a file type") {
                    kind if kind.is_dir() => folders.push(entry.path()),
                    kind if kind.is_file() => files.push(entry.path()),
                    _ => {}
                }
            }
        }
        files
    }
}
