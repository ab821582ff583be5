//! Colors: only of labels, and only where a terminal shows them and the user wants them.

use std::process::Command;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::terminal::Person;

const COLORED: &str = "\u{1b}[1;33mkubekey: warning:\u{1b}[0m KUBEKEY_LOG is 'loud': use error, warn, info, debug or trace\r\n\
    \u{1b}[1;31mkubekey:\u{1b}[0m no issuer URL is set\r\n\
    \u{1b}[1mhint:\u{1b}[0m give ";

/// A run with a warning, an error and a hint.
fn kubekey(home: &Home) -> Command {
    let mut kubekey = home.kubekey();
    kubekey.args(["login"]).env("KUBEKEY_LOG", "loud").env("TERM", "xterm");
    kubekey
}

#[test]
fn labels_have_colors_where_a_terminal_shows_them() {
    let home = Home::new(Mode::Absent);
    for (name, value) in [("TERM", "linux"), ("NO_COLOR", ""), ("CLICOLOR", "1"), ("CLICOLOR", "")] {
        let (code, screen, _) = Person::run(kubekey(&home).env(name, value)).wait();
        assert_eq!(code, Some(2), "{screen}");
        assert!(screen.starts_with(COLORED), "{name}={value}: {screen:?}");
    }
    let (_, screen, _) = Person::run_at(&kubekey(&home), 20).wait();
    assert!(screen.contains("\u{1b}[1mhint:\u{1b}[0m give\r\n"), "{screen:?}");
}

#[test]
fn nothing_has_colors_where_they_are_not_wanted_or_not_shown() {
    let home = Home::new(Mode::Absent);
    for (name, value) in [("TERM", "dumb"), ("TERM", ""), ("NO_COLOR", "1"), ("NO_COLOR", "0"), ("CLICOLOR", "0")] {
        let (code, screen, _) = Person::run(kubekey(&home).env(name, value).env("CLICOLOR_FORCE", "1")).wait();
        assert_eq!(code, Some(2), "{screen}");
        assert!(screen.contains("kubekey: warning: KUBEKEY_LOG") && screen.contains("\nhint: give "), "{screen:?}");
        assert!(!screen.contains('\u{1b}'), "{name}={value}: {screen:?}");
    }
    let (_, screen, _) = Person::run(kubekey(&home).env_remove("TERM")).wait();
    assert!(!screen.contains('\u{1b}'), "{screen:?}");
    let finished = home.run(kubekey(&home).envs([("CLICOLOR_FORCE", "1"), ("FORCE_COLOR", "1")]));
    assert!(finished.stderr.contains("\nhint: give ") && !finished.stderr.contains('\u{1b}'), "{finished:#?}");
}
