//! A user's home, empty except for a browser and, if requested, a keyring; and `kubekey` run there.

use std::fs::{self, DirBuilder};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::browser::{Browser, Mode};
use super::canary;
#[cfg(target_os = "linux")]
use super::kernel;
use super::keyring::Keyring;
use super::provider::Provider;
use super::run::{Finished, Running};

pub struct Home {
    pub browser: Browser,
    /// The value of `--token-storage`.
    storage: &'static str,
    keyring: Option<Keyring>,
    folder: TempDir,
}

/// The program under test: the one that cargo built, or `TESTED_PROGRAM`, which `packaging/test` sets.
pub fn program() -> PathBuf {
    let program = std::env::var_os("TESTED_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_kubekey").into());
    absolute(program)
}

/// The path with a drive, where it needs one: built on Linux, paths of the repository have none.
pub fn absolute(path: impl Into<PathBuf>) -> PathBuf {
    std::path::absolute(path.into()).expect("a path")
}

fn is_metadata(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("metadata-"))
}

/// The path as programs print it: with one separator.
pub fn native(path: &Path) -> PathBuf {
    path.components().collect()
}

/// The same command as a user without rights, if the tests run as root. The program runs from the returned folder,
/// since the project may be where only root can read.
#[cfg(unix)]
pub fn without_rights(command: &Command) -> (Command, TempDir) {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;

    const NOBODY: u32 = 65534;
    let folder = TempDir::with_prefix("program-").expect("a temporary folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a folder of ours");
    let program = folder.path().join("kubekey");
    // By another process: a child that another test starts meanwhile would inherit the open file, and Linux runs no
    // file that is open for writing.
    let copied = Command::new("cp").arg(command.get_program()).arg(&program).status();
    assert!(copied.expect("cp").success());
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
        #[cfg(target_os = "linux")]
        self.forget_kernel_keys();
        if !std::thread::panicking() {
            canary::assert_none_in_files(&[self.state(), self.cache(), self.runtime(), self.config()]);
        }
    }
}

