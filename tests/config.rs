//! The layers of settings: the administrator's files, the user's file, the kubeconfig, the environment, flags.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::browser::Mode;
#[cfg(target_os = "linux")]
use crate::support::etc::Etc;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::run::Finished;

/// Writes the user's own file.
fn write_config(home: &Home, text: &str) {
    fs::create_dir_all(home.config().join("kubekey")).expect("a folder of ours");
    fs::write(home.config().join("kubekey").join("config.toml"), text).expect("a file of ours");
}

/// Without any setting in its environment.
fn kubekey(home: &Home) -> Command {
    let mut kubekey = home.kubekey();
    kubekey.env_remove("KUBEKEY_TOKEN_STORAGE");
    kubekey
}

/// What kubectl passes on about a cluster with this extension.
fn exec_info(config: &Value) -> String {
    let cluster = json!({ "server": "https://k8s.example.com", "config": config });
    let spec = json!({ "interactive": false, "cluster": cluster });
    json!({ "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "spec": spec }).to_string()
}

fn shown(finished: &Finished) -> Value {
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    serde_json::from_str(&finished.stdout).expect("JSON")
}

#[track_caller]
fn assert_fails(finished: &Finished, code: i32, words: &[&str]) {
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(code), ""), "{finished:#?}");
    for word in words {
        assert!(finished.stderr.contains(word), "{word:?}: {finished:#?}");
    }
}

/// The layers, lowest first, and their names in `config show`.
const LAYERS: [(&str, &str); 9] = [
    ("default", "default"),
    ("config.toml", "system"),
    ("config.d/10-a.toml", "system"),
    ("config.d/20-b.toml", "system"),
    ("user", "user"),
    ("profile", "system"),
    ("extension", "kubeconfig"),
    ("variable", "environment"),
    ("flag", "flag"),
];

/// A run of `config show` with the setting in these layers; the value, a duration, shows which one applies.
#[cfg(target_os = "linux")]
fn show_with(layers: &BTreeSet<usize>) -> Value {
    let home = Home::new(Mode::Absent);
    let mut command = kubekey(&home);
    command.args(["config", "show", "--output=json"]);
    let mut files = vec![("policy.toml", "locked_flags = []".to_owned())];
    for layer in layers {
        let line = format!("login_timeout = {}\n", time(*layer));
        match LAYERS[*layer].0 {
            "default" => {}
            "user" => write_config(&home, &line),
            "profile" => files.push(("config.d/00.toml", format!("profile = 'p'\n[profiles.p]\n{line}"))),
            "extension" => {
                command.env("KUBERNETES_EXEC_INFO", exec_info(&json!({ "login_timeout": time(*layer) })));
            }
            "variable" => {
                command.env("KUBEKEY_LOGIN_TIMEOUT", time(*layer).to_string());
            }
            "flag" => {
                command.arg(format!("--login-timeout={}", time(*layer)));
            }
            name => files.push((name, line)),
        }
    }
    let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    shown(&home.run(&mut Etc::new(&files).over(&command)))["settings"]["login_timeout"].clone()
}

fn time(layer: usize) -> usize {
    100 + layer
}

#[test]
#[cfg(target_os = "linux")]
fn of_any_two_layers_the_higher_one_wins_and_is_named() {
    for (higher, (name, shown_as)) in LAYERS.into_iter().enumerate() {
        for lower in 0..=higher {
            let setting = show_with(&BTreeSet::from([lower, higher]));
            let expected = if higher == 0 { "180s".to_owned() } else { time(higher).to_string() };
            assert_eq!(setting["value"], expected, "{name} over layer {lower}: {setting}");
            assert_eq!(setting["origin"]["layer"], shown_as, "{name} over layer {lower}: {setting}");
        }
    }
}

