//! What `kubekey` does, seen from outside: the program as a child process, against an OpenID provider, a browser and a
//! real keyring. One program for all of them, since linking takes longer than running.

// The browser's launcher and the keyring are those of a Linux desktop.
#![cfg(all(unix, not(target_os = "macos")))]
// That only `terminal` writes to stderr is a rule for the program.
#![allow(clippy::disallowed_methods)]

mod client_authentication;
mod client_secret;
mod config;
mod cool_down;
mod docs;
mod early_refresh;
mod environment;
mod exec_credential;
mod file_store;
mod fleet;
mod form_post;
mod homebrew;
mod id_token;
mod kernel;
mod keyring;
mod keyring_that_refuses;
mod killed;
mod launcher;
mod limits;
mod listener;
mod log;
mod login;
mod metadata_cache;
mod packaging;
mod pages;
mod policy;
mod policy_keys;
mod printing;
mod proxy;
mod refresh;
mod saved_token;
mod setup;
mod setup_clusters;
mod setup_files;
mod setup_print;
mod setup_system;
mod setup_terminal;
mod setup_texts;
mod siblings;
mod sign_in;
mod support;
mod tls;
mod warm_path;
