//! What a release is made of, and what must hold before one is published. `packaging/release-check` checks the files themselves.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn toml(path: &str) -> toml::Table {
    toml::from_str(&read(path)).unwrap()
}

/// The jobs of a workflow, as text.
fn jobs(workflow: &str) -> BTreeMap<String, String> {
    let text = read(Path::new(".github/workflows").join(workflow));
    let mut jobs = BTreeMap::<String, String>::new();
    let mut name = String::new();
    for line in text.split_once("\njobs:\n").unwrap().1.lines() {
        if let Some(start) =
            line.strip_prefix("  ").and_then(|line| line.strip_suffix(':')).filter(|key| !key.starts_with([' ', '#']))
        {
            name = start.to_owned();
        }
        *jobs.entry(name.clone()).or_default() += &format!("{line}\n");
    }
    jobs
}

/// Which jobs a job needs.
fn needs(job: &str) -> Vec<&str> {
    let after = job.split_once("    needs:").map(|(_, after)| after).unwrap_or_default();
    let (first, rest) = after.split_once('\n').unwrap_or_default();
    let listed = rest.lines().map_while(|line| line.strip_prefix("      - "));
    [first.trim()].into_iter().filter(|name| !name.is_empty()).chain(listed).collect()
}

fn assert_in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        rest = rest.split_once(part).unwrap_or_else(|| panic!("no {part:?} after the others: {text}")).1;
    }
}

#[test]
fn nothing_is_released_that_packaging_did_not_build_and_test() {
    let jobs = jobs("release.yml");
    let custom: Vec<_> = jobs.keys().filter(|name| name.starts_with("custom-")).collect();
    assert_eq!(custom, ["custom-build-packages", "custom-verify-packages"]);
    assert!(!jobs.contains_key("build-local-artifacts"), "{jobs:#?}");
    assert!(jobs["custom-build-packages"].contains("uses: ./.github/workflows/build-packages.yml\n"));
    assert!(needs(&jobs["build-global-artifacts"]).contains(&"custom-build-packages"));
    // Where a job failed, those that need it are skipped; then the release must be too.
    assert_eq!(needs(&jobs["host"]), ["plan", "custom-build-packages", "build-global-artifacts"]);
    assert!(jobs["host"].contains("needs.custom-build-packages.result == 'success'"), "{}", jobs["host"]);
    assert!(jobs["custom-verify-packages"].contains("uses: ./.github/workflows/verify-packages.yml\n"));
    assert_eq!(needs(&jobs["custom-verify-packages"]), ["plan", "host"]);
    assert!(needs(&jobs["announce"]).contains(&"custom-verify-packages"));
    let publishing: Vec<_> = jobs.iter().filter(|(_, job)| job.contains("gh release")).map(|(name, _)| name).collect();
    assert_eq!(publishing, ["announce"]);
    assert_in_order(
        &jobs["announce"],
        &["\"attestations\": \"write\"", "uses: actions/attest@", "artifacts/*", "gh release create"],
    );
}

#[test]
fn the_packages_are_tested_on_each_system_before_they_are_handed_on() {
    let jobs = jobs("build-packages.yml");
    for (name, job) in &jobs {
        let first = name == "publishable";
        assert_eq!(needs(job).is_empty(), first, "{name}: {job}");
    }
    assert_in_order(&jobs["publishable"], &["run: packaging/publishable \"$GITHUB_REF_NAME\""]);
    assert_in_order(
        &jobs["macos"],
        &["run: packaging/binary", "run: packaging/macos/sign", "tests/run", "upload-artifact@", "name: program-"],
    );
    const PACKAGES: [&str; 6] = [
        "download-artifact@",
        "packaging/debian12 packaging/build\n",
        "packaging/debian12 packaging/test\n",
        "packaging/debian12 packaging/release-check \"$GITHUB_REF_NAME\"\n",
        "upload-artifact@",
        "name: artifacts-packages\n",
    ];
    assert_in_order(&jobs["packages"], &PACKAGES);
    for job in ["windows", "macos-installer"] {
        assert_eq!(needs(&jobs[job]), ["packages"]);
        assert_in_order(&jobs[job], &["download-artifact@", "packaging/installer-test"]);
    }
    assert_in_order(&jobs["windows"], &["kubekey-x86_64-pc-windows-gnu.zip", "TESTED_PROGRAM=", "tests/run"]);
    for job in jobs.values() {
        // A secret is for one step alone, which is skipped where there is none.
        for step in job.split("\n      - ").skip(1).filter(|step| step.contains("secrets.")) {
            assert!(step.contains("\n        if: env.CAN_SIGN == 'true'\n"), "{step}");
        }
    }
}