#[test]
fn every_flag_has_a_key_and_every_key_a_flag() {
    let home = Home::new(Mode::Absent);
    let help = home.run(home.kubekey().arg("--help")).stdout;
    let lines = help.lines().filter_map(|line| line.trim_start().strip_prefix("--"));
    let mut flags: Vec<_> =
        lines.map(|line| line.split(['[', ' ']).next().unwrap_or_default().replace('-', "_")).collect();
    let schema = shown(&home.run(home.kubekey().args(["config", "schema"])));
    let mut keys: Vec<_> = schema["properties"].as_object().unwrap().keys().cloned().collect();
    keys.retain(|key| !["profiles", "clusters"].contains(&key.as_str()));
    // That is the variable KUBEKEY_LOG, which holds before any file is read.
    flags.retain(|flag| flag != "verbose");
    flags.sort();
    keys.sort();
    assert_eq!(flags, keys);

    let text: Vec<_> = keys.iter().map(|key| format!("{key} = {}\n", example(&schema["properties"][key]))).collect();
    write_config(&home, &format!("{}[profiles.x]\n", text.concat()));
    let finished = home.run(kubekey(&home).args(["config", "show", "--output=json"]));
    let settings: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    for key in keys {
        assert_eq!(settings["settings"][&key]["origin"]["layer"], "user", "{key}");
    }
}

/// A value of the type that the schema names last; `profile` must be an existing one.
fn example(property: &Value) -> &'static str {
    match property["type"].as_str().or_else(|| property["type"][1].as_str()) {
        Some("boolean") => "true",
        Some("integer") => "90",
        Some("array") => "['x']",
        _ => "'x'",
    }
}

#[test]
fn a_file_of_the_users_is_all_that_a_sign_in_needs() {
    let (home, provider) = (Home::new(Mode::Follow), Provider::start());
    write_config(&home, &format!("issuer_url = '{}'\nclient_id = '{}'\n", provider.issuer(), provider.client_id()));
    home.run(&mut home.kubekey()).credential();
    assert_eq!(home.browser.urls().len(), 1);
}

#[test]
#[cfg(target_os = "linux")]
fn the_administrators_files_are_all_that_a_user_needs() {
    let home = Home::new(Mode::Follow);
    let provider = Provider::start();
    let system = format!("issuer_url = '{}'\nscope = ['groups', 'email']", provider.issuer());
    let client = format!("client_id = '{}'", provider.client_id());
    let etc = Etc::new(&[("config.toml", &system), ("config.d/client.toml", &client)]);
    home.run(&mut etc.over(home.kubekey().arg("get-token"))).credential();
    assert_eq!(provider.requests("/authorize")[0].param("scope"), Some("openid groups email"));
}

#[test]
fn the_extension_of_the_kubeconfigs_cluster_says_the_rest() {
    let home = Home::new(Mode::Follow);
    let provider = Provider::start();
    let config = json!({ "issuer_url": provider.issuer(), "client_id": provider.client_id(), "scope": ["groups"] });
    home.run(home.kubekey().env("KUBERNETES_EXEC_INFO", exec_info(&config))).credential();
    assert_eq!(provider.requests("/authorize")[0].param("scope"), Some("openid groups"));

    for (config, words) in [
        (json!({ "scope": 1 }), "scope must be a list of quoted strings"),
        (json!({ "skip_open_browser": "yes" }), "skip_open_browser must be true or false"),
        (json!([]), "not a mapping"),
        (json!({ "issuer_url": "x", "client_id": "x" }), "issuer_url in the kubeconfig's extension of its cluster 'x'"),
    ] {
        let finished = home.run(home.kubekey().env("KUBERNETES_EXEC_INFO", exec_info(&config)));
        assert_fails(&finished, 2, &[words, "extension of its cluster"]);
    }
}

