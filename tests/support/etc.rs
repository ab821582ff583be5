//! `kubekey` on a computer whose administrator has put files below `/etc/kubekey`.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A folder that lies over `/etc`.
pub struct Etc(TempDir);

impl Etc {
    /// With these files below `/etc/kubekey`.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let over = TempDir::with_prefix("etc-").expect("a temporary folder");
        let etc = Etc(over);
        open(etc.0.path(), 0o755);
        fs::create_dir(etc.path("")).expect("a folder in it");
        open(&etc.path(""), 0o755);
        for (name, text) in files {
            let file = etc.path(name);
            let folder = file.parent().expect("a folder");
            fs::create_dir_all(folder).expect("a folder in it");
            open(folder, 0o755);
            fs::write(&file, text).expect("a file in it");
            open(&file, 0o644);
        }
        etc
    }

    pub fn with_policy(text: &str) -> Self {
        Self::new(&[("policy.toml", text)])
    }

    /// Lists other users than the computer's own.
    pub fn with_users(self, passwd: &str) -> Self {
        fs::write(self.0.path().join("passwd"), passwd).expect("a file in it");
        self
    }

    /// Puts a link to nowhere in place of the file.
    pub fn lead_nowhere(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("a file of ours");
        symlink("/nowhere", self.path(name)).expect("a link");
    }

    /// Changes the mode of the file or, without a name, of its folder.
    pub fn set_mode(&self, name: &str, mode: u32) {
        open(&self.path(name), mode);
    }

    /// The same command, in a mount namespace of its own in which this folder is a part of `/etc`, and what it writes to
    /// `/etc/kubekey` lands here. Whoever runs the tests is root there.
    /// Their home is the command's `HOME`.
    pub fn over(&self, command: &Command) -> Command {
        let home = command.get_envs().find(|(name, _)| *name == "HOME").and_then(|(_, value)| value);
        let users = self.0.path().join("passwd");
        if let Some(home) = home.filter(|_| !users.exists()) {
            fs::write(users, format!("root:x:0:0::{}:/bin/sh\n", home.display())).expect("a file in it");
        }
        let mut outer = Command::new("/usr/bin/unshare");
        outer.env_clear().args(["--mount", "--map-root-user", "/bin/sh", "-c"]);
        outer.arg(r#"/bin/mount -t overlay overlay -o "lowerdir=$0:/etc" /etc && /bin/mount --bind "$0/kubekey" /etc/kubekey && exec "$@""#);
        outer.arg(self.0.path()).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                outer.env(name, value);
            }
        }
        outer
    }

    /// The same command, for which this folder is all of `/etc`, and what it writes there lands here.
    pub fn in_place(&self, command: &Command) -> Command {
        let mut outer = Command::new("/usr/bin/unshare");
        outer.env_clear().args(["--mount", "--map-root-user", "/bin/sh", "-c"]);
        outer.arg(r#"/bin/mount --bind "$0" /etc && exec "$@""#);
        outer.arg(self.0.path()).arg(command.get_program()).args(command.get_args());
        outer.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(folder) = command.get_current_dir() {
            outer.current_dir(folder);
        }
        outer
    }

    /// Where a file of `/etc/kubekey` is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("kubekey").join(name)
    }
}

fn open(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a file of ours");
}
