//! What reaches the terminal: one line for each message, of limited length, in which strings from outside do no harm.

use std::fs;
use std::ops::Range;

use kubekey::printable::sanitise;
use proptest::prelude::*;
use proptest::string::string_regex;
use serde_json::{Value, json};

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::{Behaviour, edit};
use crate::support::provider::server::Answer;
use crate::support::run::Finished;

/// The longest message, in characters.
const LONGEST: usize = 600;

/// Clears the screen, moves back, rings the bell, reverses and hides text, and begins new lines.
const HOSTILE: &str = "a\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}2J\u{8}\u{7f}\u{202e}b\u{2066}c\u{200b}d\u{feff}e\u{2028}f\u{2029}g\nkubekey: h\ri";
const HARMLESS: &str = "a<U+001B>[2J<U+001B>]0;title<U+0007><U+009B>2J<U+0008><U+007F><U+202E>b<U+2066>c<U+200B>d<U+FEFF>e<U+2028>f<U+2029>g kubekey: h i";

/// Unicode's categories, as another implementation has them: control, format, line and paragraph separators.
const HARMFUL: &str = r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]";
const PRINTABLE: &str = r"[\p{L}\p{M}\p{N}\p{P}\p{S} ]";

/// The characters that reverse or hide text, listed one by one: not from a table, but those in use today.
const NAMED: [char; 19] = [
    '\u{61c}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{202a}',
    '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2060}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
    '\u{feff}',
];

fn is_harmful(character: char) -> bool {
    character.is_control() || NAMED.contains(&character)
}

/// This many characters of these sets.
fn texts(sets: &[&str], count: Range<usize>) -> impl Strategy<Value = String> {
    string_regex(&format!("({}){{{},{}}}", sets.join("|"), count.start, count.end - 1)).expect("a pattern")
}

proptest! {
    // A failing case is printed, and no file is needed to repeat it.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_text_whatever_has_more_than_a_line_a_bounded_length_and_harmless_characters(
        text in prop_oneof![any::<String>(), texts(&[HARMFUL, PRINTABLE], 0..800)]
    ) {
        let safe = sanitise(&text);
        prop_assert!(!safe.chars().any(is_harmful), "{safe:?}");
        prop_assert!(safe.chars().count() <= LONGEST, "{} characters", safe.chars().count());
    }

    #[test]
    fn every_harmful_character_is_seen_as_its_code_point(text in HARMFUL) {
        let character = text.chars().next().expect("one character");
        let expected = match character {
            '\n' | '\r' | '\t' => " ".to_owned(),
            character => format!("<U+{:04X}>", u32::from(character)),
        };
        prop_assert_eq!(sanitise(&format!("x{character}y")), format!("x{expected}y"));
    }

    #[test]
    fn printable_text_stays_as_it_is(text in texts(&[PRINTABLE], 0..LONGEST + 1)) {
        prop_assert_eq!(sanitise(&text), text);
    }

    #[test]
    fn a_longer_text_is_cut_and_the_cut_is_seen(text in texts(&[PRINTABLE], LONGEST + 1..700)) {
        let safe = sanitise(&text);
        let kept = safe.strip_suffix(" ...").expect("an ellipsis");
        prop_assert!(text.starts_with(kept) && safe.chars().count() == LONGEST);
    }
}

#[test]
fn what_is_made_visible_counts_at_its_length_and_stays_whole() {
    let safe = sanitise(&"\u{1b}".repeat(LONGEST));
    assert_eq!(safe, format!("{} ...", "<U+001B>".repeat((LONGEST - 4) / 8)));
}

/// Asserts that each visible line is one of kubekey's: those of commands are indented.
fn assert_harmless(finished: &Finished, what: &str) {
    for line in finished.stderr.lines().chain(finished.log.lines()) {
        assert!(["kubekey: ", "hint: ", "  "].iter().any(|label| line.starts_with(label)), "{what}: {line:?}");
        assert!(!line.chars().any(is_harmful), "{what}: {line:?}");
        assert!(line.chars().count() <= LONGEST + "kubekey: warning: ".len(), "{what}: {line}");
    }
    assert!(!finished.stderr.is_empty(), "{what}");
}

