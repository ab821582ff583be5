//! A sign-in where no browser starts and a program reads stderr, as in an editor or a client library.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::support::browser::Mode;
use crate::support::client::get;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::server::Answer;
use crate::support::run::{Running, by_a_command};
use crate::support::terminal::{INTERRUPT, Person};

/// kubekey in a session without a terminal.
fn without_terminal(home: &Home, provider: &Provider, arguments: &[&str]) -> Command {
    let mut kubekey = home.kubekey_for(provider);
    kubekey.args(arguments);
    in_place(&kubekey, "/usr/bin/setsid", &["--wait"])
}

/// Runs `script`, which runs kubekey, in a shell.
fn in_shell(kubekey: &Command, script: &str) -> Command {
    in_place(kubekey, "/bin/sh", &["-c", script])
}

fn in_place(kubekey: &Command, program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).arg(kubekey.get_program()).args(kubekey.get_args()).env_clear();
    command.envs(kubekey.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(kubekey.get_current_dir().expect("a folder"));
    command
}

fn printed_url(running: &Running) -> String {
    let line = running.wait_for_stderr("kubekey:   http://127.0.0.1:");
    line.strip_prefix("kubekey:   ").unwrap().to_owned()
}

#[test]
fn an_address_that_nobody_opens_is_waited_for_20_seconds_and_one_that_was_opened_the_whole_time() {
    let users: Vec<_> = (0..4).map(|_| (Home::with_keyring(Mode::Absent), Provider::start())).collect();
    let start = |index: usize, arguments: &[&str]| {
        let (home, provider) = &users[index];
        Running::start(&mut without_terminal(home, provider, arguments))
    };
    // The desktop's launchers are there, and its screen is not.
    let (remote, its_provider) = (Home::new(Mode::Note), Provider::start());
    let no_screen = Running::start(without_terminal(&remote, &its_provider, &[]).env_remove("DISPLAY"));
    let opened = start(1, &[]);
    get(&printed_url(&opened)).location().expect("a redirect to the provider");
    let patient = [start(2, &["--login-timeout=180s"]), start(3, &["--skip-open-browser"])];
    let (home, provider) = &users[0];
    let unseen = start(0, &[]);
    printed_url(&unseen);
    let mut person = Person::run(&home.kubekey_for(provider));
    person.wait_for("waiting for another kubekey that is signing in");
    let unseen = unseen.wait();
    assert_eq!((unseen.code(), unseen.stdout.as_str()), (Some(3), ""), "{unseen:#?}");
    let said = "kubekey: no browser was opened, and the URL was not opened within 20 s\n\
                hint: run 'kubekey login' with the same settings in a terminal\n";
    assert!(unseen.stderr.ends_with(said), "{unseen:#?}");
    let no_screen = no_screen.wait();
    assert!(no_screen.code() == Some(3) && no_screen.stderr.ends_with(said), "{no_screen:#?}");
    assert_eq!(remote.browser.urls().len(), 0);

    // These began before that run, and are still there.
    for ((home, _), running) in users[1..].iter().zip([opened].into_iter().chain(patient)) {
        home.browser.open(&printed_url(&running)).last();
        running.wait().credential();
    }

    // A person at a terminal shares neither that failure nor the pause after it.
    person.wait_for("kubekey: sign in to ");
    person.type_in(INTERRUPT);
    person.wait();
    // A client that polls is told so at once for a while. That is not another run of the same command.
    let later = home.run(&mut by_a_command(&without_terminal(home, provider, &[]), 1));
    assert_eq!(later.code(), Some(3), "{later:#?}");
    assert!(later.stderr.contains("there is no browser and no terminal to sign in with"), "{later:#?}");
    assert!(later.stderr.contains("hint: run 'kubekey login' with the same settings in a terminal"), "{later:#?}");
    home.edit_state(|state| {
        assert!(!state["unseen_at"].is_null() && state["unanswered"].is_null(), "{state}");
        state["unseen_at"] = (chrono::Utc::now().timestamp() - 31).into();
    });
    let later = start(0, &["--login-timeout=1"]).wait();
    assert!(later.stderr.contains("the sign-in timed out after 1 s"), "{later:#?}");
}

/// The URL on the person's screen.
fn sign_in_from_the_screen(home: &Home, person: &mut Person) {
    person.wait_for("kubekey: sign in to ");
    person.wait_for("\nkubekey:   ");
    let local = person.wait_for_line();
    home.browser.open(local.trim()).last();
}

