//! Which file an open file is.
#![expect(unsafe_code, reason = "the standard library does not report the index of a file")]

use std::fs::File;
use std::os::windows::io::AsRawHandle;

use windows_sys::Win32::Storage::FileSystem::{BY_HANDLE_FILE_INFORMATION, GetFileInformationByHandle};

pub use windows_sys::Win32::Storage::FileSystem::FILE_FLAG_OPEN_REPARSE_POINT;

/// The volume and the index of a file: no other file has both while it is open.
pub fn identity(file: &File) -> Option<(u32, u64)> {
    let mut about = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the file is open, and the place outlives the call.
    let is_known = unsafe { GetFileInformationByHandle(file.as_raw_handle(), &mut about) } != 0;
    is_known
        .then(|| (about.dwVolumeSerialNumber, u64::from(about.nFileIndexHigh) << 32 | u64::from(about.nFileIndexLow)))
}
