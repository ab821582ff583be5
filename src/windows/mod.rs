//! What the standard library does not ask of Windows: plain values in and out, and none of kubekey's rules. All `unsafe`
//! code for Windows is in this room, since `windows-sys` has nothing else.

pub mod console;
pub mod data_protection;
pub mod file_identity;
pub mod file_lock;
pub mod folders;
pub mod interruption;
pub mod pipe;
pub mod process;
pub mod security;
pub mod shell_execute;
pub mod socket;
pub mod vault;
