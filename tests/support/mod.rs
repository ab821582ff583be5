//! What the tests run `kubekey` against: an OpenID provider, a browser, a user's home.
//!
//! Nothing here shares code with `src/`, so that one mistake cannot hide in both.

pub mod api_server;
pub mod browser;
pub mod canary;
pub mod client;
#[cfg(target_os = "linux")]
pub mod clock;
#[cfg(target_os = "linux")]
pub mod desktop;
#[cfg(target_os = "linux")]
pub mod etc;
pub mod home;
#[cfg(target_os = "linux")]
pub mod keepassxc;
#[cfg(target_os = "linux")]
pub mod kernel;
#[cfg_attr(not(target_os = "linux"), path = "system_keyring.rs")]
pub mod keyring;
#[cfg(target_os = "linux")]
pub mod keyring_relay;
pub mod kubeconfig;
#[cfg(target_os = "linux")]
pub mod kwallet;
#[cfg_attr(unix, path = "launcher_unix.rs")]
#[cfg_attr(windows, path = "launcher_windows.rs")]
pub mod launcher;
#[cfg(target_os = "linux")]
pub mod namespace;
pub mod openssl;
pub mod policy;
pub mod process;
pub mod provider;
pub mod proxy;
pub mod run;
pub mod said;
pub mod source;
#[cfg(target_os = "linux")]
pub mod strace;
#[cfg(target_os = "linux")]
pub mod terminal;
pub mod tls;
pub mod waiting;
