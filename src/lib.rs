//! kubekey is a client-go credential plugin: `kubectl` runs it, it prints one `ExecCredential` and exits.
//!
//! Read [`get_token`] first; it is the whole program in one line from top to bottom. Then, in its order:
//!
//! | module | what it knows |
//! |---|---|
//! | [`exec_credential`] | the protocol between client-go and its plugins |
//! | [`config`] | settings: the table of them, the layers they come from, the policy above, and where files live |
//! | [`token_cache`] | where a sign-in is kept, and the lock around making one |
//! | [`oidc`] | the provider: discovery, code exchange, refresh, verification; its public metadata on disk, but never the token cache |
//! | [`sign_in`] | the flow in the browser; its loopback listener knows HTTP but not OpenID Connect |
//! | [`kubeconfig`] | kubeconfigs, changed as `kubectl config` does it |
//! | [`commands`] | what is not `get-token`, a file each |
//! | [`state`] | what one run tells the next ones beside the tokens |
//! | [`access`], [`atomic_file`], [`own_file`], [`trusted_file`], [`event_loop`], [`local_time`], [`token`], [`secret`], [`error`], [`terminal`], [`log`] | the words all others use |
//!
//! What holds everywhere:
//! - stdout carries one `ExecCredential` and only on success; [`exec_credential`] alone writes it. [`terminal`] alone
//!   writes to stderr, and on the warm path nobody does.
//! - A run with a fresh saved token takes no lock, starts no HTTP client and writes no file.
//! - An ID token is printed or saved only after `oidc::verify` has accepted it.
//! - A secret is a [`secret::Secret`]; every place one leaves says `expose`.

pub mod access;
pub mod atomic_file;
pub mod cli;
pub mod commands;
pub mod config;
pub mod error;
pub mod event_loop;
pub mod exec_credential;
pub mod get_token;
pub mod kubeconfig;
pub mod local_time;
pub mod log;
pub mod oidc;
pub mod own_file;
pub mod secret;
pub mod sign_in;
pub mod state;
pub mod terminal;
pub mod token;
pub mod token_cache;
pub mod trusted_file;
