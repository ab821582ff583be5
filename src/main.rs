//! The `kubekey` program.

#![cfg_attr(all(target_os = "linux", target_env = "gnu"), no_main)]

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn main() -> std::process::ExitCode {
    kubekey::program::main().into()
}

/// What glibc finds in the program under its own names.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the linker finds a function only under its own name, which must be that of C")]
mod of_c {
    use std::fs::OpenOptions;
    use std::os::fd::IntoRawFd;

    use nix::sys::signal::{SigHandler, Signal, signal};
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::stdio;

    /// In place of Rust's own, which reads the list of mapped files and prepares a message for an overflow of the stack: a
    /// tenth of the start. What else that one does is done here.
    #[unsafe(no_mangle)]
    extern "C" fn main() -> std::ffi::c_int {
        open_standard_streams();
        // SAFETY: nothing else runs yet, and no handler is installed.
        let _ = unsafe { signal(Signal::SIGPIPE, SigHandler::SigIgn) };
        std::process::exit(kubekey::program::main().into())
    }

    /// Opens those that are closed, so that no other file gets their numbers and what is printed.
    fn open_standard_streams() {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut streams = [stdio::stdin(), stdio::stdout(), stdio::stderr()]
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::empty()));
        let Ok(1..) = poll(&mut streams, Some(&now)) else { return };
        for _ in streams.iter().filter(|stream| stream.revents().contains(PollFlags::NVAL)) {
            match OpenOptions::new().read(true).write(true).open("/dev/null") {
                // The lowest number that is free, for the whole run.
                Ok(file) => drop(file.into_raw_fd()),
                // Nobody could be told.
                Err(_) => std::process::abort(),
            }
        }
    }

    /// Only minijinja's operator `**` calls `pow`. With this one in the program no libm is loaded at each start, which
    /// takes an eighth of the start.
    #[unsafe(no_mangle)]
    extern "C" fn pow(base: f64, exponent: f64) -> f64 {
        libm::pow(base, exponent)
    }
}
