//! One lock for each credential: never more than one sign-in for it at a time, and the others use its result.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};
use crate::terminal;

/// How often a waiter looks whether the lock is free: the standard library's lock has no wait with a bound.
const POLL: Duration = Duration::from_millis(50);

/// After this long a waiter says what it waits for.
const QUIET: Duration = Duration::from_secs(2);

/// A held lock. The operating system frees it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    /// `None` where there is no place for a lock: the run goes on without one.
    file: Option<File>,
}

/// How the lock was got, which says what is to be expected in the cache.
#[derive(Debug)]
pub enum Contender {
    /// Nobody else was there.
    Alone(Lock),
    /// Another process held it meanwhile. If that one failed, this is how.
    Waited(Lock, Option<Error>),
}

impl Lock {
    /// Takes the lock named `name` in the first of `dirs` that can be written, waiting for its holder if there is one.
    ///
    /// # Errors
    /// [`ErrorKind::SignIn`] if it is still held after `patience`.
    pub fn acquire(dirs: &[PathBuf], name: &str, patience: Duration) -> Result<Contender> {
        let mut reasons = Vec::new();
        for dir in dirs {
            match open(dir, name) {
                Ok(file) => return wait(file, patience),
                Err(error) => reasons.push(format!("{}: {error}", dir.display())),
            }
        }
        terminal::warning(&format!(
            "no folder for a lock, so several sign-ins may start at once ({})",
            if reasons.is_empty() { "HOME is not set".to_owned() } else { reasons.join("; ") },
        ));
        Ok(Contender::Alone(Self { file: None }))
    }

    /// Frees the lock and leaves `error` for those who wait for it: on their own they would only fail the same way,
    /// one browser tab after the other.
    pub fn free_after_failure(mut self, error: &Error) {
        // Whoever cannot read it signs in on their own, which is what happens without this, too.
        let _ = self.write(&format!("failed {} {}", error.kind().exit_code(), terminal::sanitise(&error.to_string())));
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(text.as_bytes())
    }

    fn read(&mut self) -> String {
        let mut text = String::new();
        if let Some(file) = &mut self.file {
            // On Windows a locked file cannot be read by others; the message then does without the holder's PID.
            let _ = file.rewind().and_then(|()| file.read_to_string(&mut text));
        }
        text
    }

    /// Notes who holds the lock, for the message of those who wait.
    fn held(mut self) -> Self {
        let _ = self.write(&format!("held by process {}", std::process::id()));
        self
    }
}

/// Reads what [`Lock::free_after_failure`] left.
fn failure(text: &str) -> Option<Error> {
    let (exit_code, reason) = text.strip_prefix("failed ")?.split_once(' ')?;
    let kind = ErrorKind::from_exit_code(exit_code.parse().ok()?)?;
    let hint = "this run waited for another kubekey, which failed; run the command again to try anew";
    Some(Error::new(kind, reason).hint(hint))
}

fn open(dir: &Path, name: &str) -> io::Result<File> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        builder.mode(0o700);
        options.mode(0o600);
    }
    builder.create(dir)?;
    options.open(dir.join(format!("{name}.lock")))
}

fn wait(file: File, patience: Duration) -> Result<Contender> {
    let mut lock = Lock { file: Some(file) };
    let start = Instant::now();
    let mut waited = false;
    let mut told = false;
    loop {
        match lock.try_lock() {
            Ok(()) if waited => {
                let failure = failure(&lock.read());
                return Ok(Contender::Waited(lock.held(), failure));
            }
            Ok(()) => return Ok(Contender::Alone(lock.held())),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                terminal::warning(&format!("locks do not work here, so several sign-ins may start at once ({error})"));
                return Ok(Contender::Alone(Lock { file: None }));
            }
        }
        waited = true;
        if start.elapsed() >= patience {
            let message = format!("another kubekey has been signing in for {} s{}", patience.as_secs(), lock.holder());
            return Err(Error::new(ErrorKind::SignIn, message).hint("finish that sign-in, or end that process"));
        }
        if !told && start.elapsed() >= QUIET {
            told = true;
            terminal::notice(&format!("waiting for another kubekey that is signing in{}", lock.holder()));
        }
        thread::sleep(POLL);
    }
}

impl Lock {
    fn try_lock(&self) -> std::result::Result<(), TryLockError> {
        self.file.as_ref().map_or(Ok(()), File::try_lock)
    }

    /// Who holds the lock, as an addition to a sentence.
    fn holder(&mut self) -> String {
        self.read().strip_prefix("held by ").map(|holder| format!(" ({holder})")).unwrap_or_default()
    }
}
