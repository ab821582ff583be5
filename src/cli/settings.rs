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

fn flag(key: &'static Key) -> Arg {
    let arg = Arg::new(key.flag)
        .long(key.flag)
        .aliases(key.aliases)
        .help_heading("Settings")
        .value_name(key.value_name)
        .global(true)
        .help(key.help_with_default());
    match key.kind {
        Kind::Texts | Kind::Secrets => arg.action(ArgAction::Append),
        Kind::Switch => arg.num_args(0..=1).require_equals(true).default_missing_value("true"),
        Kind::Text | Kind::Secret | Kind::Time => arg,
    }
}
