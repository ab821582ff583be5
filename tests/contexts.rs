//! `kubekey login`, `logout` and `config show` without settings of their own: they use those of a context of the
//! kubeconfig.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use kubekey::shell::quoted;
use serde_json::{Value, json};

use crate::support::browser::Mode;
#[cfg(target_os = "linux")]
use crate::support::etc::Etc;
use crate::support::home::Home;
use crate::support::kubeconfig::kubectl;
use crate::support::policy::{SERVER, assert_refused, exec_info};
use crate::support::process;
use crate::support::provider::Provider;
use crate::support::run::Finished;

/// A kubeconfig with these contexts, each with a cluster and a user of the same name.
fn kubeconfig(home: &Home, name: &str, current: &str, users: &[(&str, Value)]) -> PathBuf {
    let list = |kind: &str, of: &dyn Fn(&(&str, Value)) -> Value| -> Vec<Value> {
        users.iter().map(|user| json!({ "name": user.0, kind: of(user) })).collect()
    };
    let file = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": current,
        "clusters": list("cluster", &|_| json!({ "server": SERVER })),
        "contexts": list("context", &|(name, _)| json!({ "cluster": name, "user": name })),
        "users": list("user", &|(_, exec)| json!({ "exec": exec })),
    });
    let path = home.path().join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a home");
    fs::write(&path, file.to_string()).expect("a home");
    path
}

fn default_kubeconfig(home: &Home, current: &str, users: &[(&str, Value)]) {
    kubeconfig(home, ".kube/config", current, users);
}

fn args(provider: &Provider) -> Value {
    json!([format!("--issuer-url={}", provider.issuer()), format!("--client-id={}", provider.client_id())])
}

fn exec(command: &str, args: &Value) -> Value {
    json!({ "command": command, "args": args })
}

fn show(home: &Home, arguments: &[&str]) -> Finished {
    let mut kubekey = home.kubekey();
    home.run(kubekey.args(["config", "show"]).args(arguments))
}

/// The issuer that the command shows, and the context that it names.
fn shown(finished: &Finished) -> (Option<&str>, Option<&str>) {
    let between = |text, start, end| -> Option<&str> { Some(str::split_once(text, start)?.1.split_once(end)?.0) };
    (
        between(&finished.stdout, "issuer_url = \"", "\""),
        between(&finished.stderr, "using the settings of context '", "'\n"),
    )
}

#[test]
fn straight_after_a_setup_login_show_and_logout_work_without_a_flag() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    let (issuer, client) = (provider.issuer(), provider.client_id());
    let mut setup = home.kubekey();
    setup.args(["setup", "--cluster=prod", "--server=https://k8s.example.com:6443"]);
    let setup = home.run(setup.arg(format!("--issuer-url={issuer}")).arg(format!("--client-id={client}")));
    assert_eq!(setup.code(), Some(0), "{setup:#?}");

    let login = home.run(home.kubekey().arg("login"));
    assert_eq!((login.code(), login.stdout.as_str()), (Some(0), ""), "{login:#?}");
    assert!(login.stderr.starts_with("kubekey: using the settings of context 'prod'\n"), "{login:#?}");
    assert_eq!(home.browser.urls().len(), 1);
    let show = show(&home, &["--origin"]);
    assert_eq!((show.code(), shown(&show)), (Some(0), (Some(&*issuer), Some("prod"))), "{show:#?}");
    let mut by_kubectl = home.kubekey();
    by_kubectl.arg(format!("--issuer-url={issuer}")).arg(format!("--client-id={client}"));
    home.run(&mut by_kubectl).credential();
    assert_eq!(home.browser.urls().len(), 1, "it is the same sign-in");

    let logout = home.run(home.kubekey().arg("logout"));
    assert!(logout.stderr.contains(&format!("signed out of {issuer}: the saved sign-in was removed")), "{logout:#?}");
    assert!(logout.stderr.contains("using the settings of context 'prod'"), "{logout:#?}");
    home.run(&mut by_kubectl).credential();
    assert_eq!(home.browser.urls().len(), 2);
}

