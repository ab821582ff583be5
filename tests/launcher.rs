//! How the browser is launched: with our own URL as the only argument, and without a shell.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use crate::support::browser::Mode;
use crate::support::canary;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::run::{Finished, Running};
use crate::support::strace::strace;

/// Notes how it was run, prints noise, and passes the URL to the browser.
const RECORDER: &str = r#"#!/bin/sh
printf '%s\n' "$@" >"$HOME/arguments"
env >"$HOME/environment"
cut -d ' ' -f 1,5 "/proc/$$/stat" >"$HOME/group"
cat >"$HOME/input"
echo noise
echo noise >&2
for url; do :; done
exec xdg-open "http${url#*http}"
"#;

fn install(home: &Home, name: &str, script: &str) -> PathBuf {
    let path = home.browser.folder().join(name);
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// A user whose browser is a recorder that opens the URL.
fn with_recorder() -> (Home, Provider) {
    let home = Home::new(Mode::Follow);
    install(&home, "recorder", RECORDER);
    (home, Provider::start())
}

fn recorded(home: &Home, what: &str) -> String {
    fs::read_to_string(home.path().join(what)).unwrap_or_default()
}

/// The arguments of the recorder, with `URL` for our URL.
fn arguments(home: &Home) -> Vec<String> {
    let url = home.browser.urls().pop().expect("a URL");
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    recorded(home, "arguments").lines().map(|argument| argument.replace(&url, "URL")).collect()
}

/// Opens the printed URL by hand.
fn open_by_hand(home: &Home, running: Running) -> Finished {
    let line = running.wait_for_stderr("kubekey:   http://127.0.0.1:");
    home.browser.open(line.strip_prefix("kubekey:   ").unwrap()).last();
    running.wait()
}

fn is_cooling_down(home: &Home) -> bool {
    home.files().iter().any(|file| fs::read_to_string(file).unwrap_or_default().contains("unanswered\":{"))
}

#[test]
fn the_url_is_the_last_argument_or_takes_the_place_of_percent_s() {
    for (command, expected) in [
        ("recorder", &["URL"][..]),
        ("  recorder --new-window  ", &["--new-window", "URL"]),
        ("recorder 'two words' \"and two\" more\\ words", &["two words", "and two", "more words", "URL"]),
        ("recorder --url=%s", &["--url=URL"]),
        ("recorder %s last", &["URL", "last"]),
    ] {
        let (home, provider) = with_recorder();
        install(&home, "recorder", &RECORDER.replace("for url", "for url in $(cat $HOME/arguments | grep http)"));
        home.run(home.kubekey_for(&provider).args(["--browser-command", command])).credential();
        assert_eq!(arguments(&home), expected, "{command}");
    }
}

#[test]
fn no_shell_sees_the_browser_command_or_browser() {
    let command = "recorder $HOME `touch made` $(touch made) ; touch made | touch made & touch made > made *";
    for variable in ["KUBEKEY_BROWSER_COMMAND", "BROWSER"] {
        let (home, provider) = with_recorder();
        home.run(home.kubekey_for(&provider).env(variable, command)).credential();
        let expected: Vec<_> = command.split(' ').skip(1).chain(["URL"]).collect();
        assert_eq!(arguments(&home), expected, "{variable}");
        assert!(!home.path().join("made").exists(), "{variable}");
    }
}

#[test]
fn the_path_of_a_program_may_have_spaces_in_it() {
    let (home, provider) = with_recorder();
    let path = install(&home, "the recorder", RECORDER);
    home.run(home.kubekey_for(&provider).arg("--browser-command").arg(path)).credential();
    assert_eq!(arguments(&home), ["URL"]);
}

#[test]
fn the_browser_command_wins_over_browser_and_that_over_the_desktops() {
    for (command, variable, expected) in [
        ("recorder 1", "recorder 2", &["1", "URL"][..]),
        ("", "recorder 2", &["2", "URL"]),
        ("", "", &[]),
        ("", ":", &[]),
    ] {
        let (home, provider) = with_recorder();
        let mut kubekey = home.kubekey_for(&provider);
        home.run(kubekey.env("KUBEKEY_BROWSER_COMMAND", command).env("BROWSER", variable)).credential();
        assert_eq!(arguments(&home), expected, "{command:?} {variable:?}");
        assert_eq!(home.browser.urls().len(), 1);
    }
}

#[test]
fn the_commands_in_browser_are_tried_in_order() {
    let (home, provider) = with_recorder();
    let browser = "/no/such/program:'no end:false:recorder 4:recorder 5";
    home.run(home.kubekey_for(&provider).env("BROWSER", browser)).credential();
    assert_eq!((arguments(&home), home.browser.urls().len()), (vec!["4".into(), "URL".into()], 1));
}

#[test]
fn a_launcher_of_the_desktop_that_fails_at_once_is_followed_by_the_next() {
    let (home, provider) = with_recorder();
    install(&home, "xdg-open", "#!/bin/sh\nexit 3\n");
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert_eq!(home.browser.urls().len(), 1, "gio's");
}

/// As the crate `open` names them.
#[test]
fn every_launcher_of_a_desktop_has_its_turn_and_its_arguments() {
    const LAUNCHERS: [(&str, &[&str]); 5] = [
        ("xdg-open", &["URL"]),
        ("gio", &["open", "URL"]),
        ("gnome-open", &["URL"]),
        ("kde-open6", &["--", "URL"]),
        ("kde-open5", &["--", "URL"]),
    ];
    let (home, provider) = with_recorder();
    for (name, expected) in LAUNCHERS {
        install(&home, name, &RECORDER.replace("xdg-open", "kde-open"));
        home.run(&mut home.kubekey_for(&provider)).credential();
        assert_eq!(arguments(&home), expected, "{name}");
        home.log_out(&provider);
        install(&home, name, "#!/bin/sh\nexit 1\n");
    }
}

#[test]
fn in_wsl_the_browser_is_that_of_windows() {
    let (home, provider) = with_recorder();
    install(&home, "rundll32.exe", RECORDER);
    let mut kubekey = home.kubekey_for(&provider);
    home.run(kubekey.env("WSL_DISTRO_NAME", "Debian").env_remove("DISPLAY")).credential();
    assert_eq!(arguments(&home), ["url.dll,FileProtocolHandler", "URL"]);
}

#[test]
fn in_wsl_a_service_has_no_browser() {
    let (home, provider) = with_recorder();
    install(&home, "rundll32.exe", RECORDER);
    // As OpenSSH's server of Windows starts them.
    install(
        &home,
        "tasklist.exe",
        "#!/bin/sh\nprintf '\"tasklist.exe\",\"4321\",\"Services\",\"0\",\"9,128 K\"\\r\\n'\n",
    );
    let running = Running::start(home.kubekey_for(&provider).env("WSL_DISTRO_NAME", "Debian"));
    running.wait_for_stderr(
        "kubekey: no browser can be opened here: this is the session of services, which has no desktop",
    );
    open_by_hand(&home, running).credential();
    assert_eq!(recorded(&home, "arguments"), "");
}

#[test]
fn without_a_screen_a_browser_that_was_chosen_is_started_and_no_other() {
    for name in ["KUBEKEY_BROWSER_COMMAND", "BROWSER"] {
        let (home, provider) = with_recorder();
        home.run(home.kubekey_for(&provider).env_remove("DISPLAY").env(name, "recorder")).credential();
        assert_eq!(arguments(&home), ["URL"], "{name}");
    }
    // A launcher that succeeds all the same, as one does that finds a browser for a screen.
    for (display, browser) in [(None, None), (Some(""), Some(":"))] {
        let (home, provider) = with_recorder();
        let mut kubekey = home.kubekey_for(&provider);
        kubekey.env_remove("DISPLAY").envs(display.map(|value| ("DISPLAY", value)));
        let running = Running::start(kubekey.envs(browser.map(|value| ("BROWSER", value))));
        running.wait_for_stderr("kubekey: no browser can be opened here: ");
        let finished = open_by_hand(&home, running);
        finished.credential();
        assert_eq!(home.browser.urls().len(), 0, "{display:?}");
        assert!(
            !finished.stderr.contains("warning") && finished.stderr.contains("on your own machine"),
            "{finished:#?}"
        );
    }
}

#[test]
fn a_command_that_cannot_be_split_found_or_run_is_a_warning_and_the_wait_goes_on() {
    for (command, why) in [
        ("recorder 'no end", "a quote in 'recorder 'no end' is not closed"),
        ("/no/such/program --new", "/no/such/program: No such file"),
        ("false", "false: exit status: 1"),
        (" ", "is empty"),
    ] {
        let (home, provider) = with_recorder();
        let running = Running::start(home.kubekey_for(&provider).args(["--browser-command", command]));
        let warning = running.wait_for_stderr("warning: no browser was opened");
        assert!(warning.contains(why), "{warning}");
        open_by_hand(&home, running).credential();
        assert_eq!(home.browser.urls().len(), 0, "no other browser takes its place");
    }
}

#[test]
fn a_browser_command_that_failed_and_no_browser_at_all_start_no_cool_down() {
    for (name, value) in [("KUBEKEY_BROWSER_COMMAND", "false"), ("KUBEKEY_SKIP_OPEN_BROWSER", "1")] {
        let (home, provider) = with_recorder();
        let finished = home.run(home.kubekey_for(&provider).env(name, value).args(["--login-timeout", "2"]));
        assert!(finished.code() == Some(3) && finished.stderr.contains("the sign-in timed out"), "{finished:#?}");
        assert!(!is_cooling_down(&home), "{name}");
    }
    let home = Home::new(Mode::Note);
    let provider = Provider::start();
    home.run(home.kubekey_for(&provider).args(["--login-timeout", "1", "--browser-command", "xdg-open"]));
    assert!(is_cooling_down(&home), "a browser that came up does");
}

#[test]
fn no_browser_is_opened_where_nobody_wants_one() {
    let (home, provider) = with_recorder();
    let mut kubekey = home.kubekey_for(&provider);
    kubekey.args(["--skip-open-browser", "--browser-command", "recorder"]);
    let finished = open_by_hand(&home, Running::start(&mut kubekey));
    finished.credential();
    assert_eq!((recorded(&home, "arguments").as_str(), home.browser.urls().len()), ("", 0));
    assert!(!finished.stderr.contains("warning"), "{finished:#?}");

    for value in ["", "false", "0"] {
        let (home, provider) = with_recorder();
        home.run(home.kubekey_for(&provider).env("KUBEKEY_SKIP_OPEN_BROWSER", value)).credential();
        assert_eq!(home.browser.urls().len(), 1, "{value:?}");
    }
}

#[test]
fn the_launcher_inherits_no_secret() {
    let (home, provider) = with_recorder();
    provider.configure(|behaviour| behaviour.client_secret = Some("canary-secret-of-the-client".into()));
    let mut kubekey = home.kubekey_for(&provider);
    kubekey.args(["--browser-command", "recorder"]).env("KUBEKEY_CLIENT_SECRET", "canary-secret-of-the-client");
    kubekey.env("CLIENT_SECRET", "canary").env("OF_THE_USERS", "own").env("BROWSER", "another");
    let info = r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential"}"#;
    home.run(kubekey.env("KUBERNETES_EXEC_INFO", info)).credential();
    let environment = recorded(&home, "environment");
    assert!(environment.contains("OF_THE_USERS=own"), "{environment}");
    for name in ["canary", "KUBEKEY_", "CLIENT_SECRET", "KUBERNETES_EXEC_INFO", "BROWSER"] {
        assert!(!environment.contains(name), "{name} in {environment}");
    }
}

#[test]
fn the_launchers_input_and_output_stay_away_from_ours() {
    let (home, provider) = with_recorder();
    let kubekey = home.kubekey_for(&provider);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", r#"echo typed | "$0" --browser-command recorder"#]).arg(kubekey.get_program()).env_clear();
    shell.envs(kubekey.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(home.path());
    let finished = home.run(&mut shell);
    finished.credential();
    assert!(!finished.stderr.contains("noise"), "{finished:#?}");
    assert!(home.path().join("input").exists() && recorded(&home, "input").is_empty(), "its input is empty and ends");
}

#[test]
fn an_interrupt_at_the_terminal_does_not_reach_the_browser() {
    let (home, provider) = with_recorder();
    home.run(home.kubekey_for(&provider).args(["--browser-command", "recorder"])).credential();
    let group = recorded(&home, "group");
    let (process, group) = group.trim().split_once(' ').expect("two numbers");
    assert_eq!(process, group, "the leader of a group of its own");
}

#[test]
fn secrets_go_to_no_command_line() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.client_secret = Some("canary-secret-of-the-client".into()));
    let run = |command: &str| {
        let mut kubekey = home.kubekey_for(&provider);
        kubekey.arg(command).env("KUBEKEY_CLIENT_SECRET", "canary-secret-of-the-client");
        let file = home.path().join("trace");
        let traced = home.run(&mut strace(&kubekey, &file, &["-f", "-s", "8192", "-e", "trace=execve,execveat"]));
        assert!(traced.status.success(), "{traced:#?}");
        let commands = fs::read_to_string(&file).unwrap();
        canary::assert_none_in(&commands, "command lines");
        commands
    };
    let signed_in = run("get-token");
    assert!(signed_in.contains(&home.browser.urls()[0]), "{signed_in}");
    home.edit_saved(|set| set["expires_at"] = 1.into());
    run("get-token");
    run("login");
    run("logout");
    assert_eq!(provider.count("/token"), 3);
}

/// The URL is the launcher's only argument: even a shell in between would have more.
#[test]
fn the_recorder_of_these_tests_sees_what_a_shell_would_do() {
    let (home, _) = with_recorder();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "recorder $HOME; touch made"]).env_clear().env("HOME", home.path()).current_dir(home.path());
    shell.env("PATH", format!("{}:/usr/bin:/bin", home.browser.folder().display()));
    home.run(&mut shell);
    assert_eq!(recorded(&home, "arguments").trim(), home.path().to_str().unwrap());
    assert!(home.path().join("made").exists());
}
