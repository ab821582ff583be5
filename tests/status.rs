//! `kubekey status`: which sign-ins are saved, without a token in what is read or shown.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::browser::Mode;
#[cfg(target_os = "linux")]
use crate::support::etc::Etc;
use crate::support::home::Home;
use crate::support::policy::SERVER;
use crate::support::provider::Provider;
use crate::support::run::Finished;

/// A kubeconfig with these contexts, which use this provider.
fn kubeconfig(home: &Home, provider: &Provider, names: &[&str]) {
    kubeconfig_with(home, provider, names, &[]);
}

/// The same with further arguments of the users.
fn kubeconfig_with(home: &Home, provider: &Provider, names: &[&str], further: &[&str]) {
    let mut args = vec![format!("--issuer-url={}", provider.issuer()), format!("--client-id={}", provider.client_id())];
    args.extend(further.iter().map(|arg| (*arg).to_owned()));
    let list =
        |kind: &str, of: Value| -> Vec<Value> { names.iter().map(|name| json!({ "name": name, kind: of })).collect() };
    let file = json!({
        "current-context": names[0],
        "clusters": [{ "name": "k8s", "cluster": { "server": SERVER } }],
        "contexts": list("context", json!({ "cluster": "k8s", "user": names[0] })),
        "users": list("user", json!({ "exec": { "command": "kubekey", "args": args } })),
    });
    fs::create_dir_all(home.path().join(".kube")).unwrap();
    fs::write(home.path().join(".kube/config"), file.to_string()).unwrap();
}

fn status(home: &Home, arguments: &[&str]) -> Finished {
    home.run(home.kubekey().arg("status").args(arguments))
}

/// The only sign-in that is listed.
fn only(home: &Home) -> Value {
    let finished = status(home, &["--output=json"]);
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    let mut all: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(all["sign_ins"].as_array().unwrap().len(), 1, "{all}");
    all["sign_ins"][0].take()
}

fn token_file(home: &Home) -> PathBuf {
    home.files().into_iter().find(|path| path.parent().unwrap().ends_with("tokens")).expect("a token")
}

#[test]
fn a_sign_in_is_listed_with_its_contexts_until_the_logout() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    kubeconfig(&home, &provider, &["prod", "test"]);
    let none = status(&home, &[]);
    assert_eq!((none.code(), none.stdout.as_str()), (Some(3), ""), "{none:#?}");
    // Both use one sign-in.
    let hint = "kubekey: no sign-in is saved\nhint: sign in:\n  kubekey login --context prod\n";
    assert_eq!(none.stderr, hint);
    home.run(home.kubekey().args(["login", "--context", "prod"]));

    let (issuer, client) = (provider.issuer(), provider.client_id());
    let text = status(&home, &[]);
    assert_eq!((text.code(), text.stderr.as_str()), (Some(0), ""), "{text:#?}");
    let lines: Vec<Vec<_>> = text.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["CONTEXTS", "ISSUER", "CLIENT", "ACCOUNT", "EXPIRES", "REFRESHABLE"]);
    assert_eq!(lines[1][..5], ["prod,test", &*issuer, &*client, "jane@example.com", "in"]);
    assert_eq!(lines[1].last(), Some(&"yes"));
    let wide = status(&home, &["--output", "wide"]);
    assert!(wide.stdout.contains("STORAGE") && wide.stdout.contains("file "), "{wide:#?}");
    let one = only(&home);
    assert_eq!(one["contexts"], json!(["prod", "test"]));
    assert_eq!((&one["storage"], &one["usable"], &one["refreshed_at"]), (&json!("file"), &json!(true), &Value::Null));
    #[cfg(unix)]
    assert_eq!(fs::metadata(home.state_file()).unwrap().permissions().mode() & 0o777, 0o600);

    let saved: Value = serde_json::from_slice(&fs::read(token_file(&home)).unwrap()).unwrap_or_default();
    let index = fs::read_to_string(home.state_file()).unwrap();
    for secret in ["id_token", "refresh_token"].iter().filter_map(|name| saved[name].as_str()) {
        assert!(!index.contains(secret) && !index.contains(secret.rsplit('.').next().unwrap()), "{index}");
    }
    home.run(home.kubekey().arg("logout"));
    assert_eq!(status(&home, &[]).code(), Some(3));
}

#[test]
fn what_is_listed_follows_a_refresh_and_a_file_that_is_gone_is_not_listed() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    home.run(&mut home.kubekey_for(&provider)).credential();
    home.edit_state(|state| state["kept"][0]["expires_at"] = 7.into());
    assert!(only(&home)["expires_at"].as_str().unwrap().starts_with("1970"), "the index is what is read");
    home.edit_state(|state| state["kept"][0]["is_renewable"] = false.into());
    let over = status(&home, &[]);
    assert_eq!(over.code(), Some(3), "{over:#?}");
    assert!(
        over.stdout.contains(" ago ") && over.stderr.contains("no saved sign-in can be used any more"),
        "{over:#?}"
    );
    fs::remove_file(token_file(&home)).unwrap();
    assert_eq!(status(&home, &[]).stdout, "");
    assert_eq!(fs::read_to_string(home.state_file()).unwrap().matches("issuer").count(), 0, "it was healed");
}