#[test]
fn args_env_and_extension_of_the_user_count_as_in_a_run_of_kubectl() {
    let (home, state) = (Home::new(Mode::Absent), "/tmp/of-the-kubeconfig");
    let env = json!([
        { "name": "KUBEKEY_CLIENT_ID", "value": "of-env" },
        { "name": "KUBEKEY_SCOPE", "value": "a b" },
        { "name": "XDG_STATE_HOME", "value": state },
        { "name": "LD_PRELOAD", "value": "/nowhere.so" },
    ]);
    let arguments = json!(["get-token", "--oidc-issuer-url=https://x.example", "--oidc-extra-scope=c", "--scope=d"]);
    let extension = json!([{ "name": "other", "extension": {} }, {
        "name": "client.authentication.k8s.io/exec",
        "extension": { "login_timeout": "90s", "client_id": "of-extension" },
    }]);
    for (provides, timeout) in [(true, Some("login_timeout = \"90s\"")), (false, Some("login_timeout = \"180s\""))] {
        let exec = json!({ "command": "kubekey", "args": arguments, "env": env, "provideClusterInfo": provides });
        let path = kubeconfig(&home, ".kube/config", "a", &[("a", exec)]);
        let mut file: Value = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
        file["clusters"][0]["cluster"]["extensions"] = extension.clone();
        fs::write(&path, file.to_string()).expect("a home");
        let show = show(&home, &["--origin"]);
        assert_eq!((show.code(), shown(&show)), (Some(0), (Some("https://x.example"), Some("a"))), "{show:#?}");
        for line in [Some("client_id = \"of-env\""), Some("scope = [\"c\",\"d\"]"), timeout] {
            assert!(show.stdout.contains(line.unwrap()), "{line:?}: {show:#?}");
        }
        for origin in [
            "issuer_url = \"https://x.example\"  # --issuer-url of the user 'a' in the kubeconfig\n",
            "client_id = \"of-env\"  # KUBEKEY_CLIENT_ID of the user 'a' in the kubeconfig\n",
        ] {
            assert!(show.stdout.contains(origin), "{origin}: {show:#?}");
        }
        assert!(!show.stderr.contains("LD_PRELOAD") && !show.stderr.contains("nowhere"), "{show:#?}");
    }
    // What a person sets wins, and the other provider's secret is not sent there.
    let secret = json!(["--issuer-url=https://x.example", "--client-id=x", "--client-secret=s3cret", "--scope=a"]);
    default_kubeconfig(&home, "a", &[("a", exec("kubekey", &secret))]);
    let own = show(&home, &["--context=a", "--scope=b", "--issuer-url=https://own.example"]);
    assert_eq!(shown(&own), (Some("https://own.example"), Some("a")), "{own:#?}");
    assert!(own.stdout.contains("scope = [\"b\"]") && !own.stdout.contains("client_secret"), "{own:#?}");
    let own = self::show(&home, &["--context=a", "--scope=b", "--issuer-url=https://own.example", "--output=json"]);
    let settings: Value = serde_json::from_str::<Value>(&own.stdout).expect("JSON")["settings"].take();
    let by_flag = json!({ "layer": "flag", "flag": "--issuer-url" });
    assert_eq!(settings["issuer_url"]["origin"], by_flag, "what a person gives is theirs");
    assert_eq!(settings["client_id"]["origin"]["user"], "a", "{settings}");
    assert!(show(&home, &["--scope=b"]).stdout.contains("client_secret = \"***\""));
}

#[test]
fn another_provider_gets_no_proof_of_the_contexts_client() {
    let home = Home::new(Mode::Absent);
    for proof in
        ["--client-key=/k.pem", "--subject-token-file=/t", "--subject-token-variable=T", "--github-audience=k8s"]
    {
        let secret = json!(["--issuer-url=https://x.example", "--client-id=x", proof, "--flow=token-exchange"]);
        default_kubeconfig(&home, "b", &[("b", exec("kubekey", &secret))]);
        let name = proof[2..].split('=').next().unwrap().replace('-', "_");
        assert!(show(&home, &["--context=b"]).stdout.contains(&name), "{proof}");
        let own = show(&home, &["--context=b", "--issuer-url=https://own.example"]);
        assert!(own.code() == Some(0) && !own.stdout.contains(&name), "{own:#?}");
    }
}

