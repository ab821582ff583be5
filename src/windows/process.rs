//! Processes: this one and its session, the one that runs it, when they started, and whether they have ended.
#![expect(unsafe_code, reason = "the standard library knows neither the parent process nor sessions")]

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle, RawHandle};

use windows_sys::Win32::Foundation::{
    FILETIME, HANDLE_FLAG_INHERIT, INVALID_HANDLE_VALUE, SetHandleInformation, WAIT_OBJECT_0,
};
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW, TH32CS_SNAPPROCESS,
};
use windows_sys::Win32::System::RemoteDesktop::ProcessIdToSessionId;
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, GetProcessTimes, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SYNCHRONIZE,
    WaitForSingleObject,
};

/// An open process: its ID is not reused while it is open.
#[derive(Debug)]
pub struct Process(OwnedHandle);

impl Process {
    /// Opens the process with this ID; `None` if there is none, or this user may not open it.
    pub fn open(id: u32) -> Option<Self> {
        // SAFETY: a call without pointers.
        let handle = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SYNCHRONIZE, 0, id) };
        // SAFETY: the handle is new, valid, and only this value has it.
        (!handle.is_null()).then(|| Self(unsafe { OwnedHandle::from_raw_handle(handle) }))
    }

    /// When it started, in 100 ns since 1601.
    pub fn start(&self) -> Option<u64> {
        start_of(self.0.as_raw_handle())
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        // SAFETY: the handle is open as long as `self` lives.
        unsafe { WaitForSingleObject(self.0.as_raw_handle(), 0) == WAIT_OBJECT_0 }
    }
}

/// From here on no child process inherits the standard streams of this one by accident: with any stream of its own, a
/// child gets every handle that may be inherited.
pub fn keep_own_streams() {
    for stream in [io::stdin().as_raw_handle(), io::stdout().as_raw_handle(), io::stderr().as_raw_handle()] {
        // SAFETY: a call without pointers; a stream that is not open is an error, which does no harm.
        unsafe { SetHandleInformation(stream, HANDLE_FLAG_INHERIT, 0) };
    }
}

/// When this process started, in 100 ns since 1601.
pub fn own_start() -> Option<u64> {
    // SAFETY: a call without arguments, whose result needs no closing.
    start_of(unsafe { GetCurrentProcess() })
}

fn start_of(process: RawHandle) -> Option<u64> {
    let [mut start, mut exit, mut kernel, mut user] = [FILETIME::default(); 4];
    // SAFETY: the caller has the process open, and the four places outlive the call.
    let is_known = unsafe { GetProcessTimes(process, &mut start, &mut exit, &mut kernel, &mut user) } != 0;
    is_known.then(|| u64::from(start.dwHighDateTime) << 32 | u64::from(start.dwLowDateTime))
}

/// The ID that the process had which started this one: it may have ended, and its ID may be another's now.
pub fn parent_id() -> Option<u32> {
    // SAFETY: a call without pointers.
    let snapshot = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0) };
    if snapshot == INVALID_HANDLE_VALUE {
        return None;
    }
    // SAFETY: the handle is new, valid, and only this value has it.
    let snapshot = unsafe { OwnedHandle::from_raw_handle(snapshot) };
    let mut entry = PROCESSENTRY32W { dwSize: size_of::<PROCESSENTRY32W>() as u32, ..Default::default() };
    // SAFETY: the snapshot is open, and the entry has the size that it says.
    let mut is_there = unsafe { Process32FirstW(snapshot.as_raw_handle(), &mut entry) } != 0;
    while is_there && entry.th32ProcessID != std::process::id() {
        // SAFETY: as above.
        is_there = unsafe { Process32NextW(snapshot.as_raw_handle(), &mut entry) } != 0;
    }
    is_there.then_some(entry.th32ParentProcessID)
}

/// The number of the session of this process; 0 is that of services, which has no desktop. `None` if the system does not say
/// it.
pub fn session_id() -> Option<u32> {
    let mut session = 0;
    // SAFETY: the pointer is that of a local variable.
    let is_known = unsafe { ProcessIdToSessionId(std::process::id(), &mut session) } != 0;
    is_known.then_some(session)
}
