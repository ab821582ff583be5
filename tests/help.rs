//! What `-h` and `--help` show.

use std::fs;
use std::process::Command;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::process;

/// What kubekey prints with these arguments in a terminal of 80 columns.
fn help(arguments: &[&str]) -> String {
    let mut kubekey = Command::new(env!("CARGO_BIN_EXE_kubekey"));
    let output = process::output(kubekey.args(arguments).env("COLUMNS", "80")).unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The names of the commands that the help lists.
fn commands() -> Vec<String> {
    let help = help(&["--help"]);
    let (_, rest) = help.split_once("Commands:\n").unwrap();
    let (list, _) = rest.split_once("\n\n").unwrap();
    let names = list.lines().filter(|line| !line.starts_with("    ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn the_short_help_fits_a_screen() {
    let short = help(&["-h"]);
    assert!(short.lines().count() <= 24, "{short}");
    assert!(short.lines().all(|line| line.chars().count() <= 80), "{short}");
    for flag in ["--issuer-url", "--client-id", "--scope", "--flow", "--token-storage", "--help"] {
        assert!(short.contains(flag), "{short}");
    }
    assert!(!short.contains("--listen-address"), "{short}");
}

#[test]
fn the_short_help_of_each_command_fits_a_screen() {
    let of_config = ["show", "check", "schema"].map(|name| format!("config {name}"));
    for command in commands().into_iter().chain(of_config) {
        let short = help(&command.split(' ').chain(["-h"]).collect::<Vec<_>>());
        assert!(short.lines().count() <= 24, "{command}: {short}");
        assert!(short.lines().all(|line| line.chars().count() <= 80), "{command}: {short}");
    }
}

#[test]
fn the_short_help_of_setup_has_what_a_person_needs_first() {
    let short = help(&["setup", "-h"]);
    for flag in ["--cluster", "--server", "--issuer-url", "--client-id", "--from-kubelogin", "--system", "--dry-run"] {
        assert_eq!(short.matches(&format!("\n      {flag} ")).count(), 1, "{short}");
    }
    assert!(!short.contains("--groups-prefix") && short.contains("'kubekey setup --help' has everything"), "{short}");
}

#[test]
fn the_help_is_in_groups_and_has_every_setting() {
    let help = help(&["--help"]);
    for heading in ["\nProvider:\n", "\nSign-in:\n", "\nNetwork:\n", "\nStorage:\n"] {
        assert!(help.contains(heading), "no {heading:?} in {help}");
    }
    for key in &kubekey::config::keys::KEYS {
        assert!(
            help.contains(&format!("--{} ", key.flag)) || help.contains(&format!("--{}[", key.flag)),
            "{}",
            key.flag
        );
    }
    assert!(help.contains("Exit codes: 0 done"), "{help}");
}

#[test]
fn each_command_has_an_example_that_kubekey_accepts() {
    use clap::CommandFactory;
    let commands = commands();
    assert!(commands.len() > 8, "{commands:?}");
    for command in commands {
        let help = help(&[&command, "--help"]);
        let (_, example) = help.split_once("Example:\n").unwrap_or_else(|| panic!("{command} has no example: {help}"));
        let example = example.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(example.starts_with(&format!("kubekey {command}")), "{example}");
        let parsed = kubekey::cli::Cli::command().try_get_matches_from(example.split(' '));
        assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
    }
}

#[test]
fn a_command_lists_the_settings_that_mean_something_to_it() {
    for (command, listed, not) in [
        ("login", "--flow", "--output"),
        ("logout", "--token-storage", "--flow"),
        ("status", "--context", "--issuer-url"),
        ("version", "--help", "--issuer-url"),
    ] {
        let help = help(&[command, "--help"]);
        assert!(help.contains(listed) && !help.contains(not), "{command}: {help}");
    }
}

#[test]
fn a_setting_that_means_nothing_to_a_command_is_refused() {
    let home = Home::new(Mode::Absent);
    for (arguments, flag, command) in [
        (&["status", "--issuer-url=https://x.example", "--token-storage=file"][..], "--issuer-url", "status"),
        (&["--profile", "work", "status"], "--profile", "status"),
        (&["config", "schema", "--no-keyring"], "--no-keyring", "config schema"),
        (&["status", "--listen-port=8000"], "--listen-port", "status"),
        (&["status", "--oidc-issuer-url=https://x.example"], "--oidc-issuer-url", "status"),
        (&["config", "check", "new.toml", "--scope=a"], "--scope", "config check"),
        (&["pages", "--write=pages", "--template-dir=/x"], "--template-dir", "pages"),
        (&["pages", "--preview", "--scope=a"], "--scope", "pages --preview"),
        (&["--listen-address=[::1]:0", "pages", "--preview"], "--listen-address", "pages --preview"),
        (&["pages", "--preview", "--dir=pages", "--template-dir=/x"], "--template-dir", "pages --preview"),
        (&["setup", "--print=rbac", "--group=a", "--scope=groups"], "--scope", "setup --print rbac"),
        (&["setup", "--print", "kuberc", "--client-id=x"], "--client-id", "setup --print kuberc"),
        (&["setup", "--print=onboarding", "--profile=work"], "--profile", "setup --print onboarding"),
        (&["setup", "--system", "--remove", "--flow=device"], "--flow", "setup --system --remove"),
        (&["completions", "bash", "--client-id=x"], "--client-id", "completions"),
        (&["version", "--flow=device"], "--flow", "version"),
    ] {
        let refused = home.run(home.kubekey().args(arguments));
        assert_eq!((refused.code(), refused.stdout.as_str()), (Some(2), ""), "{refused:#?}");
        let message = format!("kubekey: {flag} has no effect on 'kubekey {command}'\n");
        assert!(refused.stderr.starts_with(&message), "{refused:#?}");
        assert!(refused.stderr.ends_with(&format!(", run:\n  kubekey {command} --help\n")), "{refused:#?}");
    }
    assert!(fs::read_dir(home.path().join("pages")).is_err(), "nothing is written");
}

#[test]
fn a_hint_never_leads_to_a_setting_that_is_refused() {
    let home = Home::new(Mode::Absent);
    for command in [
        &["status"][..],
        &["config", "schema"],
        &["config", "check", "new.toml"],
        &["pages", "--write=pages"],
        &["pages", "--preview"],
        &["setup", "--print", "rbac"],
        &["completions", "bash"],
    ] {
        for flag in ["--ca", "--issuer-ur"] {
            let refused = home.run(home.kubekey().args(command).args([flag, "x"]));
            assert!(refused.stderr.ends_with(&format!("run:\n  kubekey {} --help\n", command[0])), "{refused:#?}");
            assert!(!refused.stderr.contains("did you mean"), "{refused:#?}");
        }
    }
    let refused = home.run(home.kubekey().args(["login", "--ca", "x"]));
    assert!(refused.stderr.contains("did you mean --certificate-authority?"), "{refused:#?}");
}

#[test]
fn a_word_after_two_dashes_is_no_command_and_no_context() {
    let home = Home::new(Mode::Absent);
    for words in [&["--", "status"][..], &["--issuer-url=https://x.example", "--", "login"], &["login", "--", "prod"]] {
        let refused = home.run(home.kubekey().args(words));
        assert_eq!(refused.code(), Some(2), "{refused:#?}");
        assert!(refused.stderr.contains("hint: ") && !refused.stderr.contains("--context"), "{refused:#?}");
    }
}

#[test]
#[cfg(target_os = "linux")] // Only there is a file that is always full.
fn what_cannot_be_written_is_an_error() {
    use std::fs::OpenOptions;

    let home = Home::new(Mode::Absent);
    for arguments in [
        &["--help"][..],
        &["-h"],
        &["--version"],
        &["help"],
        &["help", "login"],
        &["login", "--help"],
        &["version"],
        &["completions", "zsh"],
        &["complete", "--", "+log"],
        &["config", "schema"],
        &["config", "show"],
        &["doctor", "--output=json"],
        &["setup", "--print=kuberc"],
        &["setup", "--print=rbac", "--group=x"],
    ] {
        let mut kubekey = home.kubekey();
        kubekey.args(arguments).stdout(OpenOptions::new().write(true).open("/dev/full").unwrap());
        let output = process::output(&mut kubekey).unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
        assert!(stderr.contains("kubekey: cannot write to standard output: No space left"), "{arguments:?}: {stderr}");
    }
}

/// `kubekey --help | head -1`
#[test]
#[cfg(unix)] // Windows has no such pipes.
fn a_reader_that_has_read_enough_is_no_error() {
    for arguments in [
        &["--help"][..],
        &["-h"],
        &["--version"],
        &["version"],
        &["completions", "bash"],
        &["complete", "--", "+log"],
        &["config", "schema"],
        &["config", "show"],
        &["setup", "--print=kuberc"],
    ] {
        let home = Home::new(Mode::Absent);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut kubekey = home.kubekey();
        let output = process::output(kubekey.args(arguments).stdout(writer).env("KUBEKEY_LOG", "info")).unwrap();
        assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]), "{arguments:?}: {output:?}");
    }
}

