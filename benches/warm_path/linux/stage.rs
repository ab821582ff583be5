//! A home with a D-Bus session, a keyring and a browser, in which kubekey has signed in once for each storage.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Result, build, gauge};
use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::edit;
use crate::support::run::{Finished, Running};

/// One storage for a sign-in.
#[derive(Clone, Copy)]
pub struct Storage {
    pub name: &'static str,
    /// The value of `--token-storage`.
    pub value: &'static str,
}

pub const KEYRING: Storage = Storage { name: "kubekey, keyring", value: "keyring" };

/// The keyring is first: `secret-tool` looks up what kubekey saved there.
pub const STORAGES: [Storage; 3] = [
    KEYRING,
    Storage { name: "kubekey, kernel key", value: "kernel" },
    Storage { name: "kubekey, file", value: "file" },
];

/// Signs out when it is dropped: a kernel key belongs to the user and not to this home.
pub struct Stage {
    pub home: Home,
    pub provider: Provider,
    /// The size of the ID token, in bytes.
    pub token_size: usize,
    program: PathBuf,
    usable: Vec<Storage>,
}

impl Stage {
    /// A home with sign-ins whose ID token has `padding` more bytes of claims than it needs.
    pub fn set(kubekey: &Path, padding: usize) -> Result<Self> {
        let mut stage = Stage::empty(kubekey);
        let groups = "x".repeat(padding);
        stage.provider.configure(|behaviour| {
            behaviour.claims = edit(move |claims| drop(claims.insert("padding".into(), groups.clone().into())));
        });
        for storage in STORAGES {
            match stage.sign_in(storage) {
                Ok(()) => stage.usable.push(storage),
                Err(error) => println!("{} is left out: {error}", storage.name),
            }
        }
        if stage.usable.is_empty() { Err("kubekey keeps no sign-in here".into()) } else { Ok(stage) }
    }

    /// A home without a sign-in.
    pub fn empty(kubekey: &Path) -> Self {
        let home = Home::with_keyring(Mode::Follow);
        Stage { home, provider: Provider::start(), token_size: 0, program: kubekey.to_path_buf(), usable: Vec::new() }
    }

    /// The storages that can save a sign-in on this machine.
    pub fn usable(&self) -> impl Iterator<Item = Storage> {
        self.usable.clone().into_iter()
    }

    /// Any program, in the same environment as kubekey.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(self.home.path());
        for (name, value) in self.home.kubekey_for(&self.provider).get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        // The tests search the log for secrets; a measured run must not spend time on it.
        command.env_remove("KUBEKEY_LOG");
        command
    }

    pub fn kubekey(&self, storage: Storage) -> Command {
        let mut command = self.command(&self.program);
        command.env("KUBEKEY_TOKEN_STORAGE", storage.value);
        if storage.value == "file" {
            command.env("KUBEKEY_TOKEN_DIR", self.home.path().join("tokens"));
        }
        command
    }

    /// A command that looks up one of kubekey's items by its own attributes; `None` if the program is not installed.
    pub fn secret_tool(&self) -> Option<Command> {
        let attributes = self.home.keyring().attributes().into_iter().next();
        let (true, Some(attributes)) = (build::is_installed("secret-tool"), attributes) else {
            println!("secret-tool is left out: it is not installed, or has nothing to look up");
            return None;
        };
        let mut command = self.command(Path::new("secret-tool"));
        command.arg("lookup");
        // The keyring adds some attributes of its own, with a colon in their names.
        for (name, value) in attributes.into_iter().filter(|(name, _)| !name.contains(':')) {
            command.args([name, value]);
        }
        Some(command)
    }

    pub fn run(&self, storage: Storage) -> Finished {
        Running::start(&mut self.kubekey(storage)).wait()
    }

    /// Signs in, then runs again, which must not send the provider any request.
    fn sign_in(&mut self, storage: Storage) -> Result<()> {
        let first = self.run(storage);
        if !first.status.success() {
            return Err(first.stderr.into());
        }
        let asked = self.provider.count_all();
        let second = self.run(storage);
        if self.provider.count_all() != asked || second.stdout != first.stdout {
            return Err(format!("what was saved was not read again. {}", second.stderr).into());
        }
        self.token_size = second.token().len();
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for storage in STORAGES {
            let mut command = self.kubekey(storage);
            command.arg("logout").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            // There may be nothing to sign out of.
            drop(command.status());
        }
    }
}

/// The highest peak memory of three sign-ins, in bytes; `None` without GNU time.
pub fn sign_in_memory(kubekey: &Path) -> Result<Option<u64>> {
    let stage = Stage::empty(kubekey);
    let mut most = None;
    for _ in 0..3 {
        stage.home.keyring().clear();
        most = most.max(gauge::peak_memory_once(&stage.kubekey(KEYRING))?);
    }
    let browsers = stage.home.browser.urls().len();
    if most.is_some() && browsers != 3 {
        return Err(format!("three sign-ins opened {browsers} browsers").into());
    }
    Ok(most)
}
