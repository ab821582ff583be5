//! An entry to write into a kubeconfig: a cluster, a user or a context.

use serde_json::{Map, Value};

/// The lists of a kubeconfig.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `clusters`
    Cluster,
    /// `users`
    User,
    /// `contexts`
    Context,
}

impl Kind {
    /// The name of the list.
    pub fn list(self) -> &'static str {
        match self {
            Self::Cluster => "clusters",
            Self::User => "users",
            Self::Context => "contexts",
        }
    }

    /// The field beside `name` that contains the rest; it is also the usual name for one entry.
    pub fn field(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::User => "user",
            Self::Context => "context",
        }
    }
}

/// An entry as it will be. Existing fields that it does not have stay as they are.
pub struct Entry {
    /// The list that it is in.
    pub kind: Kind,
    /// Its name there.
    pub name: String,
    /// The fields that it must have.
    pub fields: Map<String, Value>,
    /// The fields that it must not have beside them, since kubectl would reject them or use them instead.
    pub excludes: &'static [&'static str],
    /// A field to remove if it has this value, which says the same as the new fields.
    pub replaces: Option<(&'static str, String)>,
    /// The values to keep if they are there already.
    pub keeps: &'static [Keep],
}

/// A field of an entry whose value is kept if it is as good as the new one.
pub struct Keep {
    /// Its path within the fields.
    pub path: [&'static str; 2],
    /// The values that are as good.
    pub good: &'static [&'static str],
}