#[test]
fn where_stderr_is_captured_the_code_is_on_the_terminal_once() {
    for stderr in ["file", "/dev/null"] {
        let (home, provider) = (Home::with_keyring(Mode::Absent), Provider::start());
        provider.configure(|behaviour| (behaviour.offers_device, behaviour.device_approved) = (true, true));
        let mut kubekey = home.kubekey_for(&provider);
        kubekey.arg("--flow=device").env("LANG", "C.UTF-8");
        let (code, screen, _) = Person::run(&in_shell(&kubekey, &format!(r#"exec "$0" "$@" 2>{stderr}"#))).wait();
        assert_eq!((code, screen.matches("and enter the code WDJB-MJHT").count()), (Some(0), 1), "{stderr}: {screen}");
        assert!(!screen.contains('█'), "{screen}");
    }
}

#[test]
fn a_code_that_nobody_sees_starts_a_short_pause() {
    let (home, provider) = (Home::with_keyring(Mode::Absent), Provider::start());
    provider.configure(|behaviour| {
        behaviour.offers_device = true;
        behaviour.device_polls = vec![Answer::json(400, &json!({ "error": "expired_token" }))];
    });
    let unseen = home.run(&mut without_terminal(&home, &provider, &["--flow=device"]));
    assert_eq!(unseen.code(), Some(3), "{unseen:#?}");
    assert!(unseen.stderr.contains("kubekey: the code was not entered within "), "{unseen:#?}");
    let later = home.run(&mut by_a_command(&without_terminal(&home, &provider, &["--flow=device"]), 1));
    assert!(later.stderr.contains("there is no browser and no terminal to sign in with"), "{later:#?}");
    assert_eq!(provider.count("/device_authorization"), 1);
}

#[test]
fn where_stderr_is_captured_and_no_browser_comes_up_the_address_is_on_the_terminal() {
    for (mode, arguments) in [(Mode::Absent, &[][..]), (Mode::Fail, &[]), (Mode::Note, &["--skip-open-browser"])] {
        for stderr in ["file", "/dev/null", "&-"] {
            let (home, provider) = (Home::with_keyring(mode), Provider::start());
            let mut kubekey = home.kubekey_for(&provider);
            kubekey.args(arguments);
            let mut person = Person::run(&in_shell(&kubekey, &format!(r#"exec "$0" "$@" 2>{stderr}"#)));
            sign_in_from_the_screen(&home, &mut person);
            let (code, screen, stdout) = person.wait();
            let said = screen.contains("no browser can be opened here: ");
            assert_eq!((code, said), (Some(0), mode == Mode::Absent), "{mode:?} {stderr}: {screen}");
            assert_eq!(screen.lines().count(), 2 + usize::from(said), "{mode:?} {stderr}: {screen}");
            assert!(stdout.contains("ExecCredential"), "{stdout}");
        }
    }
}

#[test]
fn the_terminal_has_the_address_once_and_not_at_all_where_a_browser_comes_up_or_another_program_has_it() {
    // stderr is the terminal.
    let (home, provider) = (Home::with_keyring(Mode::Fail), Provider::start());
    let mut person = Person::run(home.kubekey_for(&provider).env("KUBEKEY_LOG", "info"));
    person.wait_for("\nkubekey:   ");
    let local = person.wait_for_line();
    person.wait_for("no browser was opened");
    home.browser.open(&local).last();
    let (code, screen, _) = person.wait();
    assert_eq!((code, screen.matches("kubekey:   http").count()), (Some(0), 1), "{screen}");

    // A browser starts.
    let (home, provider) = (Home::with_keyring(Mode::Follow), Provider::start());
    let person = Person::run(&in_shell(&home.kubekey_for(&provider), r#"exec "$0" 2>file"#));
    let (code, screen, _) = person.wait();
    assert_eq!((code, screen.as_str()), (Some(0), ""));

    // It runs in the background of a terminal that stops background processes that write to it.
    for tostop in ["", "stty tostop;"] {
        let (home, provider) = (Home::with_keyring(Mode::Fail), Provider::start());
        let script = format!(r#"{tostop} set -m; "$0" 2>file & wait"#);
        let person = Person::run(&in_shell(&home.kubekey_for(&provider), &script));
        let stderr = home.path().join("file");
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        let local = loop {
            let text = fs::read_to_string(&stderr).unwrap_or_default();
            // By then it is known that no browser starts.
            let is_known = text.contains("no browser was opened");
            if let Some(line) = text.lines().find(|line| line.starts_with("kubekey:   ")).filter(|_| is_known) {
                break line["kubekey:   ".len()..].to_owned();
            }
            assert!(std::time::Instant::now() < deadline, "{text}");
            std::thread::sleep(std::time::Duration::from_millis(5));
        };
        home.browser.open(&local).last();
        let (_, screen, stdout) = person.wait();
        assert!(stdout.contains("ExecCredential"), "{stdout} {screen}");
        assert!(!screen.contains("http"), "{screen}");
    }
}

/// The program that opens the browser is started, and fails after that.
#[test]
fn a_page_to_sign_out_that_nobody_sees_is_waited_for_as_long() {
    let (home, provider) = (Home::new(Mode::Absent).store_in("file"), Provider::start());
    provider.configure(|behaviour| behaviour.offers_end_session = true);
    let arguments = ["logout", "--browser", "--browser-command=/bin/sh -c 'sleep 0.3; exit 1'"];
    let unseen = home.run(&mut without_terminal(&home, &provider, &arguments));
    assert_eq!(unseen.code(), Some(3), "{unseen:#?}");
    assert!(unseen.stderr.contains("was not ended: no browser opened the page within 20 s"), "{unseen:#?}");
}
