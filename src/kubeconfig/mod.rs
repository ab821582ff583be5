//! Kubeconfigs as `kubectl config` reads and changes them: which file an entry is in, what must be written, and how.
//!
//! Only the named entries change: comments, order, anchors and unknown fields stay as they are.

mod access;
mod aliases;
mod brackets;
mod change;
mod cluster_info;
mod command;
mod contexts;
mod document;
mod entry;
mod exec;
mod files;
mod home;
mod known_cluster;
mod kuberc;
mod lock;
mod login_command;
mod meaning;
mod moved;
mod repointed;
mod syntax_tree;
mod text;
mod value;
mod write;

pub use access::Access;
pub use change::{Change, Current, Replacement, loses_authority, plan, plan_replacements};
pub use cluster_info::how_to_name_cluster;
pub use command::{command_of, of_file};
pub use contexts::{Context, Contexts, argument};
pub use document::Document;
pub use entry::{Entry, Keep, Kind};
pub use exec::Exec;
pub use files::{Files, LARGEST};
pub use known_cluster::KnownCluster;
pub use kuberc::Kuberc;
pub use lock::Locks;
pub use login_command::{login_command, login_command_with};
pub use moved::Moved;
pub use repointed::Repointed;
pub use write::{require_all_writable, write};
