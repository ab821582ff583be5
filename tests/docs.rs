//! The documentation's references to the tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::CommandFactory;
use kubekey::cli::Cli;
use kubekey::config::keys::{Default, KEYS, Kind};
use kubekey::config::policy_keys::POLICY_KEYS;

/// `module::name` in backquotes is the name of a test.
#[test]
fn every_promise_names_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/security.md")).unwrap();
    let names: Vec<_> =
        page.split('`').skip(1).step_by(2).filter(|text| text.contains("::") && !text.ends_with("::")).collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        let (path, function) = name.rsplit_once("::").unwrap();
        let file = match path.strip_suffix("::tests") {
            Some(module) => source_of(&root.join("src").join(module.replace("::", "/"))),
            None => root.join("tests").join(path.replace("::", "/")).with_extension("rs"),
        };
        let source = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{name}: {}: {error}", file.display()));
        assert!(is_test(&source, function), "{name}");
    }
}

/// Whether one of the attributes above the function makes it a test.
fn is_test(source: &str, function: &str) -> bool {
    let Some((before, _)) = source.split_once(&format!("fn {function}()")) else { return false };
    let above = before.lines().rev().map(str::trim).skip_while(|line| line.is_empty());
    above.take_while(|line| line.starts_with("#[")).any(|line| line == "#[test]")
}

fn source_of(module: &Path) -> PathBuf {
    let file = module.with_extension("rs");
    if file.exists() { file } else { module.join("mod.rs") }
}

#[test]
fn what_is_made_from_the_table_of_policy_keys_is_as_the_table_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = tempfile::tempdir().unwrap();
    fs::create_dir(made.path().join("docs")).unwrap();
    fs::copy(root.join("docs/policy.md"), made.path().join("docs/policy.md")).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_kubekey")).with_file_name("examples/policy_files");
    assert!(Command::new(program).arg(made.path()).status().unwrap().success());
    let fleet = ["windows/kubekey.admx", "windows/en-US/kubekey.adml", "macos/kubekey.mobileconfig"];
    for file in fleet.map(|file| format!("packaging/fleet/{file}")).iter().map(String::as_str).chain(["docs/policy.md"])
    {
        let is_same = fs::read(root.join(file)).unwrap() == fs::read(made.path().join(file)).unwrap();
        assert!(is_same, "{file}: run 'cargo run --example policy_files'");
    }
}

#[test]
fn the_profile_for_macos_has_each_key_in_its_type() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let profile = plist::Value::from_file(root.join("packaging/fleet/macos/kubekey.mobileconfig")).unwrap();
    let payload = &profile.as_dictionary().unwrap()["PayloadContent"].as_array().unwrap()[0];
    let payload = payload.as_dictionary().unwrap();
    for key in &POLICY_KEYS {
        let value = &payload[key.name];
        let is_right = match key.kind {
            Kind::Switch => value.as_boolean().is_some(),
            Kind::Texts | Kind::Secrets => {
                value.as_array().is_some_and(|items| items.iter().all(|item| item.as_string().is_some()))
            }
            Kind::Text | Kind::Secret | Kind::Time => value.as_string().is_some(),
        };
        assert!(is_right, "{}: {value:?}", key.name);
    }
}

