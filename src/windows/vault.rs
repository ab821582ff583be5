//! What Credential Manager can save in this session.
#![expect(unsafe_code, reason = "the standard library does not offer it")]

use std::io;

use windows_sys::Win32::Security::Credentials::{CRED_TYPE_GENERIC, CRED_TYPE_MAXIMUM, CredGetSessionTypes};

/// The longest persistence of a generic credential in this session: `CRED_PERSIST_NONE` (0), `_SESSION` (1),
/// `_LOCAL_MACHINE` (2) or `_ENTERPRISE` (3).
///
/// # Errors
/// `ERROR_NO_SUCH_LOGON_SESSION` in a session without a vault, as over SSH.
pub fn longest_persistence() -> io::Result<u32> {
    let mut longest = [0; CRED_TYPE_MAXIMUM as usize];
    // SAFETY: the call writes at most as many numbers as the array has.
    match unsafe { CredGetSessionTypes(CRED_TYPE_MAXIMUM, longest.as_mut_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(longest[CRED_TYPE_GENERIC as usize]),
    }
}
