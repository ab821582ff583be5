//! kubekey is a client-go credential plugin: `kubectl` runs it, it prints one `ExecCredential` and exits.
//!
//! Read [`get_token`] first; it is the whole program in one line from top to bottom. `docs/architecture.md` has its
//! steps, and where to add new things. The rooms, from top to bottom; each imports only those below it:
//!
//! | module | what it knows |
//! |---|---|
//! | [`program`], [`told`] | arguments in, exit code out, and each message only once for one `kubectl` |
//! | [`commands`] | the other commands, a file or folder each |
//! | [`get_token`], [`early_refresh`], [`renewal`] | the straight line; the silent refresh: prepared, sent, saved |
//! | [`sign_in`] | which flow fits the session; in the browser, or with a code; its loopback server knows HTTP but not OpenID Connect |
//! | [`token_cache`], [`state`], [`credential_key`] | where a sign-in is saved, and the lock around signing in; what runs tell each other |
//! | [`api_server`] | for whom the API server takes the user |
//! | [`oidc`] | the provider: discovery, code exchange, refresh, verification; never the token cache |
//! | [`settings`] | the effective settings: every value parsed |
//! | [`policy`] | what the administrator decides about the given values |
//! | [`kubeconfig`] | kubeconfigs, read as client-go does and changed as `kubectl config` does |
//! | [`cli`], [`config`] | the given values, and where each comes from: the table of keys, flags, variables, files, folders |
//! | [`exec_credential`], [`token`] | the protocol between client-go and its plugins; what an ID token says |
//! | [`access`], [`atomic_file`], `busy_file`, [`clock`], `color`, [`controlling_terminal`], [`encoding`], [`environment`], [`error`], [`event_loop`], [`foreign`], `hidden_lines`, `line_editor`, [`local_time`], [`log`], [`log_level`], `loopback_host`, [`output`], [`own_file`], `paragraph`, [`printable`], `qr_code`, `quoted_command`, [`reader`], [`secret`], `security_descriptor`, [`shell`], [`signals`], `temporary_file`, [`terminal`], [`trusted_file`], [`user`], [`user_folders`], `windows`, `windows_name` | the words that all others use |
//!
//! Rules that hold everywhere:
//! - stdout carries one `ExecCredential`, and only on success; only [`exec_credential`] writes it. Only [`terminal`]
//!   writes to stderr, and on the warm path nothing does.
//! - A run with a fresh saved token takes no lock, starts no HTTP client and writes no file.
//! - An ID token is printed or saved only after `oidc::verify` has accepted it.
//! - A secret is a [`secret::Secret`]; every line where one leaves it calls `expose`.

pub mod access;
pub mod api_server;
pub mod atomic_file;
mod busy_file;
pub mod cli;
pub mod clock;
mod color;
pub mod commands;
pub mod config;
pub mod controlling_terminal;
pub mod credential_key;
pub mod early_refresh;
pub mod encoding;
pub mod environment;
pub mod error;
pub mod event_loop;
pub mod exec_credential;
pub mod foreign;
pub mod get_token;
mod hidden_lines;
pub mod kept;
pub mod kubeconfig;
#[cfg(unix)]
mod line_editor;
pub mod local_time;
pub mod log;
pub mod log_level;
mod loopback_host;
pub mod oidc;
pub mod output;
pub mod own_file;
mod paragraph;
pub mod policy;
pub mod printable;
pub mod program;
mod qr_code;
mod quoted_command;
pub mod reader;
pub mod renewal;
pub mod secret;
#[cfg(any(windows, test))]
mod security_descriptor;
pub mod settings;
pub mod shell;
pub mod sign_in;
pub mod signals;
pub mod state;
mod temporary_file;
pub mod terminal;
pub mod token;
pub mod token_cache;
pub mod told;
pub mod trusted_file;
pub mod user;
pub mod user_folders;
#[cfg(windows)]
pub mod windows;
mod windows_name;
