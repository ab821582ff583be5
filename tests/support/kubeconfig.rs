//! Kubeconfigs, and what the real kubectl reads in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::home::{Home, absolute};
use super::process;

/// The version of the protocol that old clients know.
pub const V1BETA1: &str = "client.authentication.k8s.io/v1beta1";

/// The real kubectl, which `tests/install` and `tests/windows` install.
pub fn kubectl(home: &Home) -> Command {
    let installed = if cfg!(windows) { "target/windows/kubectl.exe" } else { "target/tools/bin/kubectl" };
    let mut command = Command::new(absolute(Path::new(env!("CARGO_MANIFEST_DIR")).join(installed)));
    command.env_clear().current_dir(home.path());
    home.set_folders(&mut command);
    #[cfg(unix)]
    command.env("PATH", "/usr/bin:/bin");
    command
}

/// What kubectl reads in a file.
pub fn view(home: &Home, file: &Path) -> Value {
    let mut command = kubectl(home);
    command.args(["config", "view", "--raw", "-o", "json", "--kubeconfig"]).arg(file);
    let output = process::output(&mut command).expect("kubectl, see tests/install");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The entry with this name.
pub fn entry<'a>(view: &'a Value, list: &str, name: &str) -> Option<&'a Value> {
    view[list].as_array()?.iter().find(|entry| entry["name"] == name)
}

/// The same without the entries for the cluster `prod` and without the current context.
pub fn without_prod(mut view: Value) -> Value {
    for (list, name) in [("clusters", "prod"), ("users", "kubekey-prod"), ("contexts", "prod")] {
        let entries = view[list].as_array().cloned().unwrap_or_default();
        view[list] = entries.into_iter().filter(|entry| entry["name"] != name).collect();
    }
    view["current-context"] = json!("");
    view
}

/// `kubekey setup` for a cluster `prod`, without a request to the provider.
pub fn setup(home: &Home) -> Command {
    let mut command = home.kubekey();
    command.args(["setup", "--cluster=prod", "--server=https://k8s.example.com:6443", "--offline"]);
    command.args(["--issuer-url=https://login.example.com", "--client-id=kubernetes"]);
    command
}

/// The same for this file.
pub fn setup_in(home: &Home, file: &Path) -> Command {
    let mut command = setup(home);
    command.arg("--kubeconfig").arg(file);
    command
}

/// The kubeconfig of a user who already has one.
pub const PLAIN: &str = "\
# mine
apiVersion: v1
kind: Config
clusters:
- cluster:
    server: https://old.example.com # the old one
  name: old
contexts:
- context:
    cluster: old
    user: me
  name: old
current-context: old
users:
- name: me
  user:
    token: abc
";

/// Writes that kubeconfig to the home.
pub fn plain(home: &Home) -> PathBuf {
    let file = home.path().join("kubeconfig");
    fs::write(&file, PLAIN).expect("a home");
    file
}

/// The names in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
