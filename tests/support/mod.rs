//! What the tests run `kubekey` against: an OpenID provider, a browser, a user's home.
//!
//! Nothing here shares code with `src/`, so that one mistake can't hide in both.

pub mod browser;
pub mod canary;
pub mod client;
pub mod etc;
pub mod home;
pub mod kernel;
pub mod keyring;
pub mod keyring_relay;
pub mod kubeconfig;
pub mod policy;
pub mod process;
pub mod provider;
pub mod proxy;
pub mod run;
pub mod strace;
pub mod terminal;
pub mod tls;
pub mod waiting;
