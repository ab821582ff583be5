//! Files that another program has open. Windows does not let a file be replaced, removed or opened while a program has
//! it open that does not share it for that: kubectl never shares a kubeconfig for its removal, and virus scanners and
//! indexers open every new file. Most close it within milliseconds, so what Windows refuses is tried again, as `cargo`,
//! `rustup` and `go` do. Elsewhere an open file is in nobody's way.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How long something is tried.
const PATIENCE: Duration = Duration::from_secs(2);

/// The first pause; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(1);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Windows: ERROR_SHARING_VIOLATION and ERROR_LOCK_VIOLATION.
const SHARING: &[i32] = &[32, 33];

/// The same with ERROR_ACCESS_DENIED, which is how Windows refuses to replace or to remove a file that is open.
const ACCESS: &[i32] = &[5, 32, 33];

/// Renames a file, and replaces the one that may have the new name.
///
/// # Errors
/// Those of the file system; see [`is_busy`].
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    repeat(ACCESS, PATIENCE, || fs::rename(from, to))
}

/// Removes a file.
///
/// # Errors
/// Those of the file system; see [`is_busy`].
pub fn remove(path: &Path) -> io::Result<()> {
    repeat(ACCESS, PATIENCE, || fs::remove_file(path))
}

/// Opens a file. A user who may not open it does not have to wait.
///
/// # Errors
/// Those of the file system; see [`is_busy`].
pub fn open(options: &OpenOptions, path: &Path) -> io::Result<File> {
    repeat(SHARING, PATIENCE, || options.open(path))
}

/// Whether another program may have the file open.
pub fn is_busy(error: &io::Error) -> bool {
    is_one_of(ACCESS, error)
}

/// The numbers mean something else on other systems.
fn is_one_of(errors: &[i32], error: &io::Error) -> bool {
    cfg!(any(windows, test)) && error.raw_os_error().is_some_and(|error| errors.contains(&error))
}

fn repeat<T>(errors: &[i32], patience: Duration, mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let (start, mut pause) = (Instant::now(), PAUSE);
    loop {
        match attempt() {
            Err(error) if is_one_of(errors, &error) && start.elapsed() < patience => thread::sleep(pause),
            result => return result,
        }
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result after the `errors`, and how many attempts it took.
    fn result_after(errors: &[i32], refused: &[i32], patience: Duration) -> (Option<i32>, usize) {
        let mut attempts = 0;
        let result = repeat(errors, patience, || {
            attempts += 1;
            refused.get(attempts - 1).map_or(Ok(()), |error| Err(io::Error::from_raw_os_error(*error)))
        });
        (result.err().and_then(|error| error.raw_os_error()), attempts)
    }

    #[test]
    fn what_a_busy_file_refuses_is_tried_again_until_the_time_is_over() {
        let long = Duration::from_secs(600);
        assert_eq!(result_after(ACCESS, &[5, 32, 33], long), (None, 4));
        assert_eq!(result_after(ACCESS, &[32, 2, 32], long), (Some(2), 2), "another error is final");
        assert_eq!(result_after(SHARING, &[33, 5], long), (Some(5), 2), "this user may not open it");
        assert_eq!(result_after(ACCESS, &[32, 32], Duration::ZERO), (Some(32), 1));
    }

    #[test]
    #[cfg(windows)]
    fn a_file_that_another_program_closes_soon_is_replaced_and_removed() {
        use std::os::windows::fs::OpenOptionsExt;

        let folder = tempfile::tempdir().unwrap();
        let [new, path] = ["new", "file"].map(|name| folder.path().join(name));
        // As Go opens files: shared for reading and writing, not for removal.
        let kubectl = || OpenOptions::new().read(true).share_mode(3).open(&path).unwrap();
        fs::write(&path, "old").unwrap();
        fs::write(&new, "new").unwrap();
        let mut held = Some(kubectl());
        let refused = fs::rename(&new, &path).unwrap_err();
        assert!(is_busy(&refused), "{refused}");
        let replaced = repeat(ACCESS, Duration::from_secs(60), || {
            let renamed = fs::rename(&new, &path);
            held = None;
            renamed
        });
        replaced.unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        let mut held = Some(kubectl());
        let removed = repeat(ACCESS, Duration::from_secs(60), || {
            let removed = fs::remove_file(&path);
            assert!(held.is_none() || removed.is_err());
            held = None;
            removed
        });
        removed.unwrap();
    }
}