/// The map names files that exist: below `src`, or from the top with the whole path.
#[test]
fn the_map_names_files_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/architecture.md")).unwrap();
    let is_path =
        |text: &&str| (text.ends_with('/') || text.ends_with(".rs") || text.ends_with(".toml")) && !text.contains(' ');
    let paths: Vec<_> = page.split('`').skip(1).step_by(2).filter(is_path).collect();
    assert!(paths.len() > 40, "{paths:?}");
    let exists = |path: &str| root.join("src").join(path).exists() || root.join(path).exists();
    let missing: Vec<_> = paths.iter().filter(|path| !exists(path)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// A provider in `known_errors.toml`, and its page in `docs/providers`.
const PAGES: [(&str, &str); 11] = [
    ("AD FS", "ad-fs"),
    ("Auth0", "auth0"),
    ("Authentik", "authentik"),
    ("AWS Cognito", "cognito"),
    ("Dex", "dex"),
    ("Microsoft Entra ID", "entra-id"),
    ("GitLab", "gitlab"),
    ("Google", "google"),
    ("Keycloak", "keycloak"),
    ("Okta", "okta"),
    ("Zitadel", "zitadel"),
];

const EXPLAINED: &str = "| the provider says | kubekey's hint |\n|---|---|\n";

/// The rows of the table of errors on the page of a provider.
fn rows_of_errors(table: &toml::Table, provider: &str) -> String {
    let errors = table["error"].as_array().unwrap();
    let of = |error: &toml::Value, field: &str| error[field].as_str().unwrap().to_owned();
    let own = errors.iter().filter(|error| of(error, "provider") == provider);
    own.map(|error| format!("| `{}` | {} |\n", of(error, "words"), of(error, "hint"))).collect()
}

#[test]
fn the_page_of_each_provider_explains_its_errors_as_kubekey_does() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table: toml::Table = fs::read_to_string(root.join("src/oidc/known_errors.toml")).unwrap().parse().unwrap();
    for (provider, slug) in PAGES {
        let page = fs::read_to_string(root.join(format!("docs/providers/{slug}.md"))).unwrap();
        let told =
            page.split_once(EXPLAINED).map_or("", |(_, rest)| rest.split_once("\n\n").map_or(rest, |(rows, _)| rows));
        let (told, expected) = (told.trim_end(), rows_of_errors(&table, provider));
        assert_eq!(told, expected.trim_end(), "docs/providers/{slug}.md needs these rows:\n{expected}");
    }
    for error in table["error"].as_array().unwrap() {
        let provider = error["provider"].as_str().unwrap();
        assert!(PAGES.iter().any(|(known, _)| *known == provider), "{provider} has no page in docs/providers");
    }
}

#[test]
fn the_pages_of_the_providers_have_one_structure_and_are_all_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = fs::read_to_string(root.join("docs/providers.md")).unwrap();
    let mut pages = fs::read_dir(root.join("docs/providers")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(pages.all(|page| PAGES.iter().any(|(_, slug)| page.to_str() == Some(&format!("{slug}.md")))));
    for (provider, slug) in PAGES {
        assert!(
            list.contains(&format!("[{provider}](providers/{slug}.md)")),
            "docs/providers.md does not list {provider}"
        );
        let page = fs::read_to_string(root.join(format!("docs/providers/{slug}.md"))).unwrap();
        let expected = [&*format!("# {provider}\n"), "\n## Register\n", "\n## Errors\n", "\n## Sources\n"];
        let mut rest = &*page;
        for part in expected {
            let found = rest.split_once(part);
            (_, rest) = found.unwrap_or_else(|| panic!("docs/providers/{slug}.md lacks {part:?}, or has it too early"));
        }
        let tells_whether_tried = ["**From its documentation, not tried.**", "**Tried with "];
        assert!(
            tells_whether_tried.iter().any(|words| page.contains(words)),
            "{slug}: was it tried, and by which test?"
        );
        for row in ["issuer URL", "redirect URI", "flags", "refresh token", "groups", "API server", "device flow"] {
            assert!(page.contains(&format!("\n| {row} | ")), "docs/providers/{slug}.md has no row {row:?}");
        }
        assert!(page.lines().count() <= 80, "docs/providers/{slug}.md has more than 80 lines");
    }
}

const SETTINGS: &str = "| flag | key | its value in a file | default | |\n|---|---|---|---|---|\n";

