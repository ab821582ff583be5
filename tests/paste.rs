//! The sign-in whose last URL the user pastes, at a real terminal.

use std::process::Command;

use rustix::process::Signal;
use rustix::termios::LocalModes;

use crate::support::browser::Mode;
use crate::support::client::Client;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::Iss;
use crate::support::terminal::{END, INTERRUPT, Person};

const SSH: (&str, &str) = ("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22");
const ASKED: &str = "give it to nobody else, and paste none that you were sent";
const UNUSABLE: &str = "what you pasted cannot be used: ";

fn with_paste(home: &Home, provider: &Provider) -> Command {
    let mut kubekey = home.kubekey_for(provider);
    kubekey.arg("--flow=paste");
    kubekey
}

/// In an SSH session without a browser.
fn remote(home: &Home, provider: &Provider) -> Command {
    let mut kubekey = home.kubekey_for(provider);
    kubekey.env_remove("BROWSER").env_remove("DISPLAY").envs([SSH]);
    kubekey
}

/// The URL to open, once the terminal hides what is typed.
fn url_to_open(person: &mut Person, provider: &Provider) -> String {
    let start = format!("{}/authorize?", provider.issuer());
    let url = person.wait_for_shown(&start);
    person.wait_for(ASKED);
    url
}

/// Signs in with a browser that does not reach this machine, and returns the URL at which it ends.
fn last_url(url: &str) -> String {
    let pages = match Client::default().follow(url) {
        Ok(pages) | Err((pages, _)) => pages,
    };
    pages.iter().rev().find_map(|page| page.location()).expect("a redirect")
}

#[test]
fn the_url_is_pasted_and_never_shown() {
    let (home, provider) = (Home::with_keyring(Mode::Note), Provider::start());
    let mut person = Person::run(&with_paste(&home, &provider));
    let url = url_to_open(&mut person, &provider);
    assert!(!url.contains("response_mode"), "{url}");
    person.type_in(&format!("{}\n", last_url(&url)));
    let (code, screen, stdout) = person.wait();
    assert_eq!(code, Some(0), "{screen}");
    assert!(stdout.contains("\"token\""), "{screen}");
    let issuer = provider.issuer();
    let expected = format!("kubekey: sign in to {issuer} in any browser: open\r\nkubekey:   {issuer}/authorize?");
    assert!(screen.contains(&expected), "{screen}");
    assert!(home.browser.urls().is_empty());
    home.run(&mut with_paste(&home, &provider)).credential();
    assert_eq!(provider.count("/token"), 1, "the sign-in is saved");
}

#[test]
fn over_ssh_it_stands_beside_the_listener() {
    let (home, provider) = (Home::with_keyring(Mode::Note), Provider::start());
    for is_pasted in [true, false] {
        let mut person = Person::run(remote(&home, &provider).arg("login"));
        person.wait_for("no browser can be opened here: this is an SSH session");
        person.wait_for("in a browser on your own machine, at\r\nkubekey:   ");
        let listener = person.wait_for_line();
        person.wait_for("ssh -L ");
        let url = url_to_open(&mut person, &provider);
        if is_pasted {
            person.type_in(&format!("{}\n", last_url(&url)));
        } else {
            Client::default().follow(&listener).expect("the listener");
        }
        let (code, screen, _) = person.wait();
        assert_eq!(code, Some(0), "{screen}");
        assert!(screen.contains("signed in as Jane Doe"), "{screen}");
    }
}

#[test]
fn what_is_not_that_url_is_named_and_the_wait_goes_on() {
    let (home, provider) = (Home::with_keyring(Mode::Note), Provider::start());
    let mut person = Person::run(&with_paste(&home, &provider));
    let url = url_to_open(&mut person, &provider);
    let last = last_url(&url);
    let state = last.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let of_another = last.replace(&state, "of-another-sign-in");
    for (pasted, why) in [
        ("yes", "it is not a whole URL"),
        ("code=abc&state=x", "it is not a whole URL"),
        (&*url, "it is the URL to open, and not the one at which the browser ends"),
        ("https://evil.example/?code=a&state=b", "it is not the URL at which this sign-in ends"),
        (last.split('?').next().unwrap(), "it is not the URL at which this sign-in ends"),
        (&*of_another, "it is the URL of another sign-in"),
        (last.split("&state").next().unwrap(), ""),
        (&*format!("{last}&code=again"), "it repeats a parameter"),
    ] {
        person.type_in(&format!("{pasted}\n"));
        person.wait_for(UNUSABLE);
        person.wait_for(why);
    }
    person.type_in("\n");
    // Without its scheme, in quotes, and typed over.
    person.type_in(&format!("typo\u{15} \"{}\" \r", last.strip_prefix("http://").unwrap()));
    let (code, screen, _) = person.wait();
    assert_eq!(code, Some(0), "{screen}");
    assert_eq!(screen.matches(UNUSABLE).count(), 8, "{screen}");
    assert!(!screen.contains("evil.example"), "{screen}");
}

