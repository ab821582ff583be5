//! How a program for Linux is linked: laid out by `link.ld`, and, with glibc, with GCC's unwinder linked in. And what Windows reads
//! in `kubekey.exe`: its version, icon and manifest.

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
    if variable("CARGO_CFG_TARGET_OS") == "windows" {
        add_resources();
    }
}

/// Compiled by `windres` of MinGW or `rc` of the Windows SDK, which come with the linker.
fn add_resources() {
    let [icon, manifest] = ["packaging/windows/kubekey.ico", "packaging/windows/kubekey.manifest"];
    println!("cargo::rerun-if-changed={icon}");
    println!("cargo::rerun-if-changed={manifest}");
    let mut resources = winresource::WindowsResource::new();
    resources.set_icon(icon).set_manifest_file(manifest).set("OriginalFilename", "kubekey.exe");
    resources.compile_for("kubekey").expect("the resources of kubekey.exe are compiled");
}

/// Saves an eighth of the program's size and of a run's memory. Only a release aborts on a panic and can do without
/// unwind tables, and mold and gold cannot read such a script.
fn lay_out() {
    let flags = variable("CARGO_ENCODED_RUSTFLAGS");
    if variable("PROFILE") == "release" && !flags.contains("mold") && !flags.contains("gold") {
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{}/link.ld", variable("CARGO_MANIFEST_DIR"));
    }
}

/// A Rust program loads the unwinder as a library at each start, for backtraces that kubekey never prints; that takes
/// an eighth of kubekey's start.
fn link_unwinder() {
    // A cross compiler has its unwinder elsewhere, and everything works without this. Zig links one of its own, and
    // this machine's would need this machine's glibc. With musl the unwinder is Rust's own.
    let is_foreign = variable("HOST") != variable("TARGET") || variable("RUSTC_LINKER").contains("zig");
    if is_foreign || variable("CARGO_CFG_TARGET_ENV") != "gnu" {
        return;
    }
    let Ok(answer) = Command::new("cc").arg(format!("-print-file-name={UNWINDER}")).output() else { return };
    let path = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
    // A compiler that does not have the file prints its bare name.
    if let Some(folder) = Path::new(&path).parent().filter(|folder| folder.is_absolute()) {
        println!("cargo::rustc-link-search=native={}", folder.display());
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
