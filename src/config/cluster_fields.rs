//! The table of all fields of `[[clusters]]`: files, schema and template are generated from it.

/// The fields of a cluster, all of them strings, each with its description.
pub const FIELDS: [(&str, &str); 7] = [
    ("name", "What it is called in kubeconfigs"),
    ("server", "The API server's URL"),
    ("certificate_authority", "The absolute path of a PEM file with the CA of the API server"),
    ("certificate_authority_data", "The CA of the API server as base64 of its PEM"),
    ("profile", "The profile of the configuration files to sign in with"),
    ("namespace", "The namespace of its context"),
    ("context", "The name of its context, if it differs from the cluster's"),
];

/// The required fields.
pub const REQUIRED: [&str; 2] = ["name", "server"];
