//! `kubekey` on a computer whose administrator has put a policy in place.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use tempfile::TempDir;

/// A folder that lies over `/etc`.
pub struct Policy(TempDir);

impl Policy {
    pub fn new(text: &str) -> Self {
        let over = TempDir::with_prefix("etc-").expect("a temporary folder");
        let folder = over.path().join("kubekey");
        fs::create_dir(&folder).expect("a folder in it");
        fs::write(folder.join("policy.toml"), text).expect("a file in it");
        for path in [over.path().to_path_buf(), folder.clone()] {
            fs::set_permissions(path, Permissions::from_mode(0o755)).expect("folders of ours");
        }
        Policy(over)
    }

    /// Lists other users than the computer's own.
    pub fn with_users(self, passwd: &str) -> Self {
        fs::write(self.0.path().join("passwd"), passwd).expect("a file in it");
        self
    }

    /// Puts a link to nowhere in place of the file.
    pub fn lead_nowhere(&self) {
        let file = self.0.path().join("kubekey/policy.toml");
        fs::remove_file(&file).expect("a file of ours");
        symlink("/nowhere", file).expect("a link");
    }

    /// Changes the mode of the file or, without a name, of its folder.
    pub fn set_mode(&self, name: &str, mode: u32) {
        let path = self.0.path().join("kubekey").join(name);
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("a file of ours");
    }

    /// The same command, in a mount namespace of its own in which this folder is a part of `/etc`. Whoever runs the
    /// tests is root there.
    pub fn over(&self, command: &Command) -> Command {
        let mut outer = Command::new("/usr/bin/unshare");
        outer.env_clear().args(["--mount", "--map-root-user", "/bin/sh", "-c"]);
        outer.arg(r#"/bin/mount -t overlay overlay -o "lowerdir=$0:/etc" /etc && exec "$@""#);
        outer.arg(self.0.path()).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                outer.env(name, value);
            }
        }
        outer
    }
}