#[test]
fn actions_are_pinned_and_dist_is_the_one_that_is_installed() {
    for workflow in ["build-packages.yml", "release.yml", "verify-packages.yml"] {
        for line in jobs(workflow).values().flat_map(|job| job.lines()) {
            let Some((_, used)) = line.split_once("uses: ").filter(|(_, used)| !used.starts_with("./")) else {
                continue;
            };
            let commit = used.split_once('@').unwrap().1.split(' ').next().unwrap();
            assert!(commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{workflow}: {used}");
        }
    }
    let dist = toml("dist-workspace.toml")["dist"].as_table().unwrap().clone();
    let version = dist["cargo-dist-version"].as_str().unwrap();
    assert!(read(".github/workflows/release.yml").contains(&format!("/cargo-dist/releases/download/v{version}/")));
    assert!(read("packaging/install").contains("cargo-dist-version"));
    let scripts = read("packaging/release.sh");
    let planned: Vec<_> = dist["targets"].as_array().unwrap().iter().map(|target| target.as_str().unwrap()).collect();
    assert!(planned.len() > 6 && planned.iter().all(|target| scripts.contains(target)), "{planned:?}");
}

#[test]
fn a_build_of_dist_has_the_profile_of_a_release_and_cargo_binstall_finds_the_archives() {
    let cargo = toml("Cargo.toml");
    let [release, dist] = ["release", "dist"].map(|name| cargo["profile"][name].as_table().unwrap().clone());
    assert_eq!(dist["inherits"].as_str(), Some("release"));
    assert!(dist.iter().all(|(key, value)| key == "inherits" || release.get(key) == Some(value)), "{dist:?}");
    let binstall = &cargo["package"]["metadata"]["binstall"];
    assert_eq!(
        binstall["pkg-url"].as_str(),
        Some("{ repo }/releases/download/v{ version }/{ name }-{ target }.tar.xz")
    );
    assert!(read("packaging/archive").contains("\nname=kubekey-$target\n"));
    assert!(read("packaging/packages").contains("\"$out/kubekey-$target.zip\""));
}

/// A copy of what has a version or names the publisher, as a repository of its own.
struct Copy {
    folder: TempDir,
}

impl Copy {
    fn new() -> Self {
        const COPY: &str =
            "set -e; git ls-files -z | xargs -0 cp -d --parents -t \"$1\"; cd \"$1\"; git init --quiet; git add --all";
        let folder = TempDir::with_prefix("release-").unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", COPY, "sh"]).arg(folder.path()).current_dir(root());
        assert!(command.status().unwrap().success());
        Copy { folder }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn read(&self, file: &str) -> String {
        read(self.path(file))
    }

    fn replace(&self, file: &str, from: &str, to: &str) {
        let text = self.read(file);
        assert!(text.contains(from), "{file}: {from}");
        fs::write(self.path(file), text.replace(from, to)).unwrap();
    }

    fn run(&self, script: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(self.path(script));
        command.args(arguments).current_dir(self.folder.path()).env("SOURCE_DATE_EPOCH", "1790000000");
        command.output().unwrap()
    }

    /// All files that git knows, as they are now.
    fn all(&self) -> Vec<(String, Vec<u8>)> {
        let listed = Command::new("git").arg("ls-files").current_dir(self.folder.path()).output().unwrap();
        let names = String::from_utf8(listed.stdout).unwrap();
        names.lines().map(|name| (name.to_owned(), fs::read(self.path(name)).unwrap_or_default())).collect()
    }
}

#[track_caller]
fn assert_says(output: &Output, code: i32, parts: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(parts.iter().all(|part| said.contains(part)), "{parts:?}: {said}");
}

#[test]
fn a_release_with_placeholders_or_of_another_version_is_refused() {
    let copy = Copy::new();
    let refused = copy.run("packaging/publishable", &["v9.8.7"]);
    let version = env!("CARGO_PKG_VERSION");
    let other =
        format!("the tag is v9.8.7, and the version in Cargo.toml is {version}\nhint: packaging/version 9.8.7\n");
    assert_says(
        &refused,
        1,
        &["publisher.toml does not say who publishes: maintainer, homepage, repository, tap, bucket", &other],
    );

    let publisher = copy.read("packaging/publisher.toml").replace("kubekey.example", "kubekey.dev");
    let publisher = publisher
        .replace("kubekey-example", "kubekey-team")
        .replace("KubeKeyExample", "KubekeyTeam")
        .replace("KubekeyExample", "KubekeyTeam");
    fs::write(copy.path("packaging/publisher.toml"), publisher).unwrap();
    assert_says(
        &copy.run("packaging/publishable", &["v9.8.7"]),
        1,
        &["repository is 'https://github.com/kubekey-example/kubekey' in Cargo.toml"],
    );
    assert_says(&copy.run("packaging/version", &["9.8.7"]), 0, &[]);
    assert_says(&copy.run("packaging/publishable", &["v9.8.7"]), 0, &[]);
    assert_says(&copy.run("packaging/publishable", &["v9.8.8"]), 1, &["the tag is v9.8.8"]);
    copy.replace("packaging/publisher.toml", "kubekey-team/tap", "");
    assert_says(&copy.run("packaging/publishable", &["v9.8.7"]), 1, &["who publishes: tap\n"]);
    copy.replace("packaging/publisher.toml", "tap = \"\"", "tap = \"kubekey-team/tap\"");
    copy.replace("CHANGELOG.md", "## [9.8.7] - ", "## [9.8.6] - ");
    assert_says(&copy.run("packaging/publishable", &["v9.8.7"]), 1, &["CHANGELOG.md has nothing about 9.8.7"]);
}

#[test]
fn one_command_makes_another_version_everywhere_and_the_same_one_again_changes_nothing() {
    let copy = Copy::new();
    let before = copy.read("docs/packages.md");
    assert_says(&copy.run("packaging/version", &["9.8"]), 1, &["usage: packaging/version NEW"]);
    assert_says(&copy.run("packaging/version", &["9.8.7"]), 0, &[]);
    for file in ["Cargo.toml", "Cargo.lock", "fuzz/Cargo.lock"] {
        let entry = format!("name = \"kubekey\"\nversion = \"{}\"\n", "9.8.7");
        assert!(copy.read(file).contains(&entry), "{file}");
    }
    let old = env!("CARGO_PKG_VERSION");
    assert_eq!(copy.read("docs/packages.md"), before.replace(old, "9.8.7"));
    assert!(copy.read("packaging/fleet/windows/en-US/kubekey.adml").contains("kubekey 9.8.7 or later"));
    let stale = [
        format!("set version={old}"),
        format!("kubekey-{old}"),
        format!("kubekey_{old}"),
        format!("`{old}.0`"),
        format!("rebuild v{old}"),
    ];
    for (name, content) in copy.all().iter().filter(|(name, _)| !name.starts_with("tests/")) {
        let text = String::from_utf8_lossy(content);
        assert!(!stale.iter().any(|stale| text.contains(stale)), "{name}");
    }
    let changes = copy.read("CHANGELOG.md");
    assert!(changes.contains("\n## [Unreleased]\n\n## [9.8.7] - 2"), "{changes}");
    assert!(
        changes.contains("\n[Unreleased]: https://github.com/kubekey-example/kubekey/compare/v9.8.7...HEAD\n"),
        "{changes}"
    );
    assert!(changes.contains("\n[9.8.7]: https://github.com/kubekey-example/kubekey/"), "{changes}");

    let once = copy.all();
    assert_says(&copy.run("packaging/version", &["9.8.7"]), 0, &[]);
    assert!(copy.all() == once);
}

#[test]
fn a_file_that_changed_or_is_not_in_the_list_is_noticed() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let run = |script: &str, arguments: &[&Path]| Command::new(root().join(script)).args(arguments).output().unwrap();
    write("kubekey_1_amd64.deb", "a package");
    // As dist writes it, with an empty line at the end.
    write("sha256.sum", "9b6bf8d06d0a1f5b2a1a2d6b5f1a4d1f8b1c5f4b0a3b0c0d0e0f0a0b0c0d0e0f *kubekey_1_amd64.deb\n\n");
    assert_says(&run("packaging/verify", &[folder.path()]), 1, &["did NOT match"]);
    let sums =
        Command::new("sha256sum").args(["--binary", "kubekey_1_amd64.deb"]).current_dir(&folder).output().unwrap();
    write("sha256.sum", &format!("{}\n", String::from_utf8(sums.stdout).unwrap()));
    write("dist-manifest.json", "{}");
    assert_says(&run("packaging/verify", &[folder.path()]), 0, &[]);
    write("kubekey.exe", "more");
    assert_says(&run("packaging/verify", &[folder.path()]), 1, &["sha256.sum does not list kubekey.exe"]);

    let rebuilt = TempDir::new().unwrap();
    for name in ["kubekey_1_amd64.deb", "kubekey.exe"] {
        fs::copy(folder.path().join(name), rebuilt.path().join(name)).unwrap();
    }
    assert_eq!(run("packaging/compare", &[folder.path(), rebuilt.path()]).status.code(), Some(0));
    fs::remove_file(rebuilt.path().join("kubekey.exe")).unwrap();
    let compared = run("packaging/compare", &[folder.path(), rebuilt.path()]);
    assert_eq!(compared.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&compared.stdout).contains("DIFFERENT: kubekey.exe\n"), "{compared:?}");
}