/// A row for each setting.
fn rows_of_settings() -> String {
    let row = |key: &kubekey::config::keys::Key| {
        let aliases: String = key.aliases.iter().map(|alias| format!(", `--{alias}`")).collect();
        let default = match key.default {
            Default::None => String::new(),
            Default::Value(value) => format!("`{value}`"),
            Default::Words(words) => words.to_owned(),
        };
        let help = key.help.replace('|', "\\|");
        format!("| `--{}`{aliases} | `{}` | {} | {default} | {help} |\n", key.flag, key.name(), key.kind.in_words())
    };
    KEYS.iter().map(row).collect()
}

#[test]
fn the_page_of_the_settings_has_a_row_for_each_as_the_program_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/settings.md");
    let page = fs::read_to_string(&file).unwrap();
    let (before, rest) = page.split_once(SETTINGS).unwrap();
    let (rows, after) = rest.split_once("\n- ").unwrap();
    let expected = rows_of_settings();
    if std::env::var_os("UPDATE_SETTINGS").is_some() {
        return fs::write(&file, format!("{before}{SETTINGS}{expected}\n- {after}")).unwrap();
    }
    assert_eq!(rows, expected, "run 'UPDATE_SETTINGS=1 cargo test --test behaviour -- docs::'");
}

/// The documents for people: pages and what they link to.
pub fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["", "docs", "docs/providers", "packaging"].map(|folder| root.join(folder));
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|extension| extension == "md")).collect()
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let is_kept = |letter: &char| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter);
    heading
        .trim()
        .to_lowercase()
        .chars()
        .filter(is_kept)
        .map(|letter| if letter == ' ' { '-' } else { letter })
        .collect()
}

fn anchors(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().filter(|line| line.starts_with('#')).map(|line| anchor(line.trim_start_matches('#'))).collect()
}

#[test]
fn every_link_between_the_documents_leads_somewhere() {
    let mut broken = Vec::new();
    let documents = documents();
    for file in &documents {
        let text = fs::read_to_string(file).unwrap();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
        for target in targets.filter(|target| !target.contains("://")) {
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let other = if path.is_empty() { file.clone() } else { file.parent().unwrap().join(path) };
            if !other.exists() || !heading.is_empty() && !anchors(&other).iter().any(|anchor| anchor == heading) {
                broken.push(format!("{}: {target}", file.display()));
            }
        }
    }
    assert!(documents.len() > 20 && broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_readme_fits_one_screen() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let words = page.split_whitespace().count();
    assert!(words <= 400, "{words} words");
}

#[test]
fn each_page_begins_with_whom_it_is_for() {
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")).unwrap() {
        let file = file.unwrap().path();
        if file.is_file() {
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.lines().nth(2).is_some_and(|line| line.starts_with("For ")), "{}", file.display());
        }
    }
}

/// The commands of kubekey in the code of a document, each in one line. Documents in other code are not commands.
pub fn commands(text: &str) -> Vec<String> {
    let code = text.split("```sh\n").skip(1).filter_map(|rest| rest.split_once("```")).map(|(code, _)| code);
    let code = code.filter(|code| !code.contains("<<"));
    let lines = code.map(|code| code.replace("\\\n", " ")).collect::<String>();
    lines.lines().map(str::trim).filter(|line| line.starts_with("kubekey ")).map(str::to_owned).collect()
}

#[test]
fn every_command_in_the_documents_is_one() {
    let mut count = 0;
    for file in documents() {
        for line in commands(&fs::read_to_string(&file).unwrap()) {
            let line = line.split(" # ").next().unwrap().split(" | ").next().unwrap().split(" > ").next().unwrap();
            let words = shlex::split(line).unwrap_or_else(|| panic!("{}: {line}", file.display()));
            let parsed = Cli::command().try_get_matches_from(words);
            let is_right = parsed.map_or_else(|error| !error.use_stderr(), |_| true);
            assert!(is_right, "{}: {line}", file.display());
            count += 1;
        }
    }
    assert!(count > 20, "{count}");
}
