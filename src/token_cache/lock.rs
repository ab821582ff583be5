//! One lock for each credential: never more than one sign-in for it at a time, and the others use its result.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use chrono::Utc;

use crate::error::{Error, ErrorKind, Result};
use crate::{local_time, log, terminal};

/// How often a waiter looks whether the lock is free: the standard library's lock has no wait with a bound.
const POLL: Duration = Duration::from_millis(50);

/// After this long a waiter says what it waits for.
const QUIET: Duration = Duration::from_secs(2);

/// How soon after a failed sign-in, in seconds, the same command's next run shares the failure. `kubectl` comes back at once; a
/// program that goes on polling, as k9s does, gets a new sign-in after it.
const SAME_COMMAND: i64 = 10;

/// How much longer than a sign-in a waiter waits, so that it learns how the sign-in ended.
const GRACE: Duration = Duration::from_secs(10);

/// The most that is read of a lock file, in bytes.
const LONGEST: u64 = 16 * 1024;

/// A held lock. The operating system frees it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    /// `None` where there is no place for a lock: the run goes on without one.
    file: Option<File>,
    /// Whether the user has seen something of this run.
    has_opened_browser: bool,
    /// When it was taken, as the person's clock shows it.
    since: String,
}

impl Lock {
    fn of(file: Option<File>) -> Self {
        Self { file, has_opened_browser: false, since: String::new() }
    }

    /// Takes the lock named `name` in the first of `dirs` that can be written, waiting for its holder if there is one.
    ///
    /// With it comes the failure that this run shares, if there is one: that of the holder it waited for, or that of the
    /// sign-in which the same command has just seen fail (`kubectl get` runs a plugin that fails five times). On its own
    /// this run would only open one more browser tab to the same end.
    ///
    /// # Errors
    /// [`ErrorKind::SignIn`] if it is still held after `patience`.
    pub fn acquire(dirs: &[PathBuf], name: &str, patience: Duration) -> Result<(Self, Option<Error>)> {
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
        Ok((Self::of(None), None))
    }

    /// Takes the lock if nobody holds it; nothing is said, and nobody waits.
    pub fn try_acquire(dirs: &[PathBuf], name: &str) -> Option<Self> {
        let file = dirs.iter().find_map(|dir| open(dir, name).ok())?;
        let lock = Self::of(Some(file));
        lock.try_lock().ok().map(|()| lock.held())
    }

    /// Frees the lock and leaves `error` for the runs that share it.
    pub fn free_after_failure(mut self, error: &Error) {
        let failure = Failure {
            kind: error.kind(),
            commands: parent_id().filter(|_| self.has_opened_browser).into_iter().collect(),
            at: Utc::now().timestamp(),
            message: terminal::sanitise(&error.to_string()),
        };
        // Whoever cannot read it signs in on their own, which is what happens without this, too.
        let _ = self.write(&failure.to_string());
    }

    /// The failure that this run shares with the holder it waited for, or with its command's last run.
    fn shared_failure(&mut self, waited: bool) -> Option<Error> {
        let mut failure = Failure::parse(&self.read()).filter(|failure| waited || failure.is_of_this_command())?;
        if !failure.commands.is_empty() && !failure.is_of_this_command() {
            failure.commands.extend(parent_id());
            // The time stays that at which it happened: a program that goes on polling gets its sign-in.
            let _ = self.write(&failure.to_string());
        }
        Some(failure.into_error())
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
            let _ = file.rewind().and_then(|()| file.take(LONGEST).read_to_string(&mut text));
        }
        text
    }

    /// Notes who holds the lock, for the message of those who wait.
    fn held(mut self) -> Self {
        self.since = local_time::format(Utc::now(), "%H:%M:%S");
        let _ = self.write(&self.holding());
        self
    }

    /// Notes where this run's sign-in can be finished, for the same: its terminal may be out of sight.
    pub fn note_url(&mut self, url: &str) {
        self.has_opened_browser = true;
        let _ = self.write(&format!("{}, at {url}", self.holding()));
    }

    fn holding(&self) -> String {
        format!("held by process {} since {}", std::process::id(), self.since)
    }
}

/// What a lock file holds after a run that failed.
struct Failure {
    kind: ErrorKind,
    /// The processes whose kubekey has shared this failure, if a browser was opened for it; each may come back.
    commands: Vec<u32>,
    /// Unix seconds.
    at: i64,
    message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The comma in front keeps the field from being empty where there are no commands.
        let commands: Vec<_> = self.commands.iter().map(u32::to_string).collect();
        write!(f, "failed {} ,{} {} {}", self.kind.exit_code(), commands.join(","), self.at, self.message)
    }
}

impl Failure {
    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.strip_prefix("failed ")?.splitn(4, ' ');
        Some(Self {
            kind: ErrorKind::from_exit_code(fields.next()?.parse().ok()?)?,
            commands: fields.next()?.split(',').filter_map(|id| id.parse().ok()).collect(),
            at: fields.next()?.parse().ok()?,
            message: fields.next()?.to_owned(),
        })
    }

    /// Whether the process that runs this kubekey has just seen this failure.
    fn is_of_this_command(&self) -> bool {
        let age = Utc::now().timestamp().saturating_sub(self.at);
        (0..SAME_COMMAND).contains(&age) && parent_id().is_some_and(|id| self.commands.contains(&id))
    }

    fn into_error(self) -> Error {
        let hint =
            "this run shares the failure of another kubekey a moment ago; wait ten seconds and run the command again";
        Error::new(self.kind, self.message).hint(hint)
    }
}

/// The process that runs kubekey; `None` where the standard library does not tell.
fn parent_id() -> Option<u32> {
    #[cfg(unix)]
    return Some(std::os::unix::process::parent_id());
    #[cfg(not(unix))]
    None
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

fn wait(file: File, patience: Duration) -> Result<(Lock, Option<Error>)> {
    let mut lock = Lock::of(Some(file));
    let start = Instant::now();
    let mut waited = false;
    let mut told = false;
    loop {
        match lock.try_lock() {
            Ok(()) => {
                log::debug(format_args!("lock: taken after {} ms", start.elapsed().as_millis()));
                let failure = lock.shared_failure(waited);
                return Ok(if failure.is_some() { (lock, failure) } else { (lock.held(), None) });
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                terminal::warning(&format!("locks do not work here, so several sign-ins may start at once ({error})"));
                return Ok((Lock::of(None), None));
            }
        }
        waited = true;
        // The holder, whose time began later than that of those who came with it, has to end first.
        if start.elapsed() >= patience + GRACE {
            let message =
                format!("another kubekey has been signing in for {} s{}", (patience + GRACE).as_secs(), lock.holder());
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
