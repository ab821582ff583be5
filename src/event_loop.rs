//! The async runtime, which exists only while a run waits for the network, the browser or the keyring.

use std::io;

use tokio::runtime::{Builder, Runtime};

use crate::error::{Error, ErrorKind, Result};

/// Runs `future` to its end, on this thread.
///
/// # Errors
/// Those of `future`, and [`ErrorKind::Failed`] if no event loop can be started.
pub fn run<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = start().map_err(|error| {
        Error::new(ErrorKind::Failed, format!("cannot start an event loop: {error}")).hint(
            "the system may be out of file descriptors: raise the limit ('ulimit -n' shows it), or close some programs",
        )
    })?;
    let result = runtime.block_on(future);
    // A name look-up that is still running after its timeout must not delay the end.
    runtime.shutdown_background();
    result
}

/// An event loop for this thread.
///
/// # Errors
/// If the system does not have what it needs.
pub fn start() -> io::Result<Runtime> {
    require_descriptors()?;
    Builder::new_current_thread().enable_all().build()
}

/// Without descriptors for its signals, which come last, tokio panics.
#[cfg(unix)]
fn require_descriptors() -> io::Result<()> {
    use std::os::unix::net::UnixStream;
    (0..3).map(|_| UnixStream::pair()).collect::<io::Result<Vec<_>>>().map(drop)
}

#[cfg(not(unix))]
fn require_descriptors() -> io::Result<()> {
    Ok(())
}
