//! The line that shows how long a sign-in still waits, and messages that break at words, in a terminal that has a width.

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::terminal::Person;

const WAIT: &str = "kubekey: waiting for your sign-in in the browser, 2:5";
const ERASED: &str = "\r\u{1b}[K";

#[test]
fn the_time_that_is_left_is_shown_and_removed_at_the_end() {
    let home = Home::with_keyring(Mode::Note);
    let provider = Provider::start();
    let mut person = Person::run_at(home.kubekey_for(&provider).env_remove("KUBEKEY_LOG"), 80);
    person.wait_for(WAIT);
    person.wait_for(" left, Ctrl-C to stop");
    home.browser.open(&home.browser.wait_for_url()).last();
    let (code, screen, _) = person.wait();
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.ends_with(ERASED), "{screen:?}");
}

#[test]
fn nothing_is_counted_down_where_that_disturbs() {
    let home = Home::with_keyring(Mode::Follow);
    for (columns, variable, value) in
        [(0, "LANG", "C"), (40, "LANG", "C"), (80, "TERM", "dumb"), (80, "KUBEKEY_LOG", "warn")]
    {
        let provider = Provider::start();
        let mut kubekey = home.kubekey_for(&provider);
        let person = Person::run_at(kubekey.env_remove("KUBEKEY_LOG").env(variable, value), columns);
        let (code, screen, _) = person.wait();
        assert_eq!(code, Some(0), "{screen}");
        assert!(
            !screen.contains(" left, Ctrl-C") && !screen.contains(ERASED),
            "{columns} {variable}={value}: {screen:?}"
        );
    }
}

#[test]
fn messages_break_at_words_and_what_is_to_be_copied_stays_whole() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let mut kubekey = home.kubekey_for(&provider);
    kubekey.env_remove("KUBEKEY_LOG").args(["--login-timeout=soon"]);
    let (code, screen, _) = Person::run_at(&kubekey, 50).wait();
    assert_eq!(code, Some(2), "{screen}");
    assert!(screen.lines().all(|line| line.chars().count() <= 50), "{screen}");
    let words: Vec<_> = screen.split_whitespace().collect();
    assert!(words.join(" ").contains("hint: give seconds, or a number with a unit: 180, 90s, 3m"), "{screen}");
}
