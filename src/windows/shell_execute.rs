//! Opening a URL with the user's default program.
#![expect(unsafe_code, reason = "the standard library has no ShellExecuteExW")]

use std::io;

use windows_sys::Win32::System::Com::{COINIT_APARTMENTTHREADED, COINIT_DISABLE_OLE1DDE, CoInitializeEx};
use windows_sys::Win32::UI::Shell::{SEE_MASK_FLAG_NO_UI, SEE_MASK_NOASYNC, SHELLEXECUTEINFOW, ShellExecuteExW};

/// `SW_SHOWNORMAL`, for which windows-sys would compile all about windows.
const SHOW_NORMAL: i32 = 1;

/// Opens the URL, without a message of the system's, and returns when that is done: the caller may end at once.
///
/// # Errors
/// The error of the system.
pub fn open(url: &str) -> io::Result<()> {
    let url: Vec<u16> = url.encode_utf16().chain([0]).collect();
    let mut how = SHELLEXECUTEINFOW {
        cbSize: size_of::<SHELLEXECUTEINFOW>() as u32,
        fMask: SEE_MASK_NOASYNC | SEE_MASK_FLAG_NO_UI,
        lpFile: url.as_ptr(),
        nShow: SHOW_NORMAL,
        ..Default::default()
    };
    // SAFETY: no pointer but null is passed. A failure does not matter: only some programs are started by COM.
    unsafe { CoInitializeEx(std::ptr::null(), (COINIT_APARTMENTTHREADED | COINIT_DISABLE_OLE1DDE) as u32) };
    // SAFETY: the structure has its size, and its only pointer is a string that ends with 0 and outlives the call.
    match unsafe { ShellExecuteExW(&mut how) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