#[test]
fn a_profile_inherits_what_it_does_not_say() {
    let home = Home::new(Mode::Absent);
    write_config(
        &home,
        "\u{feff}client_id = 'one'\nissuer_url = 'https://one.example'\n[profiles.two]\nissuer_url = 'https://two.example'\n\
         [profiles.three]\nclient_id = 'three'\n",
    );
    let effective = |command: &mut Command| {
        let settings = shown(&home.run(command.args(["config", "show", "--output=json"])))["settings"].clone();
        let text = |name: &str| settings[name]["value"].as_str().unwrap_or_default().to_owned();
        (text("issuer_url"), text("client_id"))
    };
    let expected = |issuer: &str, client: &str| (format!("https://{issuer}.example"), client.to_owned());
    assert_eq!(effective(&mut kubekey(&home)), expected("one", "one"));
    assert_eq!(effective(kubekey(&home).arg("--profile=two")), expected("two", "one"));
    assert_eq!(effective(kubekey(&home).env("KUBEKEY_PROFILE", "three")), expected("one", "three"));
    let info = exec_info(&json!({ "profile": "two" }));
    assert_eq!(effective(kubekey(&home).env("KUBERNETES_EXEC_INFO", info)), expected("two", "one"));

    let finished = home.run(kubekey(&home).args(["--profile", "four"]));
    assert_fails(
        &finished,
        2,
        &["--profile 'four' cannot be used: there is no such profile", "known profiles: three, two"],
    );
}

#[test]
fn a_mistake_in_a_file_is_shown_with_its_place() {
    let home = Home::new(Mode::Absent);
    let file = home.config().join("kubekey").join("config.toml");
    for (text, place, words) in [
        ("\nissuer_url = \n", "line 2, column 14", "issuer_url ="),
        ("# ä\nscope = ['a', 1]", "line 2, column 9", "scope must be a list of quoted strings: scope = ['a', 1]"),
        ("login_timeout = true", "line 1, column 17", "login_timeout must be seconds, or a string"),
        ("skip_open_browser = 'no'", "line 1, column 21", "must be true or false"),
        ("client_id = 'a'\nclient_id = 'b'", "line 2, column 1", "duplicate key"),
        ("profiles = 1", "line 1, column 12", "[profiles.NAME]"),
        ("[profiles]\nx = 1", "line 2, column 5", "a profile must be a table"),
        ("client_secret = canary", "line 1, column 17", ": ***"),
        (
            "client_id='x'\r\nissuer_url = 'x'\r\n",
            "line 2",
            "issuer_url 'x' cannot be used: it must begin with https://",
        ),
        ("client_id='x'\nissuer_url='https://x.example'\n[profiles.a]\ntoken_dir='x'\n", "line 4", "token_dir 'x'"),
    ] {
        write_config(&home, text);
        let finished = home.run(kubekey(&home).args(if text.contains(".a]") { &["--profile=a"][..] } else { &[] }));
        assert_fails(&finished, 2, &[&format!("kubekey: {} {place}", file.display()), words]);
        assert!(!finished.stderr.contains("canary"), "{finished:#?}");
        let checked = home.run(kubekey(&home).args(["config", "check", file.to_str().unwrap()]));
        assert_fails(&checked, 2, &[&format!("{} {place}", file.display()), words]);
    }
}

#[test]
fn an_unknown_key_is_a_warning_with_the_nearest_one_and_none_while_a_token_is_there() {
    let home = Home::new(Mode::Follow).store_in("file");
    let provider = Provider::start();
    write_config(&home, "isuer_url = 'x'\ncertificate-authority = 1\nzzz = 1\n[profiles.p]\nprofile = 'p'\n");
    let first = home.run(&mut home.kubekey_for(&provider));
    first.credential();
    let file = home.config().join("kubekey").join("config.toml");
    let warnings: Vec<_> = first.stderr.lines().filter(|line| line.contains("warning: ")).collect();
    let expected = [
        "line 1: unknown setting 'isuer_url' (did you mean 'issuer_url'?)",
        "line 2: unknown setting 'certificate-authority' (did you mean 'certificate_authority'?)",
        "line 3: unknown setting 'zzz'",
        "line 5: unknown setting 'profile' here (a profile cannot name another one)",
    ];
    for words in expected {
        let line = format!("kubekey: warning: {} {words}", file.display());
        assert_eq!(warnings.iter().filter(|warning| **warning == line).count(), 1, "{line}: {warnings:#?}");
    }
    let warm = home.run(&mut home.kubekey_for(&provider));
    assert_eq!((warm.token(), warm.stderr.as_str()), (first.token(), ""));
}

