//! `kubekey config`: shows the effective settings and their origins, and checks the configuration files.

mod answers;
mod check;
mod effective;
pub mod schema;
mod show;
mod template;

use std::io::Write;

use crate::cli::Config;
use crate::config::Flags;
use crate::error::Result;
use crate::output::print;
pub use answers::Answers;
pub use check::{check_files, find_mistakes, unknown_variables};
pub use effective::check_values;
pub use template::{config_file, short_file};

/// Runs the subcommand.
///
/// # Errors
/// If a file or a setting is invalid, after everything else has been printed.
pub fn config(command: &Config, flags: &Flags, out: &mut impl Write) -> Result<()> {
    match command {
        Config::Show { origin, output, of } => show::show(flags, (*origin, *output), of, out),
        Config::Check { file: Some(file), policy: true } => check::check_policy(file, out),
        Config::Check { file: Some(file), .. } => check::check_file(file, out),
        Config::Check { file: None, .. } => check::check(flags, out),
        Config::Schema { policy: true } => print(out, &format!("{:#}\n", schema::policy())),
        Config::Schema { .. } => print(out, &format!("{:#}\n", schema::schema())),
    }
}