#[test]
#[cfg(unix)]
fn of_several_files_the_first_to_say_something_counts() {
    let home = Home::new(Mode::Absent);
    let of =
        |issuer: &str| exec("/opt/bin/kubekey", &json!([format!("--issuer-url=https://{issuer}"), "--client-id=x"]));
    let first = kubeconfig(&home, "first", "", &[("a", of("first-a"))]);
    let second = kubeconfig(&home, "second", "a", &[("a", of("second-a")), ("b", of("second-b"))]);
    let third = kubeconfig(&home, "third", "b", &[("b", of("third-b"))]);
    default_kubeconfig(&home, "d", &[("d", of("default"))]);
    let list = std::env::join_paths([&first, &home.path().join("missing"), &second, &third]).unwrap();
    let run = |arguments: &[&str]| {
        let mut kubekey = home.kubekey();
        home.run(kubekey.env("KUBECONFIG", &list).args(["config", "show"]).args(arguments))
    };
    assert_eq!(shown(&run(&[])), (Some("https://first-a"), Some("a")));
    assert_eq!(shown(&run(&["--context", "b"])), (Some("https://second-b"), Some("b")));
    for (arguments, issuer) in [(&[][..], "https://first-a"), (&["--context=b"], "https://second-b")] {
        let mut view = kubectl(&home);
        let view = view.env("KUBECONFIG", &list).args(["config", "view", "--minify", "--raw"]).args(arguments);
        let view = String::from_utf8(process::output(view).expect("kubectl, see tests/install").stdout).unwrap();
        assert!(view.contains(issuer), "kubectl merges them in the same way: {view}");
    }
    let third = third.to_str().unwrap();
    assert_eq!(shown(&run(&["--kubeconfig", third])), (Some("https://third-b"), Some("b")));
    assert_eq!(shown(&show(&home, &[])), (Some("https://default"), Some("d")));
    let gone = show(&home, &["--kubeconfig", third, "--context=c"]);
    let hint =
        format!("hint: use the context that runs kubekey:\n  kubekey config show --context b --kubeconfig {third}\n");
    assert!(gone.stderr.contains(&hint), "{gone:#?}");
    assert_eq!(shown(&copied(&home, &gone)), (Some("https://third-b"), Some("b")));
    let missing = show(&home, &["--kubeconfig", "/nowhere"]);
    assert_eq!(missing.code(), Some(2), "{missing:#?}");
    assert!(missing.stderr.contains("/nowhere does not exist"), "{missing:#?}");
    symlink("loop", home.path().join("loop")).unwrap();
    for command in ["config show", "login", "logout"] {
        let mut kubekey = home.kubekey();
        let unreadable = home.run(kubekey.args(command.split(' ')).args(["--kubeconfig", "loop"]));
        assert_eq!(unreadable.code(), Some(2), "{unreadable:#?}");
        assert!(
            unreadable.stderr.contains("loop cannot be read: Too many levels of symbolic links"),
            "{unreadable:#?}"
        );
    }
}

/// The last command of the hint, as a shell runs it.
fn copied(home: &Home, finished: &Finished) -> Finished {
    let command = finished.stderr.lines().last().and_then(|line| line.strip_prefix("  kubekey ")).expect("a command");
    let mut kubekey = home.kubekey();
    home.run(kubekey.args(shlex::split(command).expect("words")))
}