impl Home {
    /// Without a session bus, as in a container or over SSH. Nothing is saved, not even in the machine's kernel.
    pub fn new(mode: Mode) -> Self {
        let folder = TempDir::with_prefix("home-").expect("a temporary folder");
        let browser = Browser::install(mode).expect("a browser");
        let home = Home { browser, storage: "none", keyring: None, folder };
        let mut maker = DirBuilder::new();
        maker.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut maker, 0o700);
        for folder in [home.runtime(), home.state(), home.cache(), home.config()] {
            maker.create(folder).expect("a folder in the home");
        }
        home
    }

    /// The kernel keeps keys beyond the end of the test, and they count for the user's quota.
    #[cfg(target_os = "linux")]
    fn forget_kernel_keys(&self) {
        let kept = self.state().join("kubekey");
        for file in fs::read_dir(kept).into_iter().flatten().flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            kernel::forget_all(name.split('.').next().unwrap_or_default());
        }
    }

    /// With an unlocked, empty keyring, and no kernel keys in front of it.
    pub fn with_keyring(mode: Mode) -> Self {
        let mut home = Home::new(mode);
        let keyring = Keyring::start(home.path());
        home.keyring = Some(keyring.expect("dbus-daemon and gnome-keyring-daemon"));
        home.store_in("keyring")
    }

    /// Saves sign-ins elsewhere. What goes into the kernel keyring of this machine's user must be removed again by
    /// [`Home::log_out`].
    pub fn store_in(mut self, storage: &'static str) -> Self {
        self.storage = storage;
        self
    }

    /// Removes the sign-in at this provider, wherever it is saved.
    pub fn log_out(&self, provider: &Provider) -> Finished {
        self.run(self.kubekey_for(provider).arg("logout"))
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn runtime(&self) -> PathBuf {
        self.folder_of("AppData/Local", "Library/Application Support", "runtime")
    }

    // These are the defaults of Linux, too.
    pub fn state(&self) -> PathBuf {
        self.folder_of("AppData/Local", "Library/Application Support", ".local/state")
    }

    pub fn config(&self) -> PathBuf {
        self.folder_of("AppData/Roaming", "Library/Application Support", ".config")
    }

    pub fn cache(&self) -> PathBuf {
        self.folder_of("AppData/Local", "Library/Caches", ".cache")
    }

    fn folder_of(&self, on_windows: &str, on_macos: &str, on_linux: &str) -> PathBuf {
        native(&self.path().join(match std::env::consts::OS {
            "windows" => on_windows,
            "macos" => on_macos,
            _ => on_linux,
        }))
    }

    pub fn keyring(&self) -> &Keyring {
        self.keyring.as_ref().expect("a home with a keyring")
    }

    #[cfg(target_os = "linux")]
    /// Restarts the keyring's daemon after it was killed.
    pub fn start_keyring_again(&mut self, with_password: bool) {
        let home = self.path().to_path_buf();
        self.keyring_mut().start_again(&home, with_password);
    }

    /// The files of the metadata cache, which is a folder of its own only on Linux and macOS.
    pub fn cached_metadata(&self) -> Vec<PathBuf> {
        let is_cached = |file: &PathBuf| file.starts_with(self.cache()) && is_metadata(file);
        self.files().into_iter().filter(is_cached).collect()
    }

    /// The state file of the only credential.
    pub fn state_file(&self) -> PathBuf {
        let files = self.files();
        let mut found = files.into_iter().filter(|file| {
            file.parent() == Some(&self.state().join("kubekey"))
                && file.extension().is_some_and(|ext| ext == "json")
                && !is_metadata(file)
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

    /// `kubekey` in this home's environment, without the test's own.
    pub fn kubekey(&self) -> Command {
        let mut command = Command::new(program());
        command.env_clear();
        self.browser.offer_to(&mut command);
        self.set_folders(&mut command);
        command
            .env("KUBEKEY_TOKEN_STORAGE", self.storage)
            // The most that it can print, so that `canary` searches all of it for secrets.
            .env("KUBEKEY_LOG", "trace")
            .current_dir(self.path());
        command
    }

    #[cfg(unix)]
    pub fn set_folders(&self, command: &mut Command) {
        #[cfg(target_os = "linux")]
        let bus = self.keyring.as_ref().map(|keyring| keyring.address().to_owned());
        #[cfg(not(target_os = "linux"))]
        let bus: Option<String> = None;
        command
            .env("HOME", self.path())
            .env("XDG_RUNTIME_DIR", self.runtime())
            .env("XDG_STATE_HOME", self.state())
            .env("XDG_CACHE_HOME", self.cache())
            .env("XDG_CONFIG_HOME", self.config())
            .env(
                "DBUS_SESSION_BUS_ADDRESS",
                bus.unwrap_or_else(|| format!("unix:path={}/no-bus", self.path().display())),
            );
    }

    #[cfg(windows)]
    pub fn set_folders(&self, command: &mut Command) {
        // Without the first no program gets a socket; the others are for wine.
        for name in ["SystemRoot", "WINEPREFIX", "WINEDEBUG"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command
            .env("USERPROFILE", self.path())
            .env("LOCALAPPDATA", self.state())
            .env("APPDATA", self.config())
            .env("TEMP", std::env::temp_dir());
    }

    /// `kubekey` with this provider's issuer and client ID in its environment.
    pub fn kubekey_for(&self, provider: &Provider) -> Command {
        let mut command = self.kubekey();
        command.env("KUBEKEY_ISSUER_URL", provider.issuer()).env("KUBEKEY_CLIENT_ID", provider.client_id());
        command
    }

    /// Runs it to the end.
    pub fn run(&self, command: &mut Command) -> Finished {
        Running::start(command).wait()
    }

    /// What kubekey saved, if anything.
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

    /// Every file in the home, for a search through everything that was written.
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
