//! Pipes, as seen from the end that writes.
#![expect(unsafe_code, reason = "the standard library does not tell whether a pipe has a reader")]

use std::os::windows::io::AsRawHandle;

use windows_sys::Wdk::Storage::FileSystem::{
    FILE_PIPE_CLOSING_STATE, FILE_PIPE_CONNECTED_STATE, FILE_PIPE_LOCAL_INFORMATION, FilePipeLocalInformation,
    NtQueryInformationFile,
};
use windows_sys::Win32::System::IO::IO_STATUS_BLOCK;

/// The state of a pipe that is open at both ends.
pub const CONNECTED: u32 = FILE_PIPE_CONNECTED_STATE;

/// The state of a pipe whose other end is closed.
pub const CLOSING: u32 = FILE_PIPE_CLOSING_STATE;

/// The state of a pipe (FILE_PIPE_LOCAL_INFORMATION); `None` if it is something else. `PeekNamedPipe` works only at
/// the end that reads, and a write of no bytes looks like the end of the output to some readers.
pub fn state(pipe: &impl AsRawHandle) -> Option<u32> {
    let (mut status, mut pipe_is) = (IO_STATUS_BLOCK::default(), FILE_PIPE_LOCAL_INFORMATION::default());
    let size = size_of::<FILE_PIPE_LOCAL_INFORMATION>() as u32;
    let place = (&raw mut pipe_is).cast();
    // SAFETY: both places outlive the call, and the second has the size that is given.
    let result =
        unsafe { NtQueryInformationFile(pipe.as_raw_handle(), &mut status, place, size, FilePipeLocalInformation) };
    (result >= 0).then_some(pipe_is.NamedPipeState)
}