#[test]
fn where_the_current_context_does_not_run_kubekey_the_others_are_named_as_commands_that_work() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    let other = exec("aws", &json!(["eks", "get-token"]));
    for name in ["prod", "my cluster", "a'b", "$HOME", "`id`", "-x", "a\"b", "é"] {
        for (current, words) in [
            ("dev", "no issuer URL is set, and the user of the current context 'dev' does not run kubekey"),
            ("", "no issuer URL is set, and the kubeconfig has no current context"),
            ("gone", "the current context 'gone' does not exist in the kubeconfig"),
        ] {
            let users = [
                ("dev", other.clone()),
                ("sh", exec("sh", &json!(["kubekey"]))),
                (name, exec("kubekey", &args(&provider))),
            ];
            default_kubeconfig(&home, current, &users);
            let login = home.run(home.kubekey().arg("login"));
            assert_eq!((login.code(), login.stdout.as_str()), (Some(2), ""), "{login:#?}");
            assert!(login.stderr.contains(words) && !login.stderr.contains("--context sh"), "{login:#?}");
            let copied = copied(&home, &login);
            assert_eq!(copied.code(), Some(0), "{login:#?} {copied:#?}");
            assert!(copied.stderr.contains("signed in as Jane Doe"), "{copied:#?}");
        }
    }
    default_kubeconfig(&home, "dev", &[("dev", other)]);
    let login = home.run(home.kubekey().arg("login"));
    assert!(login.stderr.contains("hint: give --issuer-url and --client-id, or run 'kubekey setup'"), "{login:#?}");
}

#[test]
fn a_context_that_is_asked_for_has_to_be_there_and_to_run_kubekey() {
    let home = Home::new(Mode::Absent);
    let ours = exec("kubekey", &json!(["--issuer-url=https://x.example", "--client-id=x"]));
    let users = [("dev", exec("aws", &json!([]))), ("prod", ours), ("old", exec("kubekey", &json!(["--nonsense"])))];
    default_kubeconfig(&home, "prod", &users);
    for (context, words) in [
        (
            "dev",
            "the user of the context 'dev' does not run kubekey\nhint: use a context that runs kubekey:\n  kubekey config show --context prod\n",
        ),
        (
            "gone",
            "the kubeconfig has no context 'gone'\nhint: use a context that runs kubekey:\n  kubekey config show --context prod\n",
        ),
        ("old", "the args of context 'old' cannot be used: unexpected argument '--nonsense' found"),
    ] {
        let refused = show(&home, &["--context", context]);
        assert_eq!((refused.code(), refused.stdout.as_str()), (Some(2), ""), "{refused:#?}");
        assert!(refused.stderr.contains(words), "{refused:#?}");
    }
}

#[test]
fn a_cluster_selects_its_context_and_where_several_users_have_one_they_are_named() {
    let home = Home::new(Mode::Absent);
    let ours = |issuer: &str| exec("kubekey", &json!([format!("--issuer-url=https://{issuer}"), "--client-id=x"]));
    let users = [("dev", exec("aws", &json!([]))), ("prod", ours("prod")), ("admin", ours("admin"))];
    let path = kubeconfig(&home, ".kube/config", "dev", &users);
    assert_eq!(shown(&show(&home, &["--cluster=prod"])), (Some("https://prod"), Some("prod")));
    let with = |change: &dyn Fn(&mut Value)| {
        let mut file: Value = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
        change(&mut file);
        fs::write(&path, file.to_string()).expect("a home");
    };
    with(&|file| file["contexts"][2]["context"]["cluster"] = "prod".into());
    let several = show(&home, &["--cluster=prod"]);
    assert_eq!(several.code(), Some(2), "{several:#?}");
    let hint = "several users have a context for the cluster 'prod'\nhint: use one of the contexts:\n  \
                kubekey config show --context prod\n  kubekey config show --context admin\n";
    assert!(several.stderr.contains(hint), "{several:#?}");
    assert_eq!(shown(&copied(&home, &several)), (Some("https://admin"), Some("admin")));
    with(&|file| file["current-context"] = "admin".into());
    assert_eq!(shown(&show(&home, &["--cluster=prod"])), (Some("https://admin"), Some("admin")));
    with(&|file| file["contexts"][2]["context"]["user"] = "prod".into());
    with(&|file| file["current-context"] = "dev".into());
    assert_eq!(shown(&show(&home, &["--cluster=prod"])), (Some("https://prod"), Some("prod")), "one user, any context");
    for cluster in ["dev", "gone"] {
        let none = show(&home, &["--cluster", cluster]);
        assert_eq!(none.code(), Some(2), "{none:#?}");
        assert!(none.stderr.contains(&format!("no context for the cluster '{cluster}' runs kubekey\n")), "{none:#?}");
        assert_eq!(copied(&home, &none).code(), Some(0));
    }
}

