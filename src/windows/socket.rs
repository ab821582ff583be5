//! Sockets.
#![expect(unsafe_code, reason = "neither the standard library nor tokio sets SO_EXCLUSIVEADDRUSE")]

use std::io;
use std::os::windows::io::AsRawSocket;

use windows_sys::Win32::Networking::WinSock::{SO_EXCLUSIVEADDRUSE, SOCKET, SOL_SOCKET, setsockopt};

/// Keeps others from binding the address that `socket` is going to be bound to, even with `SO_REUSEADDR`.
///
/// # Errors
/// Those of Windows.
pub fn require_exclusive_address(socket: &impl AsRawSocket) -> io::Result<()> {
    let yes = 1_i32;
    let (place, size) = ((&raw const yes).cast(), size_of_val(&yes) as i32);
    // SAFETY: the socket is open, and the value is as long as its size says.
    match unsafe { setsockopt(socket.as_raw_socket() as SOCKET, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, place, size) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
