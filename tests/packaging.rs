//! The files beside the program in a package, and that all have one version. `packaging/test` tests the packages
//! themselves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::CommandFactory;
use kubekey::cli::Cli;
use kubekey::config::keys::KEYS;
use tempfile::TempDir;

use crate::support::browser::Mode;
use crate::support::etc::Etc;
use crate::support::home::Home;
use crate::support::provider::Provider;

/// The folder that `examples/package_files.rs` writes, for a commit of September 2026.
fn package_files() -> TempDir {
    let dir = TempDir::with_prefix("package-").unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_kubekey")).with_file_name("examples/package_files");
    let status = Command::new(program).arg(dir.path()).env("SOURCE_DATE_EPOCH", "1790000000").status().unwrap();
    assert!(status.success());
    dir
}

fn read(path: PathBuf) -> String {
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of the manual pages of a command and of its subcommands.
fn pages(command: &clap::Command, name: &str) -> Vec<String> {
    let children = command.get_subcommands().flat_map(|child| pages(child, &format!("{name}-{}", child.get_name())));
    [name.to_owned()].into_iter().chain(children).collect()
}

#[test]
fn there_is_a_man_page_for_each_command_that_refers_only_to_pages_that_are_there() {
    let files = package_files();
    let names = pages(&Cli::command(), "kubekey");
    assert!(names.len() > 6, "{names:?}");
    for name in &names {
        let page = read(files.path().join("man/man1").join(format!("{name}.1"))).replace('\\', "");
        let title = format!(".TH {name} 1 2026-09-21 \"kubekey {}\" kubekey", env!("CARGO_PKG_VERSION"));
        assert!(page.contains(&title), "{title}: {page}");
        let others: Vec<_> = page.split("(1)").filter_map(|text| text.split_whitespace().last()).collect();
        let is_known = |other: &&str| names.iter().any(|name| other.ends_with(name.as_str()));
        assert!(others[..others.len() - 1].iter().all(is_known), "{name}: {others:?}");
    }
    let show = read(files.path().join("man/man1/kubekey-config-show.1")).replace('\\', "");
    assert!(show.contains("SYNOPSIS\nkubekey config show [OPTIONS]"), "{show}");
    let first = read(files.path().join("man/man1/kubekey.1")).replace('\\', "");
    let missing: Vec<_> = KEYS.iter().filter(|key| !first.contains(&format!("--{}", key.flag))).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for text in ["EXAMPLE", "CONFIGURATION", "EXIT STATUS", "10 changed", "SH FILES", "/etc/kubekey/policy.toml"] {
        assert!(first.contains(text), "{text}: {first}");
    }
}

/// `tests/completions.rs` tries them.
#[test]
fn packages_have_the_completions_that_the_program_prints() {
    let (files, home) = (package_files(), Home::new(Mode::Absent));
    for (shell, path) in [
        ("bash", "bash-completion/completions/kubekey"),
        ("zsh", "zsh/vendor-completions/_kubekey"),
        ("fish", "fish/vendor_completions.d/kubekey.fish"),
        ("powershell", "powershell/kubekey.ps1"),
    ] {
        let printed = home.run(home.kubekey().args(["completions", shell]));
        assert_eq!(read(files.path().join(path)), printed.stdout, "{shell}");
    }
}

#[test]
fn the_example_of_a_configuration_sets_nothing_and_names_every_setting() {
    let example = read(package_files().path().join("doc/kubekey/examples/config.toml"));
    assert!(example.lines().all(|line| line.is_empty() || line.starts_with('#')), "{example}");
    let missing: Vec<_> = KEYS.iter().filter(|key| !example.contains(&format!("\n#{} = ", key.name()))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// `Cargo.toml` has the version; it must not be written anywhere else.
#[test]
fn every_file_that_names_kubekeys_version_names_the_same_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let version = env!("CARGO_PKG_VERSION");
    for file in ["Cargo.lock", "fuzz/Cargo.lock"] {
        let entry = format!("name = \"kubekey\"\nversion = \"{version}\"\n");
        assert!(read(root.join(file)).contains(&entry), "{file}");
    }
    let template = read(root.join("packaging/fleet/windows/en-US/kubekey.adml"));
    assert!(template.contains(&format!("kubekey {version} or later")), "{template}");
}

#[test]
fn each_question_of_the_deb_is_asked_used_and_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let [templates, config, postinst] =
        ["templates", "config", "postinst"].map(|name| read(root.join("packaging/deb").join(name)));
    let packages = read(root.join("docs/packages.md"));
    let questions: Vec<_> = templates.lines().filter_map(|line| line.strip_prefix("Template: kubekey/")).collect();
    assert!(questions.contains(&"issuer-certificate-authority") && questions.len() > 5, "{questions:?}");
    for question in questions {
        let is_asked = config.lines().any(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some("db_input") && words.any(|word| word == format!("kubekey/{question}"))
        });
        assert!(is_asked, "{question} is not asked");
        assert!(postinst.split([' ', '\n', ';']).any(|word| word == question), "{question} is not used");
        assert!(packages.contains(&format!("kubekey kubekey/{question} string ")), "{question} is not documented");
    }
}