#[test]
fn who_has_settings_is_not_given_those_of_a_context() {
    let home = Home::new(Mode::Absent);
    default_kubeconfig(&home, "a", &[("a", exec("kubekey", &json!(["--issuer-url=https://x.example"])))]);
    let own = ["--issuer-url=https://own.example", "--client-id=x", "--profile="];
    assert_eq!(shown(&show(&home, &own[..1])), (Some("https://own.example"), None));
    assert_eq!(shown(&show(&home, &own[1..2])), (None, None));
    assert_eq!(shown(&show(&home, &own[2..])), (Some("https://x.example"), Some("a")), "an empty one is none");
    let otherwise = ": the settings of the current context 'a' are not used; --context a uses them\n";
    for (arguments, given) in [
        (&own[1..2], Some("a client ID is given without an issuer URL")),
        (&own[..1], Some("an issuer URL is given without a client ID")),
        (&own[..2], None),
        (&["--client-id=x", "--context=a"], None),
        (&["--client-id=x", "--profile=work"], None),
    ] {
        let said = show(&home, arguments).stderr;
        let expected = given.map(|given| format!("kubekey: {given}{otherwise}"));
        assert_eq!(said.contains("are not used"), given.is_some(), "{arguments:?}: {said}");
        assert!(expected.is_none_or(|expected| said.contains(&expected)), "{arguments:?}: {said}");
    }
    let mut by_variable = home.kubekey();
    by_variable.env("IDP_ISSUER_URL", "https://own.example").args(["config", "show"]);
    let said = home.run(&mut by_variable);
    assert_eq!(shown(&said), (Some("https://own.example"), None));
    assert!(said.stderr.contains("an issuer URL is given without a client ID"), "{said:#?}");
    by_variable.arg("--client-id=x");
    assert!(!home.run(&mut by_variable).stderr.contains("are not used"));
    by_variable.arg("--context=a");
    assert_eq!(shown(&home.run(&mut by_variable)), (Some("https://x.example"), Some("a")));

    // Files are enough if no context has more.
    fs::create_dir(home.config().join("kubekey")).unwrap();
    fs::write(home.config().join("kubekey").join("config.toml"), "issuer_url = 'https://file.example'").unwrap();
    assert_eq!(shown(&show(&home, &[])), (Some("https://x.example"), Some("a")));
    for text in ["users: [", "current-context: dev\n", ""] {
        fs::write(home.path().join(".kube").join("config"), text).unwrap();
        let files = show(&home, &[]);
        assert_eq!((files.code(), shown(&files)), (Some(0), (Some("https://file.example"), None)), "{files:#?}");
        assert_eq!(files.stderr.contains("warning: "), text.contains('['), "{files:#?}");
    }
    fs::remove_file(home.config().join("kubekey").join("config.toml")).unwrap();
    fs::write(home.path().join(".kube").join("config"), "users: [").unwrap();
    let broken = home.run(home.kubekey().arg("login"));
    assert_eq!(broken.code(), Some(2), "{broken:#?}");
    assert!(broken.stderr.contains("config cannot be read: "), "{broken:#?}");
}