#[test]
fn the_name_of_an_account_stands_beside_who_signed_in() {
    for (name, shown) in [("work", "jane@example.com (--account work)  "), ("Jane@example.com", "jane@example.com  ")] {
        let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
        home.run(home.kubekey_for(&provider).args(["--account", name])).credential();
        let listed = status(&home, &[]);
        assert!(listed.stdout.contains(shown), "{listed:#?}");
        let one = only(&home);
        assert_eq!((&one["account"], &one["account_name"]), (&json!("jane@example.com"), &json!(name)));
    }
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert_eq!(only(&home)["account_name"], Value::Null);
}

/// As after an update from a version without an index.
#[test]
fn a_sign_in_that_the_index_lacks_is_found_by_the_context_that_uses_it() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    kubeconfig(&home, &provider, &["prod"]);
    home.run(home.kubekey().arg("login"));
    let before = only(&home);
    fs::remove_file(home.state_file()).unwrap();
    assert_eq!(only(&home), before);
    for output in ["", " --output=wide", " --output=json"] {
        let words: Vec<_> = ["--context=gone", output.trim()].into_iter().filter(|word| !word.is_empty()).collect();
        let other = status(&home, &words);
        assert_eq!(other.code(), Some(2), "{other:#?}");
        assert!(other.stderr.ends_with(&format!("kubekey status{output} --context prod\n")), "{other:#?}");
    }
    assert_eq!(status(&home, &["--context=prod"]).code(), Some(0));
}

#[test]
#[cfg(target_os = "linux")]
fn no_keyring_is_asked_and_a_policy_ends_what_it_ends() {
    let (home, provider) = (Home::with_keyring(Mode::Follow), Provider::start());
    home.run(&mut home.kubekey_for(&provider)).credential();
    let mut without = home.kubekey();
    let listed = home.run(without.arg("status").env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere"));
    assert_eq!(listed.code(), Some(0), "{listed:#?}");
    assert!(listed.stdout.contains("jane@example.com") && !listed.log.contains("keyring"), "{listed:#?}");
    home.edit_state(|state| state["kept"][0]["signed_in_at"] = 7.into());
    let policy = Etc::with_policy("max_session = '12h'\nlocked_flags = []");
    let over = home.run(&mut policy.over(home.kubekey().arg("status")));
    assert_eq!(over.code(), Some(3), "{over:#?}");
}

#[test]
fn a_sign_in_counts_for_a_context_only_where_a_run_for_that_context_finds_it() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    kubeconfig_with(&home, &provider, &["prod"], &["--token-storage=none"]);
    home.run(home.kubekey().args(["login", "--context=prod", "--token-storage=file"]));
    let one = only(&home);
    assert_eq!((&one["contexts"], &one["usable"]), (&json!([]), &json!(true)));
    for asked in ["--context=prod", "--cluster=k8s"] {
        let elsewhere = status(&home, &[asked]);
        assert_eq!((elsewhere.code(), elsewhere.stdout.as_str()), (Some(3), ""), "{elsewhere:#?}");
        let folder = token_file(&home).parent().unwrap().display().to_string();
        for words in [
            format!("where this context looks for it; there is one elsewhere (file {folder})"),
            "hint: sign in:\n  kubekey login --context prod\n".to_owned(),
        ] {
            assert!(elsewhere.stderr.contains(&words), "{words}: {elsewhere:#?}");
        }
    }
    // As `token` says.
    kubeconfig_with(&home, &provider, &["prod"], &["--token-storage=file"]);
    assert_eq!(status(&home, &["--context=prod"]).code(), Some(0));
}

#[test]
fn an_access_token_is_shown_as_one() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    kubeconfig_with(&home, &provider, &["prod"], &["--use-access-token"]);
    home.run(home.kubekey().args(["login", "--context=prod"]));
    assert_eq!(only(&home)["token"], "access_token");
    // An older version did not note it.
    home.edit_state(|state| drop(state["kept"][0].as_object_mut().unwrap().remove("is_access_token")));
    assert_eq!(only(&home)["token"], "access_token");
    let wide = status(&home, &["--output=wide"]).stdout;
    let [names, row] = [0, 1].map(|line| wide.lines().nth(line).unwrap());
    assert_eq!(row[names.find("TOKEN").unwrap()..].split_whitespace().next(), Some("access"), "{wide}");
    assert!(!status(&home, &[]).stdout.contains("TOKEN"));

    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert_eq!(only(&home)["token"], "id_token");
}

