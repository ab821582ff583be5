//! Builds the programs that are measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::Result;

/// kubekey as it is shipped. Cargo reports where it put it.
pub fn kubekey() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "--bin", "kubekey", "--message-format=json-render-diagnostics"]);
    command.arg("--manifest-path").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
    // `cargo bench` sets these: build scripts that read them would run again, and rebuild half of the dependencies.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_MANIFEST_", "CARGO_PKG_"].iter().any(|start| text.starts_with(start)) {
            command.env_remove(name);
        }
    }
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("kubekey could not be built, see above".into());
    }
    let messages = String::from_utf8(output.stdout)?;
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "kubekey")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .ok_or_else(|| "cargo did not say where it put kubekey".into())
}

/// An empty program: the least that a program in Rust costs.
pub fn empty(folder: &Path) -> Result<PathBuf> {
    let (source, program) = (folder.join("empty.rs"), folder.join("empty"));
    fs::write(&source, "fn main() {}\n")?;
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let status = Command::new(rustc).args(["-O", "-C", "panic=abort", "-o"]).arg(&program).arg(&source).status()?;
    if status.success() { Ok(program) } else { Err("the empty program could not be built".into()) }
}

/// Whether this program is in the `PATH` of a test's home.
pub fn is_installed(program: &str) -> bool {
    ["/usr/bin", "/bin"].iter().any(|folder| Path::new(folder).join(program).is_file())
}