#[test]
#[cfg(target_os = "linux")]
fn the_policy_holds_for_a_context_as_for_kubectl() {
    let (home, provider) = (Home::new(Mode::Absent), Provider::start());
    let locked = json!({ "command": "kubekey", "args": args(&provider), "env": [{ "name": "KUBEKEY_TEMPLATE_DIR", "value": "/x" }] });
    default_kubeconfig(&home, "a", &[("a", locked)]);
    let policy = Etc::with_policy("");
    for command in ["login", "logout"] {
        assert_refused(&home.run(&mut policy.over(home.kubekey().arg(command))), "KUBEKEY_TEMPLATE_DIR");
    }
    let named = json!({ "command": "kubekey", "args": args(&provider), "provideClusterInfo": true });
    default_kubeconfig(&home, "a", &[("a", named)]);
    let policy = Etc::with_policy("allowed_servers = ['https://other.example']");
    let refused = home.run(&mut policy.over(home.kubekey().arg("login")));
    assert_refused(&refused, &format!("a token for {SERVER} is not allowed"));
    assert_eq!(home.run(&mut policy.over(home.kubekey().arg("logout"))).code(), Some(0), "to forget is always allowed");
    default_kubeconfig(&home, "a", &[("a", exec("kubekey", &args(&provider)))]);
    let refused = home.run(&mut policy.over(home.kubekey().arg("login")));
    assert_refused(&refused, "hint: set 'provideClusterInfo: true' in the kubeconfig's exec section of the user 'a'");
}