#[test]
fn flags_and_variables_are_printed_harmlessly() {
    let home = Home::new(Mode::Absent);
    let valid = ["--issuer-url=https://login.example.com", "--client-id=x"];
    for flag in [
        "issuer-url",
        "client-id",
        "scope",
        "listen-address",
        "redirect-url",
        "login-timeout",
        "token-storage",
        "token-dir",
        "template-dir",
        "no-such-flag",
    ] {
        let flags = valid.iter().filter(|given| !given.starts_with(&format!("--{flag}=")));
        let finished = home.run(home.kubekey().args(flags).arg(format!("--{flag}={HOSTILE}")));
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(2), ""), "{flag}: {finished:#?}");
        assert_harmless(&finished, flag);
    }
    for argument in [HOSTILE, &format!("--{HOSTILE}"), &format!("-{HOSTILE}"), &HOSTILE.repeat(100)] {
        let finished = home.run(home.kubekey().arg(argument));
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(2), ""), "{finished:#?}");
        assert_harmless(&finished, argument);
        assert_eq!(finished.stderr.lines().count(), 4, "{finished:#?}");
    }
    let info = json!({ "apiVersion": HOSTILE, "kind": "ExecCredential" }).to_string();
    let finished = home.run(home.kubekey().env("KUBERNETES_EXEC_INFO", info).env("KUBEKEY_LOG", HOSTILE));
    assert_harmless(&finished, "KUBERNETES_EXEC_INFO");
    assert_eq!(finished.stderr.matches(HARMLESS).count(), 2, "{finished:#?}");
}

#[test]
fn a_wrong_argument_is_said_in_one_line_with_a_hint() {
    let home = Home::new(Mode::Absent);
    let finished = home.run(home.kubekey().arg("--isuer-url=https://login.example.com"));
    let expected = "kubekey: unexpected argument '--isuer-url' found\nhint: did you mean --issuer-url? to list all commands and flags, or the flags of one command, run:\n  kubekey --help\n  kubekey COMMAND --help\n";
    assert_eq!((finished.code(), finished.stderr.as_str()), (Some(2), expected));
    let finished = home.run(home.kubekey().arg("get-tokne"));
    let hint = "kubekey: unrecognized subcommand 'get-tokne'\nhint: did you mean get-token?";
    assert!(finished.stderr.starts_with(hint), "{finished:#?}");
    let finished = home.run(home.kubekey().arg("config"));
    assert_eq!(finished.code(), Some(2), "{finished:#?}");
    assert!(finished.stderr.starts_with("kubekey: a subcommand is missing\nhint: "), "{finished:#?}");
}

