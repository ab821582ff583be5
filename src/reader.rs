//! The reader of what this run prints: kubectl, which may have ended while kubekey waits for the user.

use crate::environment::variable;
#[cfg(windows)]
use crate::windows::{
    pipe,
    process::{self, Process},
};

/// The reader of stdout.
#[derive(Debug)]
pub struct Reader {
    /// The process that runs kubekey; `None` if it is unknown.
    parent: Option<Parent>,
}

impl Reader {
    /// The current reader.
    pub fn now() -> Self {
        Self { parent: Parent::now() }
    }

    /// Whether the reader has ended. A pipe that is open at the other end has a reader, even if the parent has ended,
    /// as a wrapper does (`setsid`, `sh -c 'kubekey &'`). A file or a terminal does not show that, so there the parent
    /// decides.
    pub fn is_gone(&self) -> bool {
        match stdout() {
            Stdout::Unread => true,
            Stdout::Stream => false,
            Stdout::Other => self.parent.as_ref().is_some_and(Parent::has_ended),
        }
    }

    /// Whether what this run prints can never be read.
    pub fn is_stdout_unread() -> bool {
        matches!(stdout(), Stdout::Unread)
    }
}

/// The kind of stdout.
enum Stdout {
    /// A pipe, a socket or a terminal whose other end is closed.
    Unread,
    /// A pipe or a socket that is open at the other end.
    Stream,
    /// A file, a terminal, a device, or unknown.
    Other,
}

/// The process that runs kubekey.
#[derive(Debug)]
struct Parent {
    id: u32,
    /// Kept open, so that its end shows and its ID is not reused.
    #[cfg(windows)]
    process: Process,
}

#[cfg(unix)]
impl Parent {
    fn now() -> Option<Self> {
        Some(Self { id: std::os::unix::process::parent_id() })
    }

    /// Another process adopts the children of one that ends.
    fn has_ended(&self) -> bool {
        self.id != std::os::unix::process::parent_id()
    }
}

#[cfg(windows)]
impl Parent {
    fn now() -> Option<Self> {
        let id = process::parent_id()?;
        let process = Process::open(id)?;
        is_older(process.start(), process::own_start()).then_some(Self { id, process })
    }

    fn has_ended(&self) -> bool {
        self.process.has_ended()
    }
}

/// Whether the process that has the parent's ID started before this one, both in 100 ns. If not, the parent has ended,
/// and Windows has given its ID to another process. The clock may be too coarse to tell a parent from its child.
#[cfg(any(windows, test))]
fn is_older(parent: Option<u64>, own: Option<u64>) -> bool {
    parent.zip(own).is_some_and(|(parent, own)| parent <= own)
}

/// The ID of the process that runs kubekey; `None` if it is unknown, as on Windows after its end.
pub fn parent_id() -> Option<u32> {
    Parent::now().map(|parent| parent.id)
}

/// The program that runs kubekey as its plugin, as kubectl does, and may run it again at once. `None` if a person runs
/// kubekey: the shell is the same each time.
pub fn command_id() -> Option<u32> {
    let is_plugin = variable("KUBERNETES_EXEC_INFO").is_some_and(|info| !info.is_empty());
    // With the settings of a context, a person's command has run itself again as kubectl would.
    let is_of_context = std::env::args_os().any(|argument| argument.as_encoded_bytes().starts_with(b"--context="));
    parent_id().filter(|_| is_plugin && !is_of_context)
}

#[cfg(unix)]
fn stdout() -> Stdout {
    use std::os::fd::AsFd;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::{FileType, fstat};

    let stdout = std::io::stdout();
    // Both flags are always reported. Linux has ERR for a pipe without a reader and HUP for a socket; others have HUP
    // for both.
    let mut polled = [PollFd::from_borrowed_fd(stdout.as_fd(), PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    if poll(&mut polled, Some(&now)).is_ok() && polled[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) {
        return Stdout::Unread;
    }
    match fstat(stdout.as_fd()).map(|stat| FileType::from_raw_mode(stat.st_mode)) {
        Ok(FileType::Fifo | FileType::Socket) => Stdout::Stream,
        _ => Stdout::Other,
    }
}

#[cfg(windows)]
fn stdout() -> Stdout {
    kind(pipe::state(&std::io::stdout()))
}

/// What the state of a pipe says about stdout; `None` if it is not a pipe.
#[cfg(windows)]
fn kind(pipe: Option<u32>) -> Stdout {
    match pipe {
        Some(pipe::CONNECTED) => Stdout::Stream,
        Some(pipe::CLOSING) => Stdout::Unread,
        _ => Stdout::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::{is_older, parent_id};

    #[test]
    fn a_process_that_started_later_is_not_the_parent() {
        for (parent, own, is_parent) in [
            (Some(1), Some(2), true),
            (Some(2), Some(2), true),
            (Some(3), Some(2), false),
            (None, Some(2), false),
            (Some(1), None, false),
        ] {
            assert_eq!(is_older(parent, own), is_parent, "{parent:?} {own:?}");
        }
    }

    /// Runs itself: the child's parent is known for sure.
    #[test]
    fn the_parent_is_the_process_that_started_this_one() {
        const PARENT: &str = "KUBEKEY_TEST_PARENT";
        if let Ok(parent) = std::env::var(PARENT) {
            return assert_eq!(parent_id().map(|id| id.to_string()), Some(parent));
        }
        let itself = "reader::tests::the_parent_is_the_process_that_started_this_one";
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        let output = child.args(["--exact", itself]).env(PARENT, std::process::id().to_string()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
    }

    #[test]
    #[cfg(windows)]
    fn a_process_that_ends_is_seen_to_end() {
        use std::process::{Command, Stdio};

        let mut child = Command::new("cmd").args(["/d", "/c", "set /p x="]).stdin(Stdio::piped()).spawn().unwrap();
        let process = super::Process::open(child.id()).unwrap();
        assert!(!process.has_ended() && process.start() >= super::process::own_start());
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(process.has_ended());
    }

    #[test]
    #[cfg(windows)]
    fn a_pipe_is_unread_as_soon_as_its_other_end_is_closed() {
        use super::{Stdout, kind, pipe};

        let (reader, writer) = std::io::pipe().unwrap();
        assert!(matches!(kind(pipe::state(&writer)), Stdout::Stream));
        drop(reader);
        assert!(matches!(kind(pipe::state(&writer)), Stdout::Unread));
        assert!(matches!(kind(pipe::state(&tempfile::tempfile().unwrap())), Stdout::Other));
    }
}