/// A prompt or a script is not told that kubectl can use what a run of kubekey would refuse.
#[test]
fn nothing_is_usable_with_a_configuration_or_settings_that_cannot_be_used() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    kubeconfig(&home, &provider, &["prod"]);
    home.run(home.kubekey().args(["login", "--context=prod"]));
    let file = home.config().join("kubekey/config.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "issuer_url = \n").unwrap();
    let token = home.run(home.kubekey().args(["token", "--context=prod"]));
    for arguments in [&[][..], &["--context=prod"], &["--output=json"]] {
        let broken = status(&home, arguments);
        assert_eq!((broken.code(), broken.stdout.as_str()), (Some(2), ""), "{broken:#?}");
        assert!(broken.stderr.contains("config.toml line 1") && token.stderr.ends_with(&broken.stderr), "{broken:#?}");
    }
    fs::remove_file(&file).unwrap();
    kubeconfig_with(&home, &provider, &["prod"], &["--login-timeout=soon"]);
    let one = status(&home, &["--context=prod"]);
    assert_eq!((one.code(), one.stdout.as_str()), (Some(2), ""), "{one:#?}");
    assert!(one.stderr.contains("--login-timeout 'soon'"), "{one:#?}");
    let all = status(&home, &[]);
    assert!(all.stderr.contains("warning: context 'prod' cannot be used: --login-timeout 'soon'"), "{all:#?}");
    assert!(all.stdout.lines().nth(1).unwrap().starts_with("- "), "{all:#?}");
}

#[test]
fn what_a_context_replaces_stops_nobody_and_a_kubeconfig_that_cannot_be_read_is_named() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    let file = home.config().join("kubekey/config.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "profile = 'gone'\n[profiles.work]\n").unwrap();
    kubeconfig_with(&home, &provider, &["prod"], &["--profile=work"]);
    home.run(home.kubekey().args(["login", "--context=prod"]));
    assert_eq!(status(&home, &[]).code(), Some(0));
    fs::remove_file(&file).unwrap();

    fs::write(home.path().join(".kube/config"), "contexts: [\n").unwrap();
    let listed = status(&home, &[]);
    assert_eq!((listed.code(), listed.stdout.lines().count()), (Some(0), 2), "{listed:#?}");
    assert!(listed.stderr.starts_with("kubekey: warning: ") && listed.stderr.contains("cannot be read"), "{listed:#?}");
    fs::remove_file(token_file(&home)).unwrap();
    let none = status(&home, &[]);
    assert_eq!(none.code(), Some(3), "{none:#?}");
    assert!(none.stderr.contains("hint: fix the file") && !none.stderr.contains("kubekey setup"), "{none:#?}");
}

/// A hint with such a name would show a command for another context.
#[test]
fn a_name_that_cannot_be_shown_as_it_is_is_in_no_command() {
    let (home, provider) = (Home::new(Mode::Absent).store_in("file"), Provider::start());
    kubeconfig(&home, &provider, &["pr\u{202e}od"]);
    let none = "  (a command is left out: a name in it has invisible characters)\n";
    for (arguments, said) in [
        (&["status"][..], none),
        (&["status", "--context=gone"], none),
        (&[], "hint: run 'kubectl get pods'\n"),
        (&["login", "--flow=paste"], "run 'kubekey login' with the same settings"),
        (&["doctor", "--context=gone"], ""),
    ] {
        let finished = home.run(home.kubekey().args(arguments));
        assert!(finished.stderr.contains(said), "{finished:#?}");
        assert!(
            !finished.stderr.contains("--context pr") && !finished.stderr.contains("--context \""),
            "{finished:#?}"
        );
    }
}

#[test]
fn a_list_that_cannot_be_read_is_not_an_empty_one() {
    let home = Home::new(Mode::Follow).store_in("file");
    let folder = home.state().join("kubekey");
    fs::write(&folder, "").unwrap();
    for arguments in [&["status"][..], &["logout", "--issuer=https://login.example.com"]] {
        let finished = home.run(home.kubekey().args(arguments));
        let message = format!("kubekey: the list of saved sign-ins cannot be read: {}: ", folder.display());
        assert!(finished.stderr.contains(&message), "{finished:#?}");
        assert!(!finished.stderr.contains("no sign-in is saved") && finished.code() == Some(6), "{finished:#?}");
    }
}

#[test]
fn commands_that_cannot_be_shown_are_mentioned_once() {
    let (home, provider) = (Home::new(Mode::Absent).store_in("file"), Provider::start());
    kubeconfig(&home, &provider, &["a\u{200b}", "b\u{200b}", "c\u{200b}", "plain"]);
    let refused = status(&home, &["--context=gone"]);
    assert_eq!(refused.stderr.matches("a command is left out").count(), 1, "{refused:#?}");
    assert!(refused.stderr.contains("  kubekey status --context plain\n"), "{refused:#?}");
}

#[test]
fn arguments_that_cannot_be_used_are_those_of_a_context() {
    let (home, provider) = (Home::new(Mode::Absent).store_in("file"), Provider::start());
    kubeconfig_with(&home, &provider, &["bad"], &["--nonsense"]);
    let said = "the args of context 'bad' cannot be used: unexpected argument '--nonsense' found\n";
    let refused = status(&home, &["--context=bad"]);
    assert_eq!(refused.code(), Some(2), "{refused:#?}");
    assert!(refused.stderr.starts_with(&format!("kubekey: {said}hint: fix them in the kubeconfig")), "{refused:#?}");
    let warned = status(&home, &[]);
    assert!(warned.stderr.contains(&format!("kubekey: warning: {said}")), "{warned:#?}");
}
