//! Folders of the user and of the system, as Windows knows them whatever the environment is.
//!
//! `SHGetKnownFolderPath` for the current location of `AppData` reads a registry value with `%USERPROFILE%` in it, and
//! replaces that by the variable of this process. Only the default location does not depend on it.
#![expect(unsafe_code, reason = "the standard library asks for no known folder, and windows-sys has only unsafe calls")]

use std::ffi::OsString;
use std::os::windows::ffi::OsStringExt;
use std::path::{Component, PathBuf};
use std::{ptr, slice};

use windows_registry::LOCAL_MACHINE;
use windows_sys::Win32::Foundation::{HANDLE, MAX_PATH, S_OK};
use windows_sys::Win32::System::Com::CoTaskMemFree;
use windows_sys::Win32::System::SystemInformation::GetSystemWindowsDirectoryW;
use windows_sys::Win32::UI::Shell::{
    FOLDERID_LocalAppData, FOLDERID_ProgramFiles, FOLDERID_ProgramFilesX86, FOLDERID_RoamingAppData,
    GetUserProfileDirectoryW, KF_FLAG_DEFAULT_PATH, KF_FLAG_DONT_VERIFY, SHGetKnownFolderPath,
};
use windows_sys::core::GUID;

/// What `GetCurrentProcessToken` of the Windows headers returns: a pseudo-handle, which needs no `CloseHandle`.
const OWN_TOKEN: HANDLE = -4isize as HANDLE;

/// The longest path of a profile, in UTF-16 units.
const LONGEST: usize = 32 * 1024;

/// The user's profile, such as `C:\Users\jane`.
pub fn profile() -> Option<PathBuf> {
    let mut buffer = vec![0; LONGEST];
    let mut length = LONGEST as u32;
    // SAFETY: the buffer has the length that is passed with it, and both outlive the call.
    let is_found = unsafe { GetUserProfileDirectoryW(OWN_TOKEN, buffer.as_mut_ptr(), &mut length) };
    let end = buffer.iter().position(|unit| *unit == 0)?;
    (is_found != 0).then(|| OsString::from_wide(&buffer[..end]).into())
}

/// The folder for settings, such as `C:\Users\jane\AppData\Roaming`.
pub fn roaming_app_data() -> Option<PathBuf> {
    default_path(&FOLDERID_RoamingAppData)
}

/// The folder for other data, such as `C:\Users\jane\AppData\Local`.
pub fn local_app_data() -> Option<PathBuf> {
    default_path(&FOLDERID_LocalAppData)
}

/// The folder of programs, such as `C:\Program Files`.
pub fn program_files() -> Option<PathBuf> {
    default_path(&FOLDERID_ProgramFiles)
}

/// The folder of 32-bit programs, such as `C:\Program Files (x86)`.
pub fn program_files_x86() -> Option<PathBuf> {
    default_path(&FOLDERID_ProgramFilesX86)
}

/// The folder for the data of all users, such as `C:\ProgramData`.
pub fn program_data() -> Option<PathBuf> {
    const DRIVE: &str = "%SystemDrive%";
    let registered = registered_program_data().unwrap_or_else(|| format!(r"{DRIVE}\ProgramData"));
    let path = match registered.split_at_checked(DRIVE.len()) {
        Some((drive, path)) if drive.eq_ignore_ascii_case(DRIVE) => format!("{}{path}", system_drive()?.display()),
        _ => registered,
    };
    Some(PathBuf::from(path)).filter(|path| path.is_absolute())
}

/// The folder that one of [`FOLDER_VARIABLES`](crate::environment::FOLDER_VARIABLES) means.
pub fn of_variable(name: &str) -> Option<PathBuf> {
    match name {
        "ProgramFiles" => program_files(),
        "ProgramFiles(x86)" => program_files_x86(),
        "ProgramData" | "ALLUSERSPROFILE" => program_data(),
        "SystemRoot" | "windir" => windows(),
        "SystemDrive" => system_drive(),
        "USERPROFILE" => profile(),
        "APPDATA" => roaming_app_data(),
        "LOCALAPPDATA" => local_app_data(),
        _ => None,
    }
}

/// The drive of Windows, such as `C:`.
pub fn system_drive() -> Option<PathBuf> {
    match windows()?.components().next()? {
        Component::Prefix(drive) => Some(drive.as_os_str().into()),
        _ => None,
    }
}

/// What the registry has as that folder, usually `%SystemDrive%\ProgramData`.
fn registered_program_data() -> Option<String> {
    let key = LOCAL_MACHINE.open(r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList").ok()?;
    key.get_value("ProgramData").ok()?.try_into().ok()
}

/// The folder of Windows, such as `C:\Windows`.
pub fn windows() -> Option<PathBuf> {
    let mut buffer = [0; MAX_PATH as usize];
    // SAFETY: the buffer has the length that is passed with it, and outlives the call.
    let length = unsafe { GetSystemWindowsDirectoryW(buffer.as_mut_ptr(), MAX_PATH) };
    let units = buffer.get(..length as usize).filter(|units| !units.is_empty())?;
    Some(OsString::from_wide(units).into())
}

fn default_path(folder: &GUID) -> Option<PathBuf> {
    let mut text = ptr::null_mut();
    let flags = (KF_FLAG_DEFAULT_PATH | KF_FLAG_DONT_VERIFY) as u32;
    // SAFETY: the identifier and the place for the result outlive the call; a null handle is the user of this process.
    let result = unsafe { SHGetKnownFolderPath(folder, flags, ptr::null_mut(), &mut text) };
    let path = (result == S_OK && !text.is_null()).then(|| {
        let length = (0..).take_while(|at| {
            // SAFETY: the text ends with a zero, and nothing after it is read.
            unsafe { *text.add(*at) != 0 }
        });
        // SAFETY: so many units were just read, and the text is freed only below.
        OsString::from_wide(unsafe { slice::from_raw_parts(text, length.count()) }).into()
    });
    // SAFETY: the documentation asks the caller to free the text so, also after a failure; null is allowed.
    unsafe { CoTaskMemFree(text.cast()) };
    path
}