/// `PACKAGE_ROOT` is a Debian with the package in `/var/cache/apt/kubekey.deb`, and `TESTED_PROGRAM` its program.
#[test]
#[ignore = "packaging/deb/test runs it"]
fn the_installed_program_signs_in_with_what_the_package_generated_and_shows_the_administrators_page() {
    const INSTALL: &str = "set -e
        printf 'kubekey kubekey/%s string %s\\n' issuer-url \"$1\" client-id \"$2\" | debconf-set-selections
        DEBIAN_FRONTEND=noninteractive apt-get install -y /var/cache/apt/kubekey.deb";
    let root = PathBuf::from(std::env::var_os("PACKAGE_ROOT").expect("PACKAGE_ROOT"));
    let provider = Provider::start();
    let mut install = Command::new("chroot");
    install.arg(&root).args(["/bin/sh", "-c", INSTALL, "sh", &provider.issuer(), &provider.client_id()]);
    let output = install.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").output().unwrap();
    assert!(output.status.success(), "{output:?}");

    let config = read(root.join("etc/kubekey/config.toml"));
    let etc = Etc::new(&[("config.toml", &config), ("signed_in.html", "Welcome to the company, {{ name }}")]);
    let home = Home::new(Mode::Follow);
    let finished = home.run(&mut etc.over(&home.kubekey()));
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    assert!(finished.stdout.starts_with("{") && finished.stdout.contains("ExecCredential"), "{finished:#?}");
    assert_eq!(home.browser.wait_for_journey().last().body, "Welcome to the company, Jane Doe");
}

/// Packages leave out links to files that are not packed, so a wrong link would not be noticed.
#[test]
fn links_between_documents_lead_to_what_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for folder in ["", "docs", "packaging", "packaging/fleet"].map(|folder| root.join(folder)) {
        let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        for file in files.filter(|file| file.extension().is_some_and(|extension| extension == "md")) {
            for rest in read(file.clone()).split("](").skip(1) {
                let target = rest.split([')', '#']).next().unwrap_or_default();
                if target.is_empty() || target.contains(':') {
                    continue;
                }
                assert!(folder.join(target).exists(), "{}: {target}", file.display());
                count += 1;
            }
        }
    }
    assert!(count > 50, "{count}");
}

#[test]
fn shellcheck_warns_of_nothing_in_the_projects_scripts() {
    const FIND: &str = "grep -rlEZ '^#!.*(bash|/sh)$|^# shellcheck shell=' .ci packaging tests --exclude-dir=node_modules --exclude=*.md \
        | xargs -0 shellcheck --external-sources --severity=warning";
    let output = Command::new("sh").args(["-c", FIND]).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Scripts of packages run where kubekey may not, so they check the first line themselves.
#[test]
fn the_scripts_of_packages_tell_a_generated_file_from_a_changed_one() {
    const ASK: &str = "set -e; . \"$1\"; FILE=$2; is_as_generated";
    let (etc, home) = (Etc::new(&[]), Home::new(Mode::Absent));
    let mut setup = home.kubekey();
    setup.args(["setup", "--system", "--issuer-url=https://login.example.com", "--client-id=kubernetes"]);
    let finished = home.run(&mut etc.in_place(&setup));
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    let (file, text) = (etc.path("config.toml"), read(etc.path("config.toml")));
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/generated.sh");
    for (text, expected) in [
        (text.clone(), true),
        (format!("{text}\n"), false),
        (text.replace("kubernetes", "other"), false),
        (text.lines().skip(1).map(|line| format!("{line}\n")).collect(), false),
        (String::new(), false),
    ] {
        fs::write(&file, &text).unwrap();
        let status = Command::new("sh").args(["-c", ASK, "sh"]).arg(&scripts).arg(&file).status().unwrap();
        assert_eq!(status.success(), expected, "{text}");
    }
    fs::remove_file(&file).unwrap();
    assert!(!Command::new("sh").args(["-c", ASK, "sh"]).arg(scripts).arg(file).status().unwrap().success());
}
