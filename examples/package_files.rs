//! Writes what a package has beside the program: completions for shells, man pages, and an example of a `config.toml`.
//!
//! `cargo run --example package_files DIR` writes them into `DIR`, as they lie below `/usr/share`. They are made when a
//! package is built, so that the program itself need not carry what makes them.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use kubekey::cli::Cli;
use kubekey::config::{Answers, Flags, config_file};

/// Where each shell's completions are looked for.
const COMPLETIONS: [(Shell, &str); 3] = [
    (Shell::Bash, "bash-completion/completions/kubekey"),
    (Shell::Zsh, "zsh/vendor-completions/_kubekey"),
    (Shell::Fish, "fish/vendor_completions.d/kubekey.fish"),
];

/// What the paragraphs after the help are about.
const SECTIONS: [&str; 3] = ["EXAMPLE", "CONFIGURATION", "EXIT STATUS"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = std::env::args_os().nth(1).map(PathBuf::from).ok_or("say which folder to write to")?;
    for (shell, path) in COMPLETIONS {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "kubekey", &mut script);
        write(&root.join(path), &script)?;
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
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().next().is_some() {
        man.render_options_section(&mut page)?;
    }
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    rest(command).to_writer(&mut page)?;
    Ok(page)
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
                roff.text(paragraph.lines().map(|line| roman(format!("{line}\n"))).collect::<Vec<_>>());
            }
        }
        None => {
            roff.control("SH", ["SEE ALSO"]);
            roff.text([roman("kubekey(1), whose settings are flags of this command, too")]);
        }
    }
    roff
}

/// A `config.toml` in which nothing is set.
fn example() -> Result<String, Box<dyn Error>> {
    let answers = Answers::read(None, &Flags::default(), |_| None).map_err(|error| error.to_string())?;
    Ok(config_file(&answers, false))
}

fn write(path: &Path, text: &[u8]) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    Ok(fs::write(path, text)?)
}
