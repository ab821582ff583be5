//! A flag for each setting of the table.

use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches};

use crate::config::keys::{KEYS, Key, Kind};
use crate::config::{Flags, Kubelogin};

/// The table of settings as flags. Each can be given before and after a subcommand.
impl Args for Flags {
    fn augment_args(command: clap::Command) -> clap::Command {
        command.args(KEYS.iter().map(flag))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = KEYS.iter().filter_map(|key| {
            let texts = matches.get_many::<String>(key.flag)?;
            Some((key, texts.cloned().collect()))
        });
        Ok(Self(given.collect(), Kubelogin::default()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The same without help, which client-go never asks for: a run with a saved token is spared the texts.
pub(super) struct WithoutHelp(pub Flags);

impl Args for WithoutHelp {
    fn augment_args(command: clap::Command) -> clap::Command {
        command.args(KEYS.iter().map(bare))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for WithoutHelp {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Flags::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

fn flag(key: &'static Key) -> Arg {
    bare(key).help_heading("Settings").global(true).help(key.help_with_default())
}

fn bare(key: &'static Key) -> Arg {
    let arg = Arg::new(key.flag).long(key.flag).aliases(key.aliases).value_name(key.value_name);
    match key.kind {
        Kind::Texts | Kind::Secrets => arg.action(ArgAction::Append),
        Kind::Switch => arg.num_args(0..=1).require_equals(true).default_missing_value("true"),
        Kind::Text | Kind::Secret | Kind::Time => arg,
    }
}
