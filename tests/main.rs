//! The behaviour of `kubekey` from outside: the program as a child process, with an OpenID provider, a browser and a
//! real keyring. All tests are one program, since linking takes longer than running.

// The rule that only `terminal` writes to stderr is for the program.
#![allow(clippy::disallowed_methods)]
// Tests that need Linux leave what only they use unused elsewhere.
#![cfg_attr(not(target_os = "linux"), allow(dead_code, unused_imports))]

mod access_token;
#[cfg(target_os = "linux")]
mod bare;
#[cfg(unix)]
mod certificate_errors;
mod certificates;
mod client_authentication;
mod client_credentials;
mod client_secret;
#[cfg(target_os = "linux")]
mod clock;
#[cfg(target_os = "linux")]
mod colors;
mod completions;
mod config;
mod config_check;
mod connections;
mod consent;
mod contexts;
mod cool_down;
#[cfg(target_os = "linux")]
mod countdown;
mod device_flow;
#[cfg(target_os = "linux")]
mod docs;
mod doctor;
#[cfg(target_os = "linux")]
mod doctor_findings;
#[cfg(target_os = "linux")]
mod documented;
mod early_refresh;
mod elsewhere;
mod encodings;
mod environment;
mod escapes;
mod exec_credential;
#[cfg(target_os = "linux")]
mod failing_disk;
#[cfg(target_os = "linux")]
mod failing_keyring;
#[cfg(target_os = "linux")]
mod faults;
mod file_store;
#[cfg(target_os = "linux")]
mod fleet;
mod foreign_words;
mod form_post;
mod group_policy;
mod help;
#[cfg(target_os = "linux")]
mod hidden_words;
#[cfg(target_os = "linux")]
mod hint_commands;
mod hints;
#[cfg(target_os = "linux")]
mod homebrew;
mod id_token;
#[cfg(target_os = "linux")]
mod keepassxc;
#[cfg(target_os = "linux")]
mod kernel;
#[cfg(target_os = "linux")]
mod keyring;
#[cfg(target_os = "linux")]
mod keyring_that_refuses;
#[cfg(target_os = "linux")]
mod killed;
#[cfg(target_os = "linux")]
mod krew;
mod kubelogin;
#[cfg(target_os = "linux")]
mod kwallet;
#[cfg(target_os = "linux")]
mod launcher;
mod limits;
#[cfg(target_os = "linux")]
mod line_editor;
mod listener;
mod local_server;
mod log;
mod login;
mod logout;
#[cfg(target_os = "linux")]
mod messages;
mod metadata_cache;
mod migration;
#[cfg(target_os = "linux")]
mod missing_basics;
mod mistakes;
#[cfg(target_os = "linux")]
mod no_terminal;
#[cfg(target_os = "linux")]
mod onboarding;
#[cfg(target_os = "linux")]
mod orphan;
mod other_issuer;
#[cfg(target_os = "linux")]
mod packaging;
mod pages;
#[cfg(target_os = "linux")]
mod paste;
mod platforms;
#[cfg(target_os = "linux")]
mod policy;
#[cfg(target_os = "linux")]
mod policy_keys;
#[cfg(target_os = "linux")]
mod policy_ways_out;
mod printing;
#[cfg(windows)]
mod program_data;
mod proxy;
mod refresh;
#[cfg(windows)]
mod registry;
#[cfg(target_os = "linux")]
mod release;
#[cfg(target_os = "linux")]
mod remains;
#[cfg(target_os = "linux")]
mod replaced_program;
mod request_parameters;
mod resources;
mod responses;
#[cfg(target_os = "linux")]
mod rooms;
mod saved_token;
mod setup;
mod setup_authority;
#[cfg(target_os = "linux")]
mod setup_brackets;
#[cfg(target_os = "linux")]
mod setup_clusters;
mod setup_entries;
mod setup_files;
mod setup_print;
#[cfg(target_os = "linux")]
mod setup_system;
#[cfg(target_os = "linux")]
mod setup_terminal;
mod setup_texts;
mod siblings;
mod sign_in;
mod socks;
#[cfg(target_os = "linux")]
mod state;
mod status;
#[cfg(target_os = "linux")]
mod stuck_holder;
#[cfg(target_os = "linux")]
mod sudo;
mod support;
mod surroundings;
mod tls;
mod token;
mod token_exchange;
mod told;
#[cfg(target_os = "linux")]
mod unlisted;
mod unproven;
#[cfg(target_os = "linux")]
mod unread;
mod unseen;
#[cfg(target_os = "linux")]
mod variables;
#[cfg(target_os = "linux")]
mod warm_path;
mod whoami;
#[cfg(windows)]
mod windows_names;
