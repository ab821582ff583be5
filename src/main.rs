//! The `kubekey` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    kubekey::program::main()
}

/// Only minijinja's operator `**` calls `pow`. With this one in the program no libm is loaded at each start, which
/// takes an eighth of the start.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(
    unsafe_code,
    reason = "the linker finds a function only under its own name, which must be that of the C library's"
)]
#[unsafe(no_mangle)]
extern "C" fn pow(base: f64, exponent: f64) -> f64 {
    libm::pow(base, exponent)
}
