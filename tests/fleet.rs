//! The files of `packaging/fleet`, run as their tools run them, and the numbers for a whole fleet in `docs/fleet.md`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::browser::Mode;
use crate::support::etc::Etc;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::run::Finished;
use crate::support::tls::COMPANY;

const KUBEKEY: &str = env!("CARGO_BIN_EXE_kubekey");

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A command in this home's environment.
fn command(home: &Home, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("HOME", home.path()).env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").env("LC_ALL", "C.UTF-8");
    command
}

/// The output of `kubekey config show` on that machine.
fn shown(home: &Home, etc: &Etc) -> Value {
    let mut kubekey = home.kubekey();
    kubekey.env_remove("KUBEKEY_TOKEN_STORAGE").args(["config", "show", "--output=json"]);
    let finished = home.run(&mut etc.over(&kubekey));
    assert_eq!((finished.code(), finished.stderr.as_str()), (Some(0), ""), "{finished:#?}");
    serde_json::from_str(&finished.stdout).expect("JSON")
}

/// The playbook of `packaging/fleet/ansible`, on this machine and with these variables.
fn play(home: &Home, etc: &Etc, variables: &Value) -> Finished {
    let mut all = json!({
        "ansible_become": false,
        "ansible_python_interpreter": repository("target/ansible/bin/python"),
        "kubekey_command": KUBEKEY,
    });
    all.as_object_mut().unwrap().extend(variables.as_object().unwrap().clone());
    let mut ansible = command(home, repository("target/ansible/bin/ansible-playbook"));
    ansible.args(["--inventory=localhost,", "--connection=local", "--diff"]);
    ansible.args(["--extra-vars", &all.to_string()]).arg(repository("packaging/fleet/ansible/site.yml"));
    // Only the package needs facts.
    ansible.env("ANSIBLE_GATHERING", "explicit").env("ANSIBLE_NOCOLOR", "1");
    home.run(&mut etc.over(&ansible))
}

#[test]
fn the_ansible_role_changes_nothing_the_second_time() {
    let (home, etc) = (Home::new(Mode::Absent), Etc::new(&[]));
    let variables = json!({
        "kubekey_config": {
            "issuer_url": "https://login.example.com",
            "client_id": "k\"ü😀",
            "scope": ["email", "groups"],
            "skip_open_browser": true,
            "profiles": {"two words": {"client_id": "two"}},
            "clusters": [{
                "name": "prod",
                "server": "https://k8s.example.com:6443",
                "certificate_authority": "/etc/kubekey/prod-ca.pem",
                "profile": "two words",
            }],
        },
        "kubekey_policy": {"allowed_issuers": ["https://login.example.com"]},
        "kubekey_files": {"prod-ca.pem": COMPANY.pem()},
    });
    // A client ID is visible ASCII, and kubekey checks the file before it is put in place.
    let finished = play(&home, &etc, &variables);
    assert_eq!(finished.code(), Some(2), "{finished:#?}");
    assert!(finished.stdout.contains("visible ASCII") && !etc.path("config.toml").exists(), "{finished:#?}");

    let mut variables = variables;
    variables["kubekey_config"]["client_id"] = "k\"8s".into();
    let finished = play(&home, &etc, &variables);
    assert!(finished.stdout.contains("changed=1 "), "{finished:#?}");
    let finished = play(&home, &etc, &variables);
    assert!(finished.stdout.contains("changed=0 ") && finished.code() == Some(0), "{finished:#?}");

    let shown = shown(&home, &etc);
    let value = |key: &str| shown["settings"][key]["value"].clone();
    assert_eq!((value("client_id"), value("skip_open_browser")), (json!("k\"8s"), json!(true)));
    assert_eq!(value("scope"), json!(["email", "groups"]));
    let issuers = &shown["policy"]["keys"]["allowed_issuers"];
    assert_eq!(issuers["origin"], "/etc/kubekey/policy.toml line 2");
    assert_eq!(shown["settings"]["issuer_url"]["origin"]["file"], "/etc/kubekey/config.toml");
    assert_eq!(fs::read_to_string(etc.path("prod-ca.pem")).unwrap(), COMPANY.pem());

    variables["kubekey_policy_state"] = "absent".into();
    let finished = play(&home, &etc, &variables);
    assert!(finished.stdout.contains("changed=1 ") && !etc.path("policy.toml").exists(), "{finished:#?}");
}

#[test]
fn the_files_of_the_cloud_init_snippet_are_right() {
    let home = Home::new(Mode::Absent);
    let mut python = command(&home, repository("target/ansible/bin/python"));
    python.args(["-c", "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))"]);
    let finished = home.run(python.arg(repository("packaging/fleet/cloud-init/user-data.yaml")));
    let data: Value = serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished:#?}"));
    let files: Vec<_> = data["write_files"].as_array().unwrap().iter().collect();
    let texts = files.iter().map(|file| {
        assert_eq!((&file["owner"], &file["permissions"]), (&json!("root:root"), &json!("0644")));
        let name = file["path"].as_str().unwrap().strip_prefix("/etc/kubekey/").unwrap();
        (name, file["content"].as_str().unwrap())
    });
    let etc = Etc::new(&texts.collect::<Vec<_>>());
    let shown = shown(&home, &etc);
    assert_eq!(shown["settings"]["client_id"]["value"], "kubernetes");
    assert_eq!(shown["policy"]["places"], json!(["/etc/kubekey/policy.toml"]));
}

