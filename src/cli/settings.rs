//! A flag for each setting of the table.

use std::ffi::{OsStr, OsString};

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
            // The command line of `alone` does not have every flag.
            let texts = matches.try_get_many::<String>(key.flag).ok()??;
            Some((key, texts.cloned().collect()))
        });
        Ok(Self(given.collect(), Kubelogin::default()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Parses a command line of settings and nothing else.
pub(super) fn alone(words: &[OsString]) -> Result<Flags, clap::Error> {
    parse(words, |_| true)
}

/// The same by a command line without the flags that are not in it: it rejects the same ones with other words, and a run
/// with a saved token is spared the rest.
pub(super) fn alone_and_quickly(words: &[OsString]) -> Result<Flags, clap::Error> {
    let names: Vec<_> = words.iter().filter_map(|word| word.to_str()?.strip_prefix("--")).collect();
    let names: Vec<_> = names.iter().map(|name| name.split_once('=').map_or(*name, |(name, _)| name)).collect();
    parse(words, |key| names.contains(&key.flag) || key.aliases.iter().any(|alias| names.contains(alias)))
}

/// The words with the settings before a command moved behind it. clap would forget those that are given there as well.
pub(super) fn behind_command(words: &[OsString], root: &clap::Command) -> Vec<OsString> {
    let (mut command, mut names, mut settings, mut rest) = (root, Vec::new(), Vec::new(), words);
    while let Some(word) = rest.first().filter(|_| command.has_subcommands()) {
        let taken = if let Some(child) = command.find_subcommand(word) {
            command = child;
            names.push(word.clone());
            1
        } else if let Some(length) = length_of_setting(word) {
            let length = length.min(rest.len());
            settings.extend_from_slice(&rest[..length]);
            length
        } else {
            break;
        };
        rest = &rest[taken..];
    }
    [&names, &settings, rest].concat()
}

/// How many words this setting takes with its value; `None` for any other word.
pub(super) fn length_of_setting(word: &OsStr) -> Option<usize> {
    let flag = word.to_str()?.strip_prefix("--")?;
    let (name, has_value) = flag.split_once('=').map_or((flag, false), |(name, _)| (name, true));
    let key = KEYS.iter().find(|key| key.flag == name || key.aliases.contains(&name))?;
    Some(if has_value || key.kind == Kind::Switch { 1 } else { 2 })
}

fn parse(words: &[OsString], is_wanted: impl Fn(&Key) -> bool) -> Result<Flags, clap::Error> {
    let program = OsString::from("kubekey");
    let flags = KEYS.iter().filter(|key| is_wanted(key)).map(bare);
    let command = clap::Command::new("kubekey").disable_help_flag(true).disable_version_flag(true).args(flags);
    let matches = command.try_get_matches_from(std::iter::once(&program).chain(words))?;
    Flags::from_arg_matches(&matches)
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