#[test]
#[cfg(unix)]
fn a_hint_of_a_run_of_kubectl_names_the_context_that_it_is_for() {
    let provider = Provider::start();
    let arguments = json!([args(&provider)[0], args(&provider)[1], "--login-timeout=1s"]);
    let ours = |command: &str| json!({ "command": command, "args": arguments, "provideClusterInfo": true });
    let other = exec("kubekey", &json!(["--issuer-url=https://x.example"]));
    let home = || {
        let home = Home::new(Mode::Note);
        default_kubeconfig(&home, "dev", &[("dev", other.clone()), ("my prod", ours("/usr/bin/kubekey"))]);
        home
    };
    let by_kubectl = |home: &Home, info: &str| {
        let mut kubekey = home.kubekey();
        kubekey.args(arguments.as_array().unwrap().iter().map(|argument| argument.as_str().unwrap()));
        home.run(kubekey.env("KUBERNETES_EXEC_INFO", info))
    };
    let (of_this, of_same) =
        ("run 'kubekey login --context \"my prod\"'", "run 'kubekey login' with the same settings");
    for (server, hint) in [(SERVER, of_this), ("https://another.example", of_same)] {
        let finished = by_kubectl(&home(), &exec_info(&json!({ "server": server })));
        assert!(finished.stderr.contains(hint), "{finished:#?}");
    }
    let of_old_client = by_kubectl(&home(), r#"{"apiVersion":"client.authentication.k8s.io/v1"}"#);
    assert!(of_old_client.stderr.contains(of_this), "{of_old_client:#?}");
    let home = home();
    let login = home.run(home.kubekey().args(["login", "--context", "my prod"]));
    assert!(login.stderr.contains(of_this), "{login:#?}");
    for own in ["--scope=groups".to_owned(), args(&provider)[0].as_str().unwrap().to_owned()] {
        let login = home.run(home.kubekey().args(["login", "--context=my prod", &own]));
        assert!(login.stderr.contains(of_same) && !login.stderr.contains(of_this), "another sign-in: {login:#?}");
    }
}

#[test]
fn a_context_that_kubectl_cannot_use_is_named_with_what_it_lacks() {
    let home = Home::new(Mode::Absent);
    let ours = exec("kubekey", &json!(["--issuer-url=https://x.example", "--client-id=x"]));
    let users = [("prod", ours.clone()), ("broken", ours)];
    let without = |list: &str, kind: &str, name: Value| {
        let path = kubeconfig(&home, ".kube/config", "broken", &users);
        let mut file: Value = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
        file[list].as_array_mut().unwrap().retain(|entry| entry["name"] != "broken");
        if !kind.is_empty() {
            file["contexts"][1]["context"][kind] = name;
        }
        fs::write(&path, file.to_string()).expect("a home");
    };
    for (list, kind, name, words) in [
        ("users", "user", "broken", "the context 'broken' has the user 'broken', which is not in the kubeconfig"),
        ("users", "user", "", "the context 'broken' has no user"),
        (
            "clusters",
            "cluster",
            "broken",
            "the context 'broken' has the cluster 'broken', which is not in the kubeconfig",
        ),
        ("clusters", "cluster", "", "the context 'broken' has no cluster"),
        ("contexts", "", "", "the kubeconfig has no context 'broken'"),
    ] {
        without(list, kind, json!(name));
        let of_current =
            if list == "contexts" { "the current context 'broken' does not exist in the kubeconfig" } else { words };
        for (command, asked) in
            [("login", false), ("logout", false), ("login", true), ("logout", true), ("config show", true)]
        {
            let mut kubekey = home.kubekey();
            kubekey.args(command.split(' ')).args(asked.then_some("--context=broken"));
            let refused = home.run(&mut kubekey);
            let message = match asked {
                true => format!("kubekey: {words}\n"),
                false => format!("kubekey: no issuer URL is set, and {of_current}\n"),
            };
            assert_eq!((refused.code(), refused.stdout.as_str()), (Some(2), ""), "{refused:#?}");
            let hint = format!("hint: use the context that runs kubekey:\n  kubekey {command} --context prod\n");
            assert_eq!(refused.stderr, message + &hint);
        }
        let show = show(&home, &[]);
        assert_eq!((show.code(), shown(&show)), (Some(0), (None, None)), "{show:#?}");
        assert_eq!(show.stderr, format!("kubekey: warning: {of_current}\n"));
        let of_file = self::show(&home, &["--kubeconfig", ".kube/config"]);
        assert_eq!((of_file.code(), of_file.stdout.as_str()), (Some(2), ""), "{of_file:#?}");
        assert!(of_file.stderr.starts_with(&format!("kubekey: {of_current}\n")), "{of_file:#?}");
    }
}

#[test]
fn who_runs_the_plugin_alone_after_a_setup_is_told_what_to_run() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    let users = [("my prod", exec("kubekey", &args(&provider))), ("dev", exec("aws", &json!([])))];
    default_kubeconfig(&home, "my prod", &users);
    for arguments in [&[][..], &["get-token"], &["--client-id="]] {
        let alone = home.run(home.kubekey().args(arguments));
        assert_eq!((alone.code(), alone.stdout.as_str()), (Some(2), ""), "{alone:#?}");
        let hint = "hint: run 'kubectl get pods', or 'kubekey login --context \"my prod\"' to sign in now\n";
        assert!(alone.stderr.ends_with(hint) && alone.stderr.lines().count() == 2, "{alone:#?}");
    }
    let login = home.run(home.kubekey().args(["login", "--context", "my prod"]));
    assert_eq!(login.code(), Some(0), "{login:#?}");
    for current in ["dev", "gone", ""] {
        default_kubeconfig(&home, current, &users);
        let alone = home.run(&mut home.kubekey());
        assert!(alone.code() == Some(2) && !alone.stderr.contains("kubectl get pods"), "{alone:#?}");
    }
    default_kubeconfig(&home, "my prod", &users);
    home.run(&mut home.kubekey_for(&provider)).credential();
    let by_kubectl = home.run(home.kubekey().env("KUBERNETES_EXEC_INFO", exec_info(&json!({ "server": SERVER }))));
    assert!(!by_kubectl.stderr.contains("kubectl get pods"), "{by_kubectl:#?}");
}

/// The user's own words are in the command that is run anew, and none of them is a setting.
#[test]
fn flags_of_a_command_do_not_hide_the_context_from_a_hint() {
    let (home, provider) = (Home::new(Mode::Note).store_in("file"), Provider::start());
    let file = kubeconfig(&home, "my kubeconfig", "prod", &[("prod", exec("kubekey", &args(&provider)))]);
    let mut token = home.kubekey();
    token.args(["token", "--decode", "--login-timeout=1s", "--kubeconfig"]).arg(&file);
    let own = home.run(&mut token);
    assert!(own.stderr.contains("'kubekey login' with the same settings"), "{own:#?}");
    let mut token = home.kubekey();
    token.args(["token", "--decode", "--kubeconfig"]).arg(&file).env("KUBEKEY_LOGIN_TIMEOUT", "1s");
    let timed_out = home.run(&mut token);
    let login = format!("'kubekey login --context prod --kubeconfig \"{}\"'", file.display());
    assert!(timed_out.code() == Some(3) && timed_out.stderr.contains(&login), "{timed_out:#?}");
}

