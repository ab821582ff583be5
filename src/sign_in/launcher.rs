//! Bringing up the user's browser.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Brings up the browser; what is returned turns false if that fails. The launcher may block or fail: the address is
/// printed as well, so neither changes anything for this run.
pub fn launch(url: String) -> Arc<AtomicBool> {
    let launched = Arc::new(AtomicBool::new(true));
    let told = launched.clone();
    let started = thread::Builder::new().spawn(move || {
        if open::that_detached(url).is_err() {
            told.store(false, Ordering::Relaxed);
        }
    });
    if started.is_err() {
        launched.store(false, Ordering::Relaxed);
    }
    launched
}