/// The script of the dev container feature with these options, in a container where the folder is `/usr/local/bin`.
fn build_feature(home: &Home, etc: &Etc, bin: &Path, options: &[(&str, &str)]) -> Finished {
    let mut shell = command(home, "/bin/sh");
    shell.args(["-c", r#"mount --bind "$0" /usr/local/bin && exec "$1""#]).arg(bin);
    shell.arg(repository("packaging/fleet/devcontainer/kubekey/install.sh"));
    shell.env("PATH", "/usr/local/bin:/usr/bin:/bin").envs(options.iter().copied());
    home.run(&mut etc.over(&shell))
}

#[test]
fn the_dev_container_feature_installs_and_configures() {
    let (home, etc) = (Home::new(Mode::Absent), Etc::new(&[]));
    let bin = tempfile::tempdir().unwrap();
    let build = |options: &[(&str, &str)]| build_feature(&home, &etc, bin.path(), options);
    let missing = build(&[]);
    assert_eq!(
        (missing.code(), missing.stderr.as_str()),
        (Some(1), "kubekey feature: kubekey is not installed; set source\n")
    );
    let unchecked = build(&[("SOURCE", "https://example.com/kubekey")]);
    assert!(unchecked.stderr.contains("needs its sha256"), "{unchecked:#?}");
    let other = build(&[("SOURCE", KUBEKEY), ("SHA256", &"0".repeat(64))]);
    assert!(other.stderr.contains("the source does not match sha256"), "{other:#?}");
    assert_eq!(fs::read_dir(bin.path()).unwrap().count(), 0);

    let finished = build(&[
        ("SOURCE", KUBEKEY),
        ("ISSUERURL", "https://login.example.com"),
        ("CLIENTID", "kubernetes"),
        ("TOKENSTORAGE", "file"),
    ]);
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    let shown = shown(&home, &etc);
    assert_eq!(
        (&shown["settings"]["token_storage"]["value"], bin.path().join("kubekey").exists()),
        (&json!("file"), true)
    );
    let again =
        build(&[("ISSUERURL", "https://login.example.com"), ("CLIENTID", "kubernetes"), ("TOKENSTORAGE", "file")]);
    assert!(again.stderr.contains("up to date"), "{again:#?}");
}

#[test]
fn the_options_of_the_dev_container_feature_are_those_of_its_script() {
    let folder = repository("packaging/fleet/devcontainer/kubekey");
    let feature: Value =
        serde_json::from_str(&fs::read_to_string(folder.join("devcontainer-feature.json")).unwrap()).unwrap();
    let script = fs::read_to_string(folder.join("install.sh")).unwrap();
    for option in feature["options"].as_object().unwrap().keys() {
        assert!(script.contains(&format!("${{{}:-", option.to_uppercase())), "{option}");
    }
    assert_eq!(feature["version"], env!("CARGO_PKG_VERSION"));
    let home = Home::new(Mode::Absent);
    let finished = home.run(command(&home, "shellcheck").arg(folder.join("install.sh")));
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
}

const DAY: u64 = 8 * 60 * 60;
const WORKSTATIONS: u64 = 100_000;

/// How many requests one user's kubekey makes in a day: to the token endpoint, and for each of the two documents.
fn requests(lifetime: u64, documents_kept: u64) -> (u64, u64) {
    // The token is renewed when on average a tenth of its life is left, and at least 70 s.
    let interval = lifetime - (lifetime / 10).max(70);
    let refreshes = DAY / interval;
    // Only a refresh reads the documents.
    (1 + refreshes, 1 + refreshes / documents_kept.div_ceil(interval))
}

#[test]
fn the_table_of_the_page_is_what_its_formula_gives() {
    let page = fs::read_to_string(repository("docs/fleet.md")).unwrap();
    for (shown, minutes) in [("5 min", 5), ("15 min", 15), ("30 min", 30), ("1 h", 60), ("8 h", 480), ("12 h", 720)] {
        let row = |hours: u64| {
            let (tokens, documents) = requests(minutes * 60, hours * 3600);
            let all = tokens + 2 * documents;
            (tokens, 2 * documents, all * WORKSTATIONS / DAY)
        };
        let ((tokens, documents, rate), (_, fewer, lower)) = (row(1), row(24));
        let row = format!("| {shown} | {tokens} | {documents} | {rate} | {fewer} | {lower} |");
        assert!(page.lines().any(|line| line == row), "{row}");
    }
}

/// A working day with tokens of an hour, at a provider that does not say how long its documents may be cached.
#[test]
fn a_day_of_one_person_is_as_many_requests_as_the_page_says() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.lifetime = 3600);
    let run = || home.run(&mut home.kubekey_for(&provider)).credential();
    // As if this many seconds had passed.
    let wait = |seconds: i64| {
        let earlier = |time: &mut Value| *time = (time.as_i64().unwrap() - seconds).into();
        home.edit_saved(|set| ["expires_at", "issued_at"].into_iter().for_each(|name| earlier(&mut set[name])));
        let folder = fs::read_dir(home.cache().join("kubekey")).unwrap();
        let file = folder.map(|file| file.unwrap().path()).next().unwrap();
        let mut documents: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        for name in ["discovery", "keys"] {
            ["fetched_at", "expires_at"].into_iter().for_each(|time| earlier(&mut documents[name][time]));
        }
        fs::write(&file, documents.to_string()).unwrap();
    };
    run();
    let (tokens, documents) = requests(3600, 3600);
    for _ in 1..tokens {
        let before = provider.count_all();
        wait(50 * 60);
        run();
        assert_eq!(provider.count_all(), before, "a sixth of its life is left");
        wait(7 * 60 + 10);
        run();
    }
    let counted = ["/token", "/.well-known/openid-configuration", "/jwks"].map(|path| provider.count(path) as u64);
    assert_eq!(counted, [tokens, documents, documents], "of {} in all", provider.count_all());
    assert_eq!(home.browser.urls().len(), 1);
}
