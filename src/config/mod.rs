//! The given settings and their origins: the table of keys, the layers, and the folders with the files.

pub mod cluster;
pub mod cluster_fields;
mod cluster_reader;
mod clusters;
pub mod escape;
mod extension;
pub mod file;
mod flow;
pub mod given;
pub mod keys;
mod kubelogin;
pub mod layers;
mod mistake;
pub mod nearest;
pub mod place;
pub mod platform;
pub mod policy_keys;
mod shown_lines;
pub mod syntax;
pub mod time;
mod token_storage;
#[cfg(any(windows, test))]
pub mod windows_variables;

pub use cluster::Cluster;
pub use clusters::{check_clusters, clusters};
pub use file::File;
pub use flow::Flow;
pub use kubelogin::Kubelogin;
pub use layers::{Flags, Layers, check_files};
pub use mistake::{Checked, Mistake};
pub use token_storage::TokenStorage;
