//! The async runtime, which exists only while a run waits for the network or the browser.

use crate::error::{Error, ErrorKind, Result};

/// Runs `future` to its end, on this thread.
///
/// # Errors
/// Those of `future`, and [`ErrorKind::Failed`] if no event loop can be started.
pub fn run<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Error::new(ErrorKind::Failed, format!("cannot start an event loop: {error}"))
            .hint("the system may be out of file descriptors: close some programs")
    })?;
    let result = runtime.block_on(future);
    // A name look-up that is still running after its timeout must not delay the end.
    runtime.shutdown_background();
    result
}
