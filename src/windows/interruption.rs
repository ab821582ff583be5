//! Ctrl-C, Ctrl-Break, and the end of the console, of the session and of the machine.
#![expect(unsafe_code, reason = "the standard library does not offer SetConsoleCtrlHandler")]

use windows_sys::Win32::System::Console::SetConsoleCtrlHandler;

/// Is called in a thread of its own when one of them comes. After 0 this process ends; the argument says what came.
pub type Handler = extern "system" fn(u32) -> i32;

/// Adds `handler`, and returns whether that worked.
pub fn add(handler: Handler) -> bool {
    // SAFETY: a function lives as long as the process.
    unsafe { SetConsoleCtrlHandler(Some(handler), 1) != 0 }
}

/// Removes `handler`.
pub fn remove(handler: Handler) {
    // SAFETY: as above; one that was not added changes nothing.
    unsafe { SetConsoleCtrlHandler(Some(handler), 0) };
}
