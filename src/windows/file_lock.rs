//! A lock on one byte of a file.
#![expect(unsafe_code, reason = "the standard library locks a file as a whole, and then no other process can read it")]

use std::fs::{File, TryLockError};
use std::io;
use std::os::windows::io::AsRawHandle;

use windows_sys::Win32::Foundation::ERROR_LOCK_VIOLATION;
use windows_sys::Win32::Storage::FileSystem::{LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx};
use windows_sys::Win32::System::IO::{OVERLAPPED, OVERLAPPED_0, OVERLAPPED_0_0};

/// Locks the byte at `offset`, which may be beyond the end, until the file is closed.
///
/// # Errors
/// [`TryLockError::WouldBlock`] if somebody else has it locked; those of the file system.
pub fn try_lock_byte(file: &File, offset: u64) -> Result<(), TryLockError> {
    let parts = OVERLAPPED_0_0 { Offset: offset as u32, OffsetHigh: (offset >> 32) as u32 };
    let mut place = OVERLAPPED { Anonymous: OVERLAPPED_0 { Anonymous: parts }, ..Default::default() };
    let how = LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY;
    // SAFETY: the file is open. It was not opened for overlapped operations, so the call is over when it returns.
    if unsafe { LockFileEx(file.as_raw_handle(), how, 0, 1, 0, &mut place) } != 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() == Some(ERROR_LOCK_VIOLATION as i32) {
        true => Err(TryLockError::WouldBlock),
        false => Err(TryLockError::Error(error)),
    }
}
