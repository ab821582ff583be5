//! `kubekey` on a machine whose administrator has put files in `/etc/kubekey`.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A folder that is mounted over `/etc`.
pub struct Etc(TempDir);

impl Etc {
    /// With these files in `/etc/kubekey`.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let over = TempDir::with_prefix("etc-").expect("a temporary folder");
        let etc = Etc(over);
        open(etc.0.path(), 0o755);
        fs::create_dir(etc.path("")).expect("a folder in it");
        open(&etc.path(""), 0o755);
        files.iter().fold(etc, |etc, (name, text)| etc.with_file(name, text))
    }

    /// Adds this file.
    pub fn with_file(self, name: &str, text: &str) -> Self {
        let file = self.path(name);
        let folder = file.parent().expect("a folder");
        fs::create_dir_all(folder).expect("a folder in it");
        open(folder, 0o755);
        fs::write(&file, text).expect("a file in it");
        open(&file, 0o644);
        self
    }

    /// Replaces the machine ID.
    pub fn with_machine_id(self, id: &str) -> Self {
        fs::write(self.0.path().join("machine-id"), id).expect("a file in it");
        self
    }

    /// Adds these certificates to the machine's trust store, in Debian's format.
    pub fn with_trusted(self, pem: &str) -> Self {
        let file = self.0.path().join("ssl/certs/ca-certificates.crt");
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder in it");
        fs::write(&file, pem).expect("a file in it");
        self
    }

    pub fn with_policy(text: &str) -> Self {
        Self::new(&[("policy.toml", text)])
    }

    /// Replaces the machine's users.
    pub fn with_users(self, passwd: &str) -> Self {
        fs::write(self.0.path().join("passwd"), passwd).expect("a file in it");
        self
    }

    /// Replaces the file with a broken link.
    pub fn lead_nowhere(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("a file of ours");
        symlink("/nowhere", self.path(name)).expect("a link");
    }

    /// Changes the mode of the file or, if the name is empty, of its folder.
    pub fn set_mode(&self, name: &str, mode: u32) {
        open(&self.path(name), mode);
    }

    /// The same command in its own mount namespace, where this folder is a part of `/etc`: what it writes to
    /// `/etc/kubekey` lands here. The user who runs the tests is root there, with the command's `HOME` as the home.
    pub fn over(&self, command: &Command) -> Command {
        let home = command.get_envs().find(|(name, _)| *name == "HOME").and_then(|(_, value)| value);
        let users = self.0.path().join("passwd");
        if let Some(home) = home.filter(|_| !users.exists()) {
            fs::write(users, format!("root:x:0:0::{}:/bin/sh\n", home.display())).expect("a file in it");
        }
        let mount = r#"/bin/mount -t overlay overlay -o "lowerdir=$0:/etc" /etc && /bin/mount --bind "$0/kubekey" /etc/kubekey"#;
        after_mounting(mount, self.0.path(), command)
    }

    /// The same command with this folder as all of `/etc`: what it writes there lands here.
    pub fn in_place(&self, command: &Command) -> Command {
        after_mounting(r#"/bin/mount --bind "$0" /etc"#, self.0.path(), command)
    }

    /// The path of a file of `/etc/kubekey`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("kubekey").join(name)
    }
}

/// The same command on a machine where no session has a runtime folder.
pub fn without_runtime_folders(command: &Command) -> Command {
    after_mounting("if [ -d /run/user ]; then /bin/mount -t tmpfs tmpfs /run/user; fi", Path::new("sh"), command)
}

/// The command in its own mount namespace, after running `mount` with this `$0` there.
pub fn after_mounting(mount: &str, argument: &Path, command: &Command) -> Command {
    let mut outer = Command::new("/usr/bin/unshare");
    outer.env_clear().arg("--mount");
    if !rustix::process::geteuid().is_root() {
        // With its own kernel keyring.
        outer.arg("--map-root-user");
    }
    outer.args(["/bin/sh", "-c"]);
    outer.arg(format!(r#"{mount} && exec "$@""#)).arg(argument);
    outer.arg(command.get_program()).args(command.get_args());
    outer.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        outer.current_dir(folder);
    }
    outer
}

fn open(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a file of ours");
}