#[test]
fn help_and_version_are_no_errors_and_fit_into_80_columns() {
    let home = Home::new(Mode::Absent);
    for arguments in [&["--help"][..], &["-h"], &["help"], &["login", "--help"], &["--version"]] {
        let finished = home.run(home.kubekey().args(arguments).env("COLUMNS", "80"));
        assert_eq!((finished.code(), finished.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(!finished.stdout.is_empty() && finished.stdout.lines().all(|line| line.len() <= 80));
    }
}

/// Makes a provider send something hostile; the value is an OAuth error.
type Change = fn(&mut Behaviour, &Value);

#[test]
fn what_the_provider_says_is_printed_harmlessly() {
    let oauth_error = json!({ "error": HOSTILE, "error_description": HOSTILE.repeat(40) });
    let changes: [(&str, Change); 5] = [
        ("refusal", |behaviour, _| behaviour.refusal = Some((HOSTILE.into(), HOSTILE.into()))),
        ("code", |behaviour, error| behaviour.code_answer = Some(Answer::json(400, error))),
        ("issuer", |behaviour, _| {
            behaviour.discovery = edit(|document| {
                document.insert("issuer".into(), format!("https://x.example/{HOSTILE}").into());
            })
        }),
        ("endpoint", |behaviour, _| {
            behaviour.discovery = edit(|document| {
                document.insert("token_endpoint".into(), format!("ftp://x.example/{HOSTILE}").into());
            })
        }),
        ("claims", |behaviour, _| {
            behaviour.claims = edit(|claims| {
                claims.insert("iss".into(), HOSTILE.into());
            })
        }),
    ];
    for (what, change) in changes {
        let home = Home::new(Mode::Follow);
        let provider = Provider::start();
        provider.configure(|behaviour| change(behaviour, &oauth_error));
        let finished = home.run(&mut home.kubekey_for(&provider));
        assert!(!finished.status.success() && finished.stdout.is_empty(), "{what}: {finished:#?}");
        assert_harmless(&finished, what);
    }
}

#[test]
fn the_name_of_a_user_is_printed_harmlessly() {
    let home = Home::new(Mode::Follow);
    let provider = Provider::start();
    provider.configure(|behaviour| {
        behaviour.claims = edit(|claims| {
            claims.insert("name".into(), HOSTILE.into());
        });
    });
    let finished = home.run(home.kubekey_for(&provider).arg("login"));
    assert!(finished.stderr.contains("signed in as a<U+001B>[2J"), "{finished:#?}");
    assert_harmless(&finished, "name");
}

#[test]
#[cfg(unix)]
fn files_and_commands_are_printed_harmlessly() {
    let name = HOSTILE.replace('/', "");
    let home = Home::new(Mode::Note).store_in("file");
    let provider = Provider::start();
    fs::write(home.path().join(&name), "").unwrap();
    let finished = home.run(home.kubekey_for(&provider).arg("--token-dir").arg(home.path().join(&name)));
    // A line break in a setting is shown as what it is.
    let one_line = HARMLESS.split(' ').next().unwrap();
    assert!(finished.code() == Some(2) && finished.stderr.contains(one_line), "{finished:#?}");
    assert_harmless(&finished, "token-dir");

    for command in [HOSTILE.to_owned(), format!("'{HOSTILE}"), format!("/no/such/{name}")] {
        let home = Home::new(Mode::Note);
        let mut kubekey = home.kubekey_for(&provider);
        let finished = home.run(kubekey.args(["--login-timeout", "1", "--browser-command", &command]));
        assert!(finished.code() == Some(2) && finished.stderr.contains(one_line), "{finished:#?}");
        assert_harmless(&finished, "browser-command");
    }
}

#[test]
fn what_another_run_left_is_printed_harmlessly() {
    let home = Home::new(Mode::Follow);
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    // A failure after a browser was opened is recorded.
    provider.configure(|behaviour| behaviour.refusal = Some(("access_denied".into(), "not you".into())));
    let info = json!({ "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential" }).to_string();
    let run = || home.run(home.kubekey_for(&provider).env("KUBERNETES_EXEC_INFO", &info));
    run();
    let locks = fs::read_dir(home.runtime().join("kubekey")).unwrap();
    let mut locks = locks.map(|lock| lock.unwrap().path());
    let lock = locks.find(|path| path.extension().is_some_and(|end| end == "lock")).unwrap();
    let at = chrono::Utc::now().timestamp();
    // This program runs kubekey, so it is the command that has just seen the failure.
    let hint = HOSTILE.replace('\n', " ");
    fs::write(lock, format!("failed 3 ,{} {at} {hint}\n{hint}", std::process::id())).unwrap();
    let finished = run();
    assert!(finished.stderr.contains(HARMLESS), "{finished:#?}");
    assert_harmless(&finished, "lock");
}

#[test]
fn the_help_is_broken_where_the_terminal_ends() {
    let home = Home::new(Mode::Absent);
    let help = |columns: &str| home.run(home.kubekey().arg("--help").env("COLUMNS", columns)).stdout;
    for (columns, line) in [("60", 60), ("80", 80), ("150", 150)] {
        let help = help(columns);
        let (_, rest) = help.split_once("Each setting").expect("the text after the flags");
        let longest = rest.lines().map(|line| line.chars().count()).max();
        assert!(longest.is_some_and(|longest| longest <= line && longest > line - 15), "{columns}: {longest:?} {help}");
        // No line ends early because another one does at another width.
        let (second, third) = (rest.lines().nth(1).unwrap(), rest.lines().nth(2).unwrap());
        let next = third.split_whitespace().next().unwrap();
        assert!(second.chars().count() + 1 + next.chars().count() > line, "{columns}: {second:?} {next:?}");
    }
}
