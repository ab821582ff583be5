//! The async runtime, which exists only while the network or the browser is awaited.

use crate::error::{Error, ErrorKind, Result};

/// Runs `future` to its end, on this thread.
///
/// # Errors
/// Those of `future`, and [`ErrorKind::Failed`] if there can be no event loop.
pub fn run<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Error::new(ErrorKind::Failed, format!("cannot start an event loop: {error}"))
            .hint("the system may be out of file descriptors; close some programs")
    })?;
    let result = runtime.block_on(future);
    // A name that the resolver still looks up after its time is over must not hold up the end.
    runtime.shutdown_background();
    result
}