#[test]
fn the_name_that_another_program_has_for_a_flag_is_understood() {
    let home = Home::new(Mode::Absent);
    for (arguments, meant) in [
        (&["login", "--ca=x.pem"][..], "--certificate-authority"),
        (&["--idp-issuer-url", "https://login.example.com"], "--issuer-url"),
        (&["setup", "--scopes=groups"], "--scope"),
        (&["token", "--no-browser"], "--skip-open-browser"),
    ] {
        let refused = home.run(home.kubekey().args(arguments));
        assert_eq!((refused.code(), refused.stdout.as_str()), (Some(2), ""), "{refused:#?}");
        assert!(refused.stderr.ends_with(&format!("\nhint: did you mean {meant}?\n")), "{refused:#?}");
    }
}

#[test]
fn a_context_that_is_put_where_none_belongs_is_understood() {
    let home = Home::new(Mode::Absent);
    for (arguments, hint) in [
        (&["login", "my prod"][..], "to use a context of this name, run:\n  kubekey login --context \"my prod\"\n"),
        (
            &["status", "--output=json", "prod"],
            "to use a context of this name, run:\n  kubekey status --context prod\n",
        ),
        (&["--context", "prod", "token"], "such as:\n  kubekey token --context prod\n"),
        (&["--kubeconfig=/x"], "such as:\n  kubekey login --kubeconfig /x\n"),
        (&["version", "prod"], "to list its flags, run:\n  kubekey version --help\n"),
        (&["get-token", "--context=prod"], "to list its flags, run:\n  kubekey get-token --help\n"),
        (&["completions", "tcsh"], "to list its flags, run:\n  kubekey completions --help\n"),
        (&["status", "--output=yaml"], "to list its flags, run:\n  kubekey status --help\n"),
    ] {
        let refused = home.run(home.kubekey().args(arguments));
        assert_eq!((refused.code(), refused.stdout.as_str()), (Some(2), ""), "{refused:#?}");
        assert!(refused.stderr.ends_with(hint), "{hint}: {refused:#?}");
    }
}