#[test]
fn who_comes_from_another_program_is_shown_how_to_move() {
    let home = Home::new(Mode::Absent);
    let flags = json!(["oidc-login", "get-token", "--oidc-issuer-url=https://x.example", "--oidc-client-id=x"]);
    let file = kubeconfig(&home, "k", "prod", &[("prod", exec("kubectl", &flags))]);
    let of_file = format!("--kubeconfig {}", quoted(file.to_str().unwrap()));
    let hint = format!(
        "\nhint: users of the kubeconfig sign in with kubelogin; to move them to kubekey, run:\n  \
         kubekey setup --from-kubelogin {of_file}\n"
    );
    for command in ["login", "token", "whoami", "status"] {
        let finished = home.run(home.kubekey().args([command, "--kubeconfig"]).arg(&file));
        assert!(!finished.status.success() && finished.stderr.ends_with(&hint), "{command}: {finished:#?}");
    }
    let setup = home.run(home.kubekey().args(["setup", "--kubeconfig"]).arg(&file));
    let notice =
        format!("kubekey: users of the kubeconfig sign in with kubelogin: 'kubekey setup --from-kubelogin {of_file}'");
    assert!(setup.stderr.starts_with(&notice), "{setup:#?}");

    let ours = exec("kubekey", &json!(["--issuer-url=https://x.example", "--client-id=x"]));
    kubeconfig(&home, "k", "prod", &[("prod", exec("kubectl", &flags)), ("mine", ours)]);
    let login = home.run(home.kubekey().args(["login", "--kubeconfig"]).arg(&file));
    let hint = format!(
        "hint: move the users of kubelogin to kubekey with 'kubekey setup --from-kubelogin {of_file}', \
         or use the context that runs kubekey:\n  kubekey login --context mine {of_file}\n"
    );
    assert!(login.stderr.ends_with(&hint), "{login:#?}");
    let moved = home.run(home.kubekey().args(["setup", "--from-kubelogin", "--yes", "--kubeconfig"]).arg(&file));
    assert_eq!(moved.code(), Some(0), "{moved:#?}");
    let after = home.run(home.kubekey().args(["setup", "--kubeconfig"]).arg(&file));
    assert!(!after.stderr.contains("kubelogin"), "{after:#?}");
}

#[test]
fn a_name_that_is_almost_right_is_suggested_and_the_hint_keeps_the_flags_of_the_command() {
    let home = Home::new(Mode::Absent);
    let ours = exec("kubekey", &json!(["--issuer-url=https://x.example", "--client-id=x"]));
    default_kubeconfig(&home, "prod", &[("prod", ours)]);
    let gone = |arguments: &[&str]| home.run(home.kubekey().args(arguments).arg("--context=prods"));
    for (arguments, command) in [
        (&["token", "--decode"][..], "token --decode"),
        (&["whoami", "--output=json"], "whoami --output=json"),
        (&["logout", "--browser"], "logout --browser"),
        (&["status", "--output", "wide"], "status --output=wide"),
        (&["config", "show", "--origin"], "config show --origin"),
    ] {
        let said = gone(arguments).stderr;
        let all = format!(
            "kubekey: the kubeconfig has no context 'prods' (did you mean 'prod'?)\n\
             hint: use the context that runs kubekey:\n  kubekey {command} --context prod\n"
        );
        assert_eq!(said, all, "{arguments:?}");
    }
    let nowhere = home.run(home.kubekey().args(["login", "--kubeconfig=/nowhere"]));
    assert!(nowhere.stderr.contains("hint: fix the path after --kubeconfig"), "{nowhere:#?}");
}
