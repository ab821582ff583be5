//! Owners and access control lists of files, in the self-relative form of [`crate::security_descriptor`].
#![expect(unsafe_code, reason = "the standard library has neither owners nor access control lists of Windows")]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::{ERROR_INSUFFICIENT_BUFFER, INVALID_HANDLE_VALUE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::{
    DACL_SECURITY_INFORMATION, GetKernelObjectSecurity, GetTokenInformation, OWNER_SECURITY_INFORMATION,
    PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES, SetKernelObjectSecurity, TOKEN_ELEVATION, TOKEN_QUERY, TokenElevation,
    TokenUser,
};
use windows_sys::Win32::Storage::FileSystem::{
    CreateDirectoryW, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, FILE_READ_ATTRIBUTES,
    FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE, READ_CONTROL, ReOpenFile, WRITE_DAC,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

pub use windows_sys::Win32::Storage::FileSystem::FILE_ATTRIBUTE_REPARSE_POINT;

/// Opens a folder or file itself, and not the target of a link, to ask for its owner and access control list.
///
/// # Errors
/// Those of the file system.
pub fn open_to_inspect(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.access_mode(READ_CONTROL | FILE_READ_ATTRIBUTES);
    options.custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT).open(path)
}

/// How a file itself, and not the target of a link, is opened to be read.
pub fn itself() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    options
}

/// The owner and the access control list of an open file or folder.
///
/// # Errors
/// If Windows does not tell.
pub fn descriptor(file: &File) -> io::Result<Vec<u8>> {
    query(file, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION)
}

/// The access control list of an open file or folder, in a descriptor without an owner.
///
/// # Errors
/// If Windows does not tell.
pub fn dacl(file: &File) -> io::Result<Vec<u8>> {
    query(file, DACL_SECURITY_INFORMATION)
}

/// Like `GetSecurityInfo`, but the result is documented to be self-relative and is in memory of our own.
fn query(file: &File, parts: u32) -> io::Result<Vec<u8>> {
    sized(|buffer, length, needed| {
        // SAFETY: the handle is open as long as `file` is borrowed, and the buffer has `length` bytes.
        unsafe { GetKernelObjectSecurity(file.as_raw_handle(), parts, buffer.cast(), length, needed) }
    })
}

/// Gives an open file the access control list of a descriptor, as [`dacl`] returns it, with what it has inherited.
///
/// # Errors
/// If the user may not change it.
pub fn set_dacl(file: &File, descriptor: &[u8]) -> io::Result<()> {
    const SHARED: u32 = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    // The right is not asked for when a file is made: a share that lets users change files need not grant it.
    // SAFETY: the handle is open as long as `file` is borrowed.
    let handle = unsafe { ReOpenFile(file.as_raw_handle(), WRITE_DAC, SHARED, 0) };
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle was just opened and nothing else closes it.
    let handle = unsafe { OwnedHandle::from_raw_handle(handle) };
    let pointer: PSECURITY_DESCRIPTOR = descriptor.as_ptr().cast_mut().cast();
    // SAFETY: the descriptor came from Windows and is only read.
    succeeded(unsafe { SetKernelObjectSecurity(handle.as_raw_handle(), DACL_SECURITY_INFORMATION, pointer) })
}

/// Makes a folder with the owner and the access control list of a string (SDDL).
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`], or if the user may not make it.
pub fn create_folder(path: &Path, sddl: &str) -> io::Result<()> {
    let (path, sddl) = (wide(path.as_os_str().encode_wide()), wide(sddl.encode_utf16()));
    let mut descriptor: PSECURITY_DESCRIPTOR = null_mut();
    // SAFETY: the string ends with NUL, and the length is not asked for.
    succeeded(unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            sddl.as_ptr(),
            SDDL_REVISION_1,
            &raw mut descriptor,
            null_mut(),
        )
    })?;
    let attributes = SECURITY_ATTRIBUTES {
        nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
        lpSecurityDescriptor: descriptor,
        bInheritHandle: 0,
    };
    // SAFETY: the path ends with NUL, and the descriptor lives until it is freed below.
    let made = succeeded(unsafe { CreateDirectoryW(path.as_ptr(), &raw const attributes) });
    // SAFETY: the conversion has allocated it with LocalAlloc, and it is not used after this.
    unsafe { LocalFree(descriptor) };
    made
}

/// The SID of the user that runs this program, in its binary form.
///
/// # Errors
/// If Windows does not tell.
pub fn user() -> io::Result<Vec<u8>> {
    let token = own_token()?;
    let found = sized(|buffer, length, needed| {
        // SAFETY: the handle is open, and the buffer has `length` bytes.
        unsafe { GetTokenInformation(token.as_raw_handle(), TokenUser, buffer.cast(), length, needed) }
    })?;
    // A TOKEN_USER begins with the pointer to its SID, which is in the same buffer.
    let pointer = found.first_chunk().map(|bytes| usize::from_ne_bytes(*bytes)).ok_or(io::ErrorKind::InvalidData)?;
    let start = pointer.checked_sub(found.as_ptr().addr()).ok_or(io::ErrorKind::InvalidData)?;
    found.get(start..).map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Whether this program runs with an administrator's full rights.
pub fn is_elevated() -> bool {
    let (mut found, mut length) = (TOKEN_ELEVATION::default(), 0);
    let size = size_of::<TOKEN_ELEVATION>() as u32;
    let place = (&raw mut found).cast();
    let is_known = own_token().is_ok_and(|token| {
        // SAFETY: the token is open, and the place has the size that is passed.
        unsafe { GetTokenInformation(token.as_raw_handle(), TokenElevation, place, size, &raw mut length) != 0 }
    });
    is_known && found.TokenIsElevated != 0
}

fn own_token() -> io::Result<OwnedHandle> {
    let mut token = null_mut();
    // SAFETY: the handle of the process is always valid, and `token` is written only on success.
    succeeded(unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) })?;
    // SAFETY: the handle was just opened and nothing else closes it.
    Ok(unsafe { OwnedHandle::from_raw_handle(token) })
}

/// Calls twice: for the size, and for the content.
fn sized(call: impl Fn(*mut u8, u32, *mut u32) -> i32) -> io::Result<Vec<u8>> {
    let mut needed = 0;
    match succeeded(call(null_mut(), 0, &raw mut needed)) {
        Err(error) if error.raw_os_error() != Some(ERROR_INSUFFICIENT_BUFFER as i32) => return Err(error),
        _ => {}
    }
    let mut buffer = vec![0; needed as usize];
    succeeded(call(buffer.as_mut_ptr(), needed, &raw mut needed))?;
    Ok(buffer)
}

fn succeeded(result: i32) -> io::Result<()> {
    if result == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn wide(text: impl Iterator<Item = u16>) -> Vec<u16> {
    text.chain([0]).collect()
}