#[test]
fn a_misspelt_key_is_named_when_it_is_missing() {
    let home = Home::new(Mode::Absent);
    write_config(&home, "issuer = 'https://login.example.com'\n");
    let finished = home.run(&mut kubekey(&home));
    assert_fails(&finished, 2, &["unknown setting 'issuer' (did you mean 'issuer_url'?)", "no issuer URL is set"]);
}

#[test]
#[cfg(target_os = "linux")]
fn files_that_others_can_write_are_refused() {
    let home = Home::new(Mode::Absent);
    for name in ["config.toml", "config.d/a.toml"] {
        let etc = Etc::new(&[(name, "")]);
        let run = || home.run(&mut etc.over(&kubekey(&home)));
        etc.set_mode(name, 0o666);
        assert_fails(
            &run(),
            2,
            &[&format!("/etc/kubekey/{name} cannot be used: it can be written by others (mode 666)")],
        );
        etc.set_mode(name, 0o644);
        assert_fails(&run(), 2, &["no issuer URL is set"]);
    }
    let etc = Etc::new(&[("config.d/a.toml", "")]);
    etc.set_mode("config.d", 0o777);
    assert_fails(&home.run(&mut etc.over(&kubekey(&home))), 2, &["its folder can be written by others"]);
    let lost = Etc::new(&[("config.toml", "")]);
    lost.lead_nowhere("config.toml");
    assert_fails(&home.run(&mut lost.over(&kubekey(&home))), 2, &["/etc/kubekey/config.toml cannot be used: No such"]);

    write_config(&home, "");
    let file = home.config().join("kubekey").join("config.toml");
    fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
    assert_fails(&home.run(&mut kubekey(&home)), 2, &[&format!("{} cannot be used: it can be", file.display())]);
}

#[test]
#[cfg(unix)]
fn somebody_elses_home_is_not_looked_into() {
    const STRANGER: &str = "4711";
    let home = Home::new(Mode::Absent);
    write_config(&home, "client_id = 'x'");
    let as_stranger = |arguments: &[&str]| {
        let mut stranger = Command::new("/usr/bin/setpriv");
        stranger.args(["--reuid", STRANGER, "--clear-groups"]).arg(env!("CARGO_BIN_EXE_kubekey")).args(arguments);
        home.run(stranger.env_clear().env("XDG_CONFIG_HOME", home.config()))
    };
    // Only root can become another user, and only where other users may run the program.
    if !as_stranger(&["--version"]).status.success() {
        return;
    }
    assert_fails(&as_stranger(&[]), 2, &["no issuer URL is set"]);
}