#[test]
fn a_longer_line_than_a_terminal_edits_arrives_whole() {
    let (home, provider) = (Home::with_keyring(Mode::Note), Provider::start());
    let mut person = Person::run(&with_paste(&home, &provider));
    let url = url_to_open(&mut person, &provider);
    let last = last_url(&url);
    person.type_in(&format!("{last}&session_state={}\n", "x".repeat(20_000)));
    let (code, screen, _) = person.wait();
    assert_eq!(code, Some(0), "{screen}");
}

#[test]
fn the_response_is_checked_as_the_listener_does() {
    let (home, provider) = (Home::with_keyring(Mode::Note), Provider::start());
    provider.configure(|behaviour| behaviour.iss = Iss::Other("https://evil.example".into()));
    let mut person = Person::run(&with_paste(&home, &provider));
    let url = url_to_open(&mut person, &provider);
    person.type_in(&format!("{}\n", last_url(&url)));
    let (code, screen, stdout) = person.wait();
    assert!(code != Some(0) && stdout.is_empty(), "{screen}");
    assert!(screen.contains("the response in the browser is from the issuer"), "{screen}");
    provider.configure(|behaviour| {
        behaviour.iss = Iss::Own;
        behaviour.refusal = Some(("access_denied".into(), "not you".into()));
    });
    let mut person = Person::run(&with_paste(&home, &provider));
    let url = url_to_open(&mut person, &provider);
    person.type_in(&format!("{}\n", last_url(&url)));
    let (_, screen, _) = person.wait();
    assert!(screen.contains("the provider refused the sign-in: not you (access_denied)"), "{screen}");
}

#[test]
fn a_code_alone_is_enough_where_the_page_shows_one() {
    const OUT_OF_BAND: &str = "urn:ietf:wg:oauth:2.0:oob";
    let (home, provider) = (Home::with_keyring(Mode::Note), Provider::start());
    provider.configure(|behaviour| behaviour.redirect_uris = vec![OUT_OF_BAND.to_owned()]);
    let mut kubekey = with_paste(&home, &provider);
    let mut person = Person::run(kubekey.arg(format!("--oidc-redirect-url-authcode-keyboard={OUT_OF_BAND}")));
    let url = url_to_open(&mut person, &provider);
    let last = last_url(&url);
    let code = last.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    person.type_in("not a code\n");
    person.wait_for("it is not a code");
    person.type_in(&format!("{code}\n"));
    let (code, screen, _) = person.wait();
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("paste the code that the last page shows here"), "{screen}");
}

#[test]
fn the_terminal_is_restored_at_every_end() {
    let (home, provider) = (Home::with_keyring(Mode::Note), Provider::start());
    for signal in [None, Some(Signal::TERM), Some(Signal::HUP), Some(Signal::INT), Some(Signal::QUIT)] {
        let mut person = Person::run(&with_paste(&home, &provider));
        url_to_open(&mut person, &provider);
        assert!(!person.modes().intersects(LocalModes::ECHO | LocalModes::ICANON), "{signal:?}");
        match signal {
            None => person.type_in(INTERRUPT),
            Some(signal) => person.signal(signal),
        }
        let (code, screen, stdout) = person.wait();
        assert!(code != Some(0) && stdout.is_empty(), "{signal:?}: {screen}");
    }
    // The end of the input, and a timeout.
    let mut person = Person::run(&with_paste(&home, &provider));
    url_to_open(&mut person, &provider);
    person.type_in(END);
    let (code, screen, _) = person.wait();
    assert!(code == Some(3) && screen.contains("nothing was pasted"), "{screen}");
    let mut person = Person::run(with_paste(&home, &provider).arg("--login-timeout=1"));
    url_to_open(&mut person, &provider);
    let (_, screen, _) = person.wait();
    assert!(screen.contains("no URL was pasted within 1 s"), "{screen}");
}

#[test]
fn without_a_terminal_of_the_users_it_is_refused() {
    let (home, provider) = (Home::with_keyring(Mode::Note), Provider::start());
    let refusal = "nobody can paste a URL here: the standard input is not a terminal in the foreground";
    let finished = home.run(&mut with_paste(&home, &provider));
    assert!(finished.stderr.contains(refusal) && finished.status.code() == Some(3), "{finished:#?}");
    // kubectl apply -f -
    let info = |interactive: bool| {
        let spec = serde_json::json!({ "interactive": interactive });
        serde_json::json!({ "apiVersion": "client.authentication.k8s.io/v1", "spec": spec }).to_string()
    };
    let (_, screen, _) = Person::run(with_paste(&home, &provider).env("KUBERNETES_EXEC_INFO", info(false))).wait();
    assert!(screen.contains(refusal), "{screen}");
    for (interactive, pastes) in [(true, true), (false, false)] {
        let mut kubekey = remote(&home, &provider);
        let mut person = Person::run(kubekey.env("KUBERNETES_EXEC_INFO", info(interactive)));
        person.wait_for("in a browser on your own machine, at\r\nkubekey:   ");
        let listener = person.wait_for_line();
        person.wait_for("ssh -L ");
        if pastes {
            url_to_open(&mut person, &provider);
        }
        Client::default().follow(&listener).expect("the listener");
        let (code, screen, _) = person.wait();
        assert_eq!((code, screen.contains(ASKED)), (Some(0), pastes), "{screen}");
        home.log_out(&provider);
    }
}
