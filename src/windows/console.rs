//! The console of a run.
#![expect(
    unsafe_code,
    reason = "the standard library writes only to its own streams as to a console, and has no modes"
)]

use std::fs::File;
use std::io;
use std::os::windows::io::AsRawHandle;

use windows_sys::Win32::System::Console::{
    ENABLE_ECHO_INPUT, ENABLE_VIRTUAL_TERMINAL_PROCESSING, GetConsoleMode, GetConsoleWindow, SetConsoleMode,
    WriteConsoleW,
};

/// Whether the run has a console with a window, or one that a terminal shows. Editors start programs with a console that has none.
pub fn has_window() -> bool {
    // SAFETY: it has no arguments, and the handle is only compared.
    !unsafe { GetConsoleWindow() }.is_null()
}

/// Whether a stream is a console that takes escape sequences for what they mean.
pub fn shows_escapes(stream: &impl AsRawHandle) -> bool {
    let mut mode = 0;
    // SAFETY: the stream stays open, and the pointer is to a number.
    let known = unsafe { GetConsoleMode(stream.as_raw_handle(), &mut mode) };
    known != 0 && mode & ENABLE_VIRTUAL_TERMINAL_PROCESSING != 0
}

/// Writes text on a console, whatever its code page is.
pub fn write(console: &File, text: &str) {
    let text: Vec<u16> = text.encode_utf16().collect();
    let Ok(length) = text.len().try_into() else { return };
    let mut written = 0;
    // SAFETY: the handle is open, the text has the length that is passed, and the last pointer must be null.
    unsafe { WriteConsoleW(console.as_raw_handle(), text.as_ptr(), length, &mut written, std::ptr::null()) };
}

/// While it lives, the console shows nothing of what is typed.
pub struct HiddenInput {
    before: u32,
}

impl HiddenInput {
    /// # Errors
    /// If the standard input is not a console.
    pub fn start() -> io::Result<Self> {
        let mut before = 0;
        // SAFETY: the standard input stays open, and the pointer is to a number.
        let known = unsafe { GetConsoleMode(io::stdin().as_raw_handle(), &mut before) };
        if known == 0 || !set_mode(before & !ENABLE_ECHO_INPUT) {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { before })
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        // A console that is gone needs no restoring.
        set_mode(self.before);
    }
}

fn set_mode(mode: u32) -> bool {
    // SAFETY: the standard input stays open.
    unsafe { SetConsoleMode(io::stdin().as_raw_handle(), mode) != 0 }
}
