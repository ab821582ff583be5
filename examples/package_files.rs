//! Writes the other files of a package: completions for shells, man pages, and an example `config.toml`.
//!
//! `cargo run --example package_files DIR` writes them into `DIR`, with their paths below `/usr/share`. The man pages
//! are generated when a package is built, so that the program itself does not contain the generator.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use kubekey::cli::{Cli, Shell};
use kubekey::commands::completion_script;
use kubekey::commands::config::{Answers, config_file};
use kubekey::config::Flags;

/// Where each shell looks for completions.
const COMPLETIONS: [(Shell, &str); 4] = [
    (Shell::Bash, "bash-completion/completions/kubekey"),
    (Shell::Zsh, "zsh/vendor-completions/_kubekey"),
    (Shell::Fish, "fish/vendor_completions.d/kubekey.fish"),
    // PowerShell looks nowhere: a user's profile runs it.
    (Shell::Powershell, "powershell/kubekey.ps1"),
];

/// The headings of the paragraphs after the help.
const SECTIONS: [&str; 3] = ["EXAMPLE", "CONFIGURATION", "EXIT STATUS"];

const FILES: [(&str, &str); 4] = [
    ("/etc/kubekey/config.toml, config.d/*.toml", "the settings of all users"),
    ("/etc/kubekey/policy.toml, policy.d/*.toml", "the policy, which no user can override"),
    ("/etc/kubekey/signed_in.html, sign_in_failed.html", "pages that replace kubekey's own"),
    ("~/.config/kubekey/config.toml", "a user's settings"),
];

const SEE_ALSO: &str = "kubekey-setup(1), and the documentation in /usr/share/doc/kubekey";

fn main() -> Result<(), Box<dyn Error>> {
    let root = std::env::args_os().nth(1).map(PathBuf::from).ok_or("missing argument: the folder to write to")?;
    for (shell, path) in COMPLETIONS {
        write(&root.join(path), completion_script(shell).as_bytes())?;
    }
    let command = Cli::command().override_usage("kubekey [OPTIONS] [COMMAND]").disable_help_subcommand(true);
    write_pages(&command.display_name("kubekey"), &root.join("man/man1"))?;
    write(&root.join("doc/kubekey/examples/config.toml"), example()?.as_bytes())
}

/// The page of a command, and those of its subcommands.
fn write_pages(command: &Command, dir: &Path) -> Result<(), Box<dyn Error>> {
    let parent = command.get_display_name().unwrap_or_default().to_owned();
    let named = |child: Command| {
        let name = format!("{parent}-{}", child.get_name());
        let called = format!("{} {}", command.get_bin_name().unwrap_or(&parent), child.get_name());
        child.bin_name(called).display_name(name).disable_help_subcommand(true)
    };
    let children: Vec<_> = command.get_subcommands().cloned().map(named).collect();
    children.iter().try_for_each(|child| write_pages(child, dir))?;
    let with_names = |command: Command, child: &Command| command.mut_subcommand(child.get_name(), |_| child.clone());
    let page = page(&children.iter().fold(command.clone(), with_names))?;
    write(&dir.join(format!("{parent}.1")), &page)
}

/// A subcommand's page has its own flags alone: the settings, which are the same for all, are on the first one.
fn page(command: &Command) -> Result<Vec<u8>, Box<dyn Error>> {
    let name = command.get_display_name().unwrap_or_default();
    let man = Man::new(command.clone()).title(name).source(concat!("kubekey ", env!("CARGO_PKG_VERSION")));
    let man = man.manual("kubekey").date(date()?);
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    synopsis(command).to_writer(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    if command.get_arguments().next().is_some() {
        man.render_options_section(&mut page)?;
    }
    rest(command).to_writer(&mut page)?;
    Ok(page)
}

/// As in the help. The library's own names each flag, without its value.
fn synopsis(command: &Command) -> Roff {
    let usage = command.clone().render_usage().to_string();
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([roman(usage.trim_start_matches("Usage: "))]);
    roff
}

/// That of the commit which is packaged, where the build says it (reproducible-builds.org/specs/source-date-epoch).
fn date() -> Result<String, Box<dyn Error>> {
    let time = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(seconds) => DateTime::from_timestamp(seconds.parse()?, 0).ok_or("SOURCE_DATE_EPOCH is out of range")?,
        Err(_) => Utc::now(),
    };
    Ok(time.format("%F").to_string())
}

/// What stands after the help, a section for each paragraph; on a subcommand's page, where else to look.
fn rest(command: &Command) -> Roff {
    let mut roff = Roff::new();
    match command.get_after_help().map(ToString::to_string) {
        Some(text) => {
            for (section, paragraph) in SECTIONS.into_iter().zip(text.split("\n\n")) {
                roff.control("SH", [section]);
                // Lines of an example are copied as they are.
                let fill = if section == "EXAMPLE" { "nf" } else { "fi" };
                roff.control(fill, []);
                roff.text(paragraph.lines().map(|line| roman(format!("{line}\n"))).collect::<Vec<_>>());
            }
            roff.control("fi", []);
            roff.control("SH", ["FILES"]);
            for (file, what) in FILES {
                roff.control("TP", []);
                roff.text([roman(file)]).text([roman(what)]);
            }
            roff.control("SH", ["SEE ALSO"]);
            roff.text([roman(SEE_ALSO)]);
        }
        None => {
            roff.control("SH", ["SEE ALSO"]);
            roff.text([roman(
                "kubekey(1), whose settings are flags of this command, too, and which has the exit codes",
            )]);
        }
    }
    roff
}

/// A `config.toml` in which nothing is set.
fn example() -> Result<String, Box<dyn Error>> {
    let answers = Answers::read(None, &[], &Flags::default(), |_| None).map_err(|error| error.to_string())?;
    Ok(config_file(&answers, false))
}

fn write(path: &Path, text: &[u8]) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    Ok(fs::write(path, text)?)
}
