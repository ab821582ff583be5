//! Links GCC's unwinder statically where the compiler has it. A program of Rust's loads it as a library at each start,
//! for backtraces that it never prints, and that takes an eighth of kubekey's start.

use std::path::Path;
use std::process::Command;

const UNWINDER: &str = "libgcc_eh.a";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let variable = |name| std::env::var(name).unwrap_or_default();
    let is_gnu = variable("CARGO_CFG_TARGET_OS") == "linux" && variable("CARGO_CFG_TARGET_ENV") == "gnu";
    // A cross compiler's unwinder is elsewhere, and without this everything works as well.
    if !is_gnu || variable("HOST") != variable("TARGET") {
        return;
    }
    let Ok(answer) = Command::new("cc").arg(format!("-print-file-name={UNWINDER}")).output() else { return };
    let path = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
    // A compiler that does not have the file answers with its bare name.
    if let Some(folder) = Path::new(&path).parent().filter(|folder| folder.is_absolute()) {
        println!("cargo::rustc-link-search=native={}", folder.display());
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}
