//! The output formats.

use clap::ValueEnum;

/// An output format of `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StatusOutput {
    /// A table.
    Text,
    /// A table with where each sign-in is saved, and when it was made and refreshed.
    Wide,
    /// For programs.
    Json,
}

/// An output format of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// An output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// As in a file.
    Toml,
    /// For programs, always with origins.
    Json,
}
