//! How a program for Linux is linked: laid out by `link.ld`, and with glibc with GCC's unwinder in it.

use std::path::Path;
use std::process::Command;

const UNWINDER: &str = "libgcc_eh.a";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=link.ld");
    if variable("CARGO_CFG_TARGET_OS") == "linux" {
        lay_out();
        link_unwinder();
    }
}

/// Saves an eighth of the program's size and of a run's memory. Only a release aborts on a panic and can do without
/// unwind tables, and mold and gold do not read such a script.
fn lay_out() {
    let flags = variable("CARGO_ENCODED_RUSTFLAGS");
    if variable("PROFILE") == "release" && !flags.contains("mold") && !flags.contains("gold") {
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{}/link.ld", variable("CARGO_MANIFEST_DIR"));
    }
}

/// A program of Rust's loads the unwinder as a library at each start, for backtraces that it never prints, and that
/// takes an eighth of kubekey's start.
fn link_unwinder() {
    // A cross compiler's unwinder is elsewhere, and without this everything works as well. Zig links one of its own, and
    // this machine's would need its glibc. With musl the unwinder is Rust's own.
    let is_foreign = variable("HOST") != variable("TARGET") || variable("RUSTC_LINKER").contains("zig");
    if is_foreign || variable("CARGO_CFG_TARGET_ENV") != "gnu" {
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

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
