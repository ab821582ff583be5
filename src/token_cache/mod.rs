//! Where a sign-in is saved between runs, and the lock around signing in.
//!
//! | `--token-storage` | storage that is read and written |
//! |---|---|
//! | `auto` | the keyring, with the current ID token in the kernel in front of it; without a keyring, only the kernel; without that, none |
//! | `keyring`, `kernel`, `file`, `none` | only that |

mod asked;
mod auto;
#[cfg(all(unix, not(target_os = "macos")))]
mod bounded_call;
#[cfg(any(test, not(all(unix, not(target_os = "macos")))))]
mod bounded_thread;
mod cache;
#[cfg(any(windows, test))]
mod credential_manager;
mod everywhere;
mod failure;
mod file;
mod in_kernel;
mod in_keyring;
mod index;
mod keep;
#[cfg(target_os = "linux")]
mod kernel;
#[cfg(not(target_os = "linux"))]
#[path = "no_kernel.rs"]
mod kernel;
#[cfg(any(target_os = "macos", test))]
mod keychain;
#[cfg(not(all(unix, not(target_os = "macos"))))]
mod keyring;
#[cfg(all(unix, not(target_os = "macos")))]
#[path = "secret_service.rs"]
mod keyring;
mod keyring_error;
mod load;
mod lock;
mod lock_file;
mod lock_note;
mod lock_places;
mod lock_wait;
mod parking;
mod prepared;
mod removal;
#[cfg(all(unix, not(target_os = "macos")))]
mod secret_bus;
#[cfg(all(unix, not(target_os = "macos")))]
mod secret_collection;
#[cfg(all(unix, not(target_os = "macos")))]
mod secret_item;
#[cfg(all(unix, not(target_os = "macos")))]
mod secret_session;
#[cfg(all(unix, not(target_os = "macos")))]
mod session_bus;
mod settled;
#[cfg(any(test, not(all(unix, not(target_os = "macos")))))]
mod split;
mod store;
mod trial;

pub use cache::TokenCache;
pub use everywhere::{attributed, unlisted};
pub use index::is_still_there;
pub use keyring_error::Unlock;
pub use lock::Lock;
pub use lock_note::{Doing, PlaceCode, SignInPlace};
pub use lock_places::Purpose;
pub use lock_wait::Waiter;
pub use prepared::Prepared;
pub use store::Store;
pub use trial::{try_kernel, try_keyring};
