//! What a run of kubekey costs, compared with an empty program and `secret-tool`: whole processes, in one table.
//!
//! ```sh
//! cargo bench --bench warm_path
//! WARM_PATH_ROUNDS=20 WARM_PATH_READS=500 cargo bench --bench warm_path  # a quick look
//! ```
//!
//! The figures are for people. Commands take turns and medians are compared, so that the ratios are meaningful even on
//! a busy machine; still, no figure makes this program fail. `docs/performance.md` explains the table.
//!
//! kubekey is built with `cargo build --release`, as it is shipped. The program that cargo builds for a bench unwinds
//! when it panics, which makes it larger and slower.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the table is what this program is for")]

#[cfg(all(unix, not(target_os = "macos")))]
mod linux;
#[cfg(all(unix, not(target_os = "macos")))]
#[path = "../../tests/support/mod.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod support;

#[cfg(all(unix, not(target_os = "macos")))]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    linux::run()
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn main() {
    println!("the warm path is measured on Linux only: here there is no keyring that a bench could have for itself");
}