#[test]
#[cfg(target_os = "linux")]
fn only_files_that_end_with_toml_are_drop_ins() {
    let home = Home::new(Mode::Absent);
    let wrong = "x =";
    let names = ["config.d/a.toml.rpmsave", "config.d/.a.toml", "config.d/README", "config.d/a.toml~"];
    let etc = Etc::new(&names.map(|name| (name, wrong)));
    assert_fails(&home.run(&mut etc.over(&kubekey(&home))), 2, &["no issuer URL is set"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_secret_of_a_file_reaches_no_issuer_or_client_that_a_kubeconfig_names() {
    let home = Home::new(Mode::Follow);
    let provider = Provider::start();
    let system = |issuer: &str, client: &str| {
        let text = format!("issuer_url = '{issuer}'\nclient_id = '{client}'\nclient_secret = 'of-the-file'\n");
        Etc::new(&[("config.toml", &text)])
    };
    let secret_sent = |etc: &Etc| {
        let before = provider.requests("/token").len();
        home.run(&mut etc.over(&home.kubekey_for(&provider)));
        let request = provider.requests("/token").remove(before);
        request.param("client_secret").is_some() || request.header("authorization").is_some()
    };
    assert!(!secret_sent(&system("https://login.example.com", &provider.client_id())), "to another issuer");
    assert!(!secret_sent(&system(&provider.issuer(), "another")), "of another client");
    assert!(secret_sent(&system(&provider.issuer(), &provider.client_id())), "both are the file's, and said again");
}

#[test]
#[cfg(target_os = "linux")]
fn what_a_policy_locks_only_the_administrators_files_can_say() {
    let home = Home::new(Mode::Follow);
    let provider = Provider::start();
    let value = home.path().to_str().unwrap();
    let refused = |etc: &Etc, command: &Command, label: &str| {
        let finished = home.run(&mut etc.over(command));
        assert_fails(&finished, 4, &[&format!("{label} is locked by the policy /etc/kubekey/policy.toml")]);
    };
    let etc = Etc::with_policy("");
    for key in ["token_dir", "template_dir", "browser_command"] {
        write_config(&home, &format!("{key} = '{value}'"));
        let file = home.config().join("kubekey").join("config.toml");
        refused(&etc, &home.kubekey_for(&provider), &format!("{} line 1: {key}", file.display()));
        write_config(&home, &format!("profile = 'p'\n[profiles.p]\n{key} = '{value}'"));
        refused(&etc, &home.kubekey_for(&provider), &format!("{} line 3: {key}", file.display()));
        write_config(&home, "");
        let info = exec_info(&json!({ key: value }));
        let label = format!("{key} in the kubeconfig's extension of its cluster");
        refused(&etc, home.kubekey_for(&provider).env("KUBERNETES_EXEC_INFO", info), &label);
    }
    assert_eq!((provider.count_all(), home.browser.urls().len()), (0, 0), "nothing was begun");
    let system = format!("token_dir = '{value}'\ntoken_storage = 'file'");
    let etc = Etc::new(&[("policy.toml", ""), ("config.toml", &system)]);
    home.run(&mut etc.over(&home.kubekey_for(&provider))).credential();
}

#[test]
fn show_tells_where_each_setting_is_from_and_no_secret() {
    let home = Home::new(Mode::Absent);
    write_config(&home, "client_secret = 'canary'\nscope = ['a', 'b']\n");
    let show = |arguments: &[&str]| {
        let finished = home
            .run(kubekey(&home).env("IDP_ISSUER_URL", "https://x.example").args(["config", "show"]).args(arguments));
        assert_eq!((finished.code(), finished.stdout.contains("canary")), (Some(0), false), "{finished:#?}");
        finished.stdout
    };
    let file = home.config().join("kubekey").join("config.toml");
    let text = show(&["--origin", "--client-id=x"]);
    for line in [
        &format!("# {}", file.display()),
        "issuer_url = \"https://x.example\"  # IDP_ISSUER_URL",
        "client_id = \"x\"  # --client-id",
        &format!("client_secret = \"***\"  # {} line 1", file.display()),
        &format!("scope = [\"a\",\"b\"]  # {} line 2", file.display()),
        "login_timeout = \"180s\"  # default",
        "# listen_address =  # default: 127.0.0.1 on a free port",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line}: {text}");
    }
    assert!(!show(&[]).contains("# "), "only what can go into a file");
    let settings: Value = serde_json::from_str(&show(&["--output", "json"])).expect("JSON");
    assert_eq!((&settings["files"], &settings["policy"]), (&json!([file]), &Value::Null));
    assert_eq!(settings["settings"]["client_secret"]["origin"]["line"], 1);
    assert_eq!(settings["settings"]["skip_open_browser"]["value"], false);
}

#[test]
fn a_long_value_is_shown_whole() {
    let home = Home::new(Mode::Absent);
    let data = "QUJD".repeat(1000);
    write_config(&home, &format!("certificate_authority_data = '{data}'\n"));
    let finished = home.run(kubekey(&home).args(["config", "show"]));
    assert!(finished.stdout.contains(&format!("certificate_authority_data = [\"{data}\"]\n")), "{finished:#?}");
}

#[test]
#[cfg(target_os = "linux")]
fn show_names_the_policy_and_ends_with_what_it_refuses() {
    let home = Home::new(Mode::Absent);
    let etc = Etc::with_policy("");
    let mut command = kubekey(&home);
    command.args(["config", "show", "--output=json"]);
    let policy = &shown(&home.run(&mut etc.over(&command)))["policy"];
    assert_eq!((&policy["places"], &policy["keys"]), (&json!(["/etc/kubekey/policy.toml"]), &json!({})));
    assert!(policy["locked_flags"].as_array().unwrap().contains(&json!("token-dir")), "{policy}");
    let refused = home.run(&mut etc.over(command.env("KUBEKEY_TOKEN_DIR", home.path())));
    assert_eq!(refused.code(), Some(4), "{refused:#?}");
    let settings: Value = serde_json::from_str(&refused.stdout).expect("JSON");
    assert_eq!(settings["settings"]["token_dir"]["origin"]["variable"], "KUBEKEY_TOKEN_DIR");
    assert!(refused.stderr.contains("KUBEKEY_TOKEN_DIR is locked by the policy /etc/kubekey/policy.toml"));
}

#[test]
fn check_looks_at_clusters_and_at_profiles_that_nobody_chose() {
    let home = Home::new(Mode::Absent);
    let file = home.path().join("new.toml");
    let check = |text: &str| {
        fs::write(&file, text).expect("a file of ours");
        home.run(kubekey(&home).args(["config", "check"]).arg(&file))
    };
    let good =
        "[profiles.p]\nclient_id = 'x'\n[[clusters]]\nname = 'a'\nserver = 'https://a.example:6443'\nprofile = 'p'\n";
    let finished = check(good);
    assert_eq!((finished.code(), finished.stdout), (Some(0), format!("{}: ok\n", file.display())));
    for (more, place, words) in [
        ("[profiles.q]\nissuer_url = 'http://q.example'", "line 8", "http is allowed only for this machine"),
        ("[[clusters]]\nname = 'b'", "line 7", "the cluster has no server"),
        (
            "[[clusters]]\nname = 'b'\nserver = 'http://b.example'",
            "line 9, column 10",
            "over http anyone on the network",
        ),
        ("[[clusters]]\nname = 'a'\nserver = 'https://b.example'", "line 7", "two clusters 'a'"),
        ("profile = 'r'", "line 7", "duplicate key"),
        ("[[clusters]]\nname = 'b'\nserver = 'https://b'\nprofile = 'r'", "line 10", "unknown profile 'r'"),
        ("certificate_authority = 'ca.pem'", "line 7", "an absolute path"),
        ("certificate_authority_data = '?'", "line 7", "is not base64"),
        ("namespace = 1", "line 7, column 13", "namespace must be a quoted string"),
    ] {
        assert_fails(&check(&format!("{good}{more}\n")), 2, &[&format!("{} {place}", file.display()), words]);
    }
    let finished = check(&format!("{good}namspace = 'x'\n"));
    assert_eq!(finished.code(), Some(2), "a run goes on without it, and a check does not: {finished:#?}");
    assert!(finished.stderr.contains("unknown setting 'namspace' (did you mean 'namespace'?)"), "{finished:#?}");

    write_config(&home, "[profiles.q]\ntoken_dir = 'x'");
    let finished = home.run(kubekey(&home).args(["config", "check"]));
    assert_fails(&finished, 2, &["config.toml line 2: token_dir 'x'"]);
}
